"""This machine as a device, and the one place of the package that starts processes."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import TimedOut, TransferFailed
from harness.transports.base import Completed

MISSING_PROGRAM = 127


def run_local(
    argv: Sequence[str],
    *,
    timeout_s: float,
    stdin: bytes = b"",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Completed:
    """Run a program of this machine in a session of its own; on time-out its whole group is killed.

    `env` adds to the environment. A program that does not exist shows as exit code 127, as in a shell.

    Raises:
        TimedOut: it did not end within `timeout_s`.
    """
    try:
        process = start_local(argv, cwd=cwd, env=env)
    except FileNotFoundError as error:
        return Completed(tuple(argv), MISSING_PROGRAM, b"", str(error).encode())
    try:
        stdout, stderr = process.communicate(stdin, timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        raise TimedOut(f"{argv[0]!r} did not end within {timeout_s:g} s") from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    code = process.returncode
    return Completed(tuple(argv), code if code >= 0 else 128 - code, stdout, stderr)


def start_local(
    argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program of this machine, its streams piped; the caller ends it."""
    return subprocess.Popen(
        list(argv),
        cwd=cwd,
        env={**os.environ, **env} if env else None,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


class LocalTransport:
    """The device is this machine; `host` and `emulator` use it."""

    name = "local"

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Completed:
        """See `Transport.run`."""
        return run_local(argv, timeout_s=timeout_s, stdin=stdin)

    def push(self, source: Path, destination: str, *, mode: int = 0o644, timeout_s: float = 300) -> None:
        """See `Transport.push`."""
        _copy(source, Path(destination))
        Path(destination).chmod(mode)

    def pull(self, source: str, destination: Path, *, timeout_s: float = 300) -> None:
        """See `Transport.pull`."""
        _copy(Path(source), destination)

    def close(self) -> None:
        """See `Transport.close`."""


def _copy(source: Path, destination: Path) -> None:
    partial = destination.with_name(destination.name + ".partial")
    try:
        shutil.copyfile(source, partial)
        partial.replace(destination)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise TransferFailed(f"cannot copy {source} to {destination}: {error.strerror}") from error
