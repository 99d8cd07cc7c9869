"""Every Ctrl-C is heard, and SIGTERM and SIGHUP end a command as Ctrl-C does.

Python loses one in two places: a KeyboardInterrupt that is raised while an object is deleted, or in another
callback, only prints a warning; and a signal that comes just before the main thread begins to wait is handled
after the wait.
"""

import functools
import os
import signal
import sys
import threading
import time
from types import FrameType

from harness.cli.last_door import discard_output

# As a supervisor, a container or a closed terminal ends a command; Windows has no SIGHUP.
ENDING_SIGNALS: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)
# The main thread is woken so often after a Ctrl-C: for a second, in which it has surely begun to wait.
NUDGES = 20
NUDGE_INTERVAL_S = 0.05
# In the pipe, beside the numbers of signals: an interrupt was lost in a callback.
_LOST = 255


@functools.cache  # Once a process: a second pipe and thread would stay open beside the first.
def hear_every_interrupt() -> None:
    """From now on, a Ctrl-C ends the main thread's wait, and one that a callback took is sent again.

    So does SIGTERM or SIGHUP, unless it was ignored before, as under nohup.

    For the main thread. On Windows no signal wakes it, and an interrupt may be lost.
    """
    if not hasattr(signal, "pthread_kill"):
        _end_as_ctrl_c()
        return
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
    _end_as_ctrl_c()


def _end_as_ctrl_c() -> None:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt, once: shells and systemd send both, or one twice.

    A second Ctrl-C would not wait for the processes on the device.
    """
    terminals = [stream for stream in (sys.stdout, sys.stderr) if stream.isatty()]
    ending = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal ending
        for stream in terminals:
            if not stream.isatty():  # It was closed; what cannot be logged must not end the clean-up.
                discard_output(stream)
        if not ending:
            ending = True
            signal.default_int_handler(number, frame)

    for number in ENDING_SIGNALS:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)


def _interrupt_system_call(_number: int, _frame: FrameType | None) -> None:
    """Ignored, the signal would not interrupt system calls, after which Python handles other signals."""


def _nudge(main_thread: int, reading: int) -> None:
    while heard := os.read(reading, 512):
        if not {signal.SIGINT, *ENDING_SIGNALS, _LOST}.intersection(heard):
            continue
        if _LOST in heard:
            time.sleep(NUDGE_INTERVAL_S)
            signal.pthread_kill(main_thread, signal.SIGINT)
        for _ in range(NUDGES):
            time.sleep(NUDGE_INTERVAL_S)
            signal.pthread_kill(main_thread, signal.SIGURG)
