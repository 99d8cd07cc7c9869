"""A Ctrl-C at an awkward moment, and signals that end a command as it does."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

IN_A_CALLBACK = """
import signal, time
from harness.cli.interrupts import hear_every_interrupt
hear_every_interrupt()
class Deleted:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
try:
    Deleted()
    time.sleep(50)
    print("lost")
except KeyboardInterrupt:
    print("heard")
"""

# As when it comes just before: Python knows of the signal, and no system call of the main thread was
# interrupted.
DURING_A_WAIT = """
import signal, threading, time
from harness.cli.interrupts import hear_every_interrupt
hear_every_interrupt()
def interrupt():
    time.sleep(0.5)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
lock = threading.Lock()
lock.acquire()
thread = threading.Thread(target=interrupt)
thread.start()
try:
    lock.acquire(timeout=50)
    print("lost")
except KeyboardInterrupt:
    print("heard")
"""


@pytest.mark.parametrize("script", [IN_A_CALLBACK, DURING_A_WAIT], ids=["callback", "wait"])
def test_it_is_heard(script: str) -> None:
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.stdout == "heard\n", done.stderr
    assert time.monotonic() - started < 40


ENDED = """
import os, signal, sys, time
from harness.cli.interrupts import hear_every_interrupt
hear_every_interrupt()
try:
    signal.raise_signal(int(sys.argv[1]))
    time.sleep(50)
    print("lost")
except KeyboardInterrupt:
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGHUP)
    print("heard once")
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_sighup_interrupt_once(sent: signal.Signals) -> None:
    words = [sys.executable, "-c", ENDED, str(int(sent))]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.stdout == "heard once\n", done.stderr


def test_a_sighup_that_nohup_ignores_stays_ignored() -> None:
    ignored = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    script = ignored + ENDED.replace("time.sleep(50)", "")
    words = [sys.executable, "-c", script, str(int(signal.SIGHUP))]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.stdout == "lost\n", done.stderr


CLEANS_UP = """
import os, pathlib, sys, time
from harness.cli.interrupts import hear_every_interrupt
os.open(os.ttyname(0), os.O_RDWR)  # The terminal of this session, which is hung up when it is closed.
hear_every_interrupt()
try:
    print("ready", flush=True)
    time.sleep(50)
except KeyboardInterrupt:
    for stream in (sys.stdout, sys.stderr):
        print("restoring", file=stream, flush=True)
    pathlib.Path(sys.argv[1]).write_text("clean")
"""


def test_a_terminal_that_was_closed_does_not_end_the_clean_up(tmp_path: Path) -> None:
    terminal, inside = os.openpty()
    words = [sys.executable, "-c", CLEANS_UP, str(tmp_path / "done")]
    with subprocess.Popen(
        words, stdin=inside, stdout=inside, stderr=inside, start_new_session=True
    ) as process:
        os.close(inside)
        printed = b""
        while b"ready" not in printed:
            printed += os.read(terminal, 100)
        os.close(terminal)
        assert process.wait(timeout=60) == 0
    assert (tmp_path / "done").read_text() == "clean"


def test_it_is_set_up_once_a_process() -> None:
    """A test runs many commands in one process, and so may who calls `main` from Python."""
    script = (
        "import os, threading\n"
        "from harness.cli.interrupts import hear_every_interrupt\n"
        "def held(): return len(os.listdir('/proc/self/fd')), threading.active_count()\n"
        "hear_every_interrupt()\n"
        "before = held()\n"
        "hear_every_interrupt()\n"
        "assert held() == before, (before, held())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
