"""A Ctrl-C at an awkward moment."""

import subprocess
import sys
import time

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
