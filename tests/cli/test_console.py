"""What a log shows of work that goes on for long: a line now and then, with the time left."""

import io

import pytest
from rich.console import Console

from harness.cli import console
from harness.system.progress import Event


def test_long_work_is_told_now_and_then_with_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: clock[0])
    output = io.StringIO()
    with console.show_progress(Console(file=output, width=120), quiet=False) as listen:
        for step in range(0, 101):
            clock[0] = 2.0 * step
            listen(Event("training", "epoch 1", step=step, steps=100))
        clock[0] += 1
        listen(Event("training", "other work", step=0, steps=7))
        listen(Event("training", "done"))
    assert output.getvalue().splitlines() == [
        "training: epoch 1 (15 of 100, about 3 min left)",
        "training: epoch 1 (30 of 100, about 2 min left)",
        "training: epoch 1 (45 of 100, about 2 min left)",
        "training: epoch 1 (60 of 100, about 80 s left)",
        "training: epoch 1 (75 of 100, about 50 s left)",
        "training: epoch 1 (90 of 100, about 20 s left)",
        "training: done",
    ]


def test_nothing_is_told_when_quiet() -> None:
    output = io.StringIO()
    with console.show_progress(Console(file=output), quiet=True) as listen:
        listen(Event("training", "done"))
    assert output.getvalue() == ""
