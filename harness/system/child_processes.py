"""Programs of this machine that run in the background and end with the harness."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.system.paths import DEVICE_SCRIPTS
from harness.system.processes import start_local
from harness.system.text import printable

SUPERVISOR = DEVICE_SCRIPTS / "arm_vm" / "supervise.sh"
GRACE_S = 10.0

LocalProcess = subprocess.Popen[bytes]


@contextmanager
def running(argv: Sequence[str]) -> Iterator[LocalProcess]:
    """Start a program in a new session; at the block's end it is ended with all that it started."""
    process = start_local(argv)
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                _end_group(process)


def _end_group(process: LocalProcess) -> None:
    # SIGTERM first: what can tidy up does.
    for sent in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, sent)
            process.wait(timeout=GRACE_S)


@contextmanager
def supervised(argv: Sequence[str], output: Path) -> Iterator[LocalProcess]:
    """Run a program that ends with this block, or with this process if that is killed.

    Not `PR_SET_PDEATHSIG`: that follows the thread which started the program, not the process.
    """
    with running(["sh", str(SUPERVISOR), str(output), *argv]) as process:
        try:
            yield process
        finally:
            if process.stdin:
                process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=GRACE_S)


def failed_program(error: Exception) -> str | None:
    """The program, such as `flatc`, that a library started and that failed; None for other errors."""
    if not isinstance(error, subprocess.CalledProcessError):
        return None
    first = error.cmd[0] if isinstance(error.cmd, list | tuple) and error.cmd else error.cmd
    return printable(Path(str(first)).name)
