"""Work in threads ends when the user interrupts, once and again."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.errors import Interrupted
from harness.system.threads import Cancellation

# One task waits for its `cancel`, the other for a device that is silent for ever.
PROGRAM = """
import threading, typer
from harness.cli import main
from harness.errors import Interrupted
from harness.system.threads import work_at_once

cancelled, never = threading.Event(), threading.Event()

def show(text): print(text, flush=True)

def obedient():
    show("started")
    cancelled.wait()

def run(how: str):
    tasks = [(obedient, lambda: (cancelled.set(), show("cancelled")))]
    if how == "stuck":
        tasks.append((never.wait, never.wait))
    try:
        work_at_once(tasks)
    except KeyboardInterrupt:
        raise Interrupted("interrupted") from None

main.app = typer.Typer()
main.app.command()(run)
main.main()
"""


@contextmanager
def working(how: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", PROGRAM, how]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == "started\n"
            os.kill(process.pid, signal.SIGINT)
            assert process.stdout.readline() == "cancelled\n"
            yield process
        finally:
            process.kill()


def test_work_that_is_stopped_ends_only_with_what_stops_it() -> None:
    """Else the device would be free for another while this one still ends what runs there."""
    cancellation, stopping, stopped = Cancellation(), threading.Event(), threading.Event()
    order: list[str] = []

    def stop() -> None:
        stopping.set()
        stopped.wait(10)
        order.append("stopped")

    cancelling = threading.Thread(target=cancellation.cancel)
    with cancellation.stopping(stop):
        cancelling.start()
        assert stopping.wait(10)
        threading.Timer(0.2, stopped.set).start()
    order.append("left")
    cancelling.join()
    assert order == ["stopped", "left"]


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


def test_cancelling_sets_the_event_and_stops_what_runs_in_order() -> None:
    cancellation = Cancellation()
    stopped: list[str] = []
    with (
        cancellation.stopping(lambda: stopped.append("connection")),
        cancellation.stopping(lambda: stopped.append("process")),
    ):
        cancellation.check()
        cancellation.cancel()
    assert stopped == ["connection", "process"]
    assert cancellation.event.is_set()


def test_what_has_ended_is_not_stopped() -> None:
    cancellation = Cancellation()
    stopped: list[str] = []
    with cancellation.stopping(lambda: stopped.append("process")):
        pass
    cancellation.cancel()
    assert stopped == []


def test_after_cancelling_nothing_is_started() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Interrupted):
        cancellation.check("pi4")
    started: list[str] = []
    with pytest.raises(Interrupted), cancellation.stopping(lambda: None, "pi4"):
        started.append("process")
    assert started == []


def test_a_wait_in_another_thread_ends_when_it_is_cancelled() -> None:
    cancellation, began = Cancellation(), threading.Event()
    ended: list[str] = []

    def work() -> None:
        stop = threading.Event()
        try:
            with cancellation.stopping(stop.set):
                began.set()
                assert stop.wait(60)
                cancellation.check("pi4")
        except Interrupted as error:
            ended.append(error.device)

    thread = threading.Thread(target=work)
    thread.start()
    assert began.wait(60)
    cancellation.cancel()
    thread.join(60)
    assert ended == ["pi4"]
