"""The transport to this machine."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from harness.errors import TransferFailed
from harness.system.files import copy_atomically
from harness.system.processes import Completed, checked_argv, run_local
from harness.transports.base import LONGEST_ANSWER, LONGEST_PULL, Transport
from harness.transports.transfer import too_long


class LocalTransport(Transport):
    """The device is this machine; `host` and `emulator` use it."""

    name = "local"

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
        longest_bytes: int = LONGEST_ANSWER,
    ) -> Completed:
        """See `Transport.run`."""
        return run_local(checked_argv(argv), timeout_s=timeout_s, stdin=stdin, longest_output=longest_bytes)

    def push(self, source: Path, destination: str, *, mode: int = 0o644, timeout_s: float = 300) -> None:
        """See `Transport.push`."""
        _copy(source, Path(destination), mode)

    def pull(
        self, source: str, destination: Path, *, timeout_s: float = 300, longest_bytes: int = LONGEST_PULL
    ) -> None:
        """See `Transport.pull`."""
        with suppress(OSError):  # `_copy` names it
            if Path(source).stat().st_size > longest_bytes:
                raise too_long(source, longest_bytes, "")
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
