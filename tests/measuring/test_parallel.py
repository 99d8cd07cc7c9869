"""What happens to work in threads when the user interrupts, once and again."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# One task waits for its `cancel`, the other for a device that is silent for ever.
PROGRAM = """
import sys, threading
from harness.cli import main
from harness.errors import Interrupted
from harness.measuring.parallel import work_at_once

cancelled, never = threading.Event(), threading.Event()

def tell(text): print(text, flush=True)

def obedient():
    tell("started")
    cancelled.wait()

def run():
    tasks = [(obedient, lambda: (cancelled.set(), tell("cancelled")))]
    if sys.argv[1] == "stuck":
        tasks.append((never.wait, never.wait))
    try:
        work_at_once(tasks)
    except KeyboardInterrupt:
        raise Interrupted("interrupted") from None

main.app = run
main.main()
"""


@contextmanager
def working(how: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", PROGRAM, how]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "started\n"
        os.kill(process.pid, signal.SIGINT)
        assert process.stdout.readline() == "cancelled\n"
        yield process
        process.kill()


def test_ctrl_c_cancels_and_waits_for_the_end() -> None:
    with working("well") as process:
        _, answer = process.communicate(timeout=60)
        assert (process.returncode, "error: interrupted" in answer) == (130, True)


def test_a_second_ctrl_c_leaves_what_still_waits() -> None:
    with working("stuck") as process:
        assert process.poll() is None
        os.kill(process.pid, signal.SIGINT)
        _, answer = process.communicate(timeout=60)
        assert (process.returncode, "error: interrupted" in answer) == (130, True)
