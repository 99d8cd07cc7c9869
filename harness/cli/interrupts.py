"""Every Ctrl-C is heard.

Python loses one in two places: a KeyboardInterrupt that is raised while an object is deleted, or in another
callback, only prints a warning; and a signal that comes just before the main thread begins to wait is handled
after the wait.
"""

import os
import signal
import sys
import threading
import time
from types import FrameType

# The main thread is woken so often after a Ctrl-C: for a second, in which it has surely begun to wait.
NUDGES = 20
NUDGE_INTERVAL_S = 0.05
# In the pipe, beside the numbers of signals: an interrupt was lost in a callback.
_LOST = 255


def hear_every_interrupt() -> None:
    """From now on, a Ctrl-C ends the main thread's wait, and one that a callback took is sent again.

    For the main thread.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.signal(signal.SIGURG, _interrupt_system_call)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_nudge, args=(threading.get_ident(), reading), daemon=True).start()

    def send_again(unraisable: "sys.UnraisableHookArgs") -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            os.write(writing, bytes([_LOST]))  # To the other thread: raised here, it would be lost again.
        else:
            sys.__unraisablehook__(unraisable)

    sys.unraisablehook = send_again


def _interrupt_system_call(_number: int, _frame: FrameType | None) -> None:
    """Ignored, the signal would not interrupt system calls, after which Python handles other signals."""


def _nudge(main_thread: int, reading: int) -> None:
    while heard := os.read(reading, 512):
        if not {signal.SIGINT, _LOST}.intersection(heard):
            continue
        if _LOST in heard:
            time.sleep(NUDGE_INTERVAL_S)
            signal.pthread_kill(main_thread, signal.SIGINT)
        for _ in range(NUDGES):
            time.sleep(NUDGE_INTERVAL_S)
            signal.pthread_kill(main_thread, signal.SIGURG)
