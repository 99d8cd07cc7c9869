"""The transport to this machine."""

from collections.abc import Sequence
from pathlib import Path

from harness.errors import TransferFailed
from harness.system.files import copy_atomically
from harness.system.processes import Completed, checked_argv, run_local
from harness.transports.base import Transport


class LocalTransport(Transport):
    """The device is this machine; `host` and `emulator` use it."""

    name = "local"

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Completed:
        """See `Transport.run`."""
        return run_local(checked_argv(argv), timeout_s=timeout_s, stdin=stdin)

    def push(self, source: Path, destination: str, *, mode: int = 0o644, timeout_s: float = 300) -> None:
        """See `Transport.push`."""
        _copy(source, Path(destination), mode)

    def pull(self, source: str, destination: Path, *, timeout_s: float = 300) -> None:
        """See `Transport.pull`."""
        _copy(Path(source), destination)

    def close(self) -> None:
        """See `Transport.close`."""


def _copy(source: Path, destination: Path, mode: int | None = None) -> None:
    try:
        if not source.is_file():
            raise TransferFailed(f"cannot copy {source}: not a file")
        if destination.is_dir():
            raise TransferFailed(f"cannot copy {source} to {destination}: the destination is a folder")
        copy_atomically(source, destination, mode=mode)
    except OSError as error:
        raise TransferFailed(f"cannot copy {source} to {destination}: {error.strerror}") from error
