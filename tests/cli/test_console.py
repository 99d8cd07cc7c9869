"""What a log shows of long work: a line every half minute, with the time left; with --verbose, all."""

import io
import re

import pytest
from msgspec.structs import replace
from rich.console import Console

from builders import make_cell
from harness.cli import console
from harness.errors import UsageError
from harness.records.progress import Event


def test_long_work_is_logged_every_half_minute_with_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("harness.cli.console.time.monotonic", lambda: clock[0])
    output = io.StringIO()
    with console.show_progress(quiet=False, console=Console(file=output, width=120)) as listen:
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


@pytest.mark.parametrize("verbose", [False, True])
def test_the_time_left_of_one_long_process_is_logged_every_half_minute(
    monkeypatch: pytest.MonkeyPatch, verbose: bool
) -> None:
    clock = [0.0]
    monkeypatch.setattr("harness.cli.console.time.monotonic", lambda: clock[0])
    output = io.StringIO()
    with console.show_progress(quiet=False, verbose=verbose, console=Console(file=output)) as listen:
        for left in range(60, -1, -1):
            clock[0] = 100.0 - left
            listen(Event("pixel", f"sustained, {left} s left", step=5, steps=5, left_s=left))
    lines = output.getvalue().splitlines()
    assert [re.search("[0-9]+ s left", line)[0] for line in lines] == ["60 s left", "30 s left", "0 s left"]  # type: ignore[index]


def test_nothing_is_shown_when_quiet() -> None:
    output = io.StringIO()
    with console.show_progress(quiet=True, console=Console(file=output)) as listen:
        listen(Event("training", "done"))
    assert output.getvalue() == ""


def test_verbose_logs_every_event_with_its_time() -> None:
    output = io.StringIO()
    with console.show_progress(quiet=False, verbose=True, console=Console(file=output, width=120)) as listen:
        listen(Event("", "lowered a", step=1, steps=2))
        listen(Event("pixel", "pushing [a]", step=0, steps=7))
    lowered, pushing = output.getvalue().splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d lowering: lowered a \(1 of 2\)", lowered)
    assert re.fullmatch(r"\d\d:\d\d:\d\d pixel: pushing \[a\] \(0 of 7\)", pushing)


def test_quiet_and_verbose_together_are_refused() -> None:
    with (
        pytest.raises(UsageError, match="--quiet and --verbose conflict"),
        console.show_progress(quiet=True, verbose=True),
    ):
        pass


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_long_message_and_a_long_name_cut_neither_the_bar_nor_the_time_left(width: int) -> None:
    output = io.StringIO()
    screen = Console(file=output, width=width, force_terminal=True, color_system=None)
    with console.show_progress(quiet=False, console=screen) as listen:
        listen(Event("a device with a very long name", "pushing " * 40 + "end", step=3, steps=120))
    lines = [line for line in re.split("[\r\n]", output.getvalue()) if "3/120" in line]
    assert lines
    for line in lines:
        text = re.sub(r"\x1b\[[0-9?]*[A-Za-z]", "", line)
        assert re.match(r"a device with a… [━╸╺ ]+ 3/120 (\d:\d\d:\d\d )?-:--:-- left pus", text), text
        assert len(text) <= width


def test_no_time_is_left_before_it_is_known_how_much_there_is_to_do() -> None:
    output = io.StringIO()
    screen = Console(file=output, width=120, force_terminal=True, color_system=None)
    with console.show_progress(quiet=False, console=screen) as listen:
        listen(Event("pixel", "connecting"))
    assert "connecting" in output.getvalue()
    assert " left" not in output.getvalue()


def test_a_measured_cell_is_logged_with_the_number_of_processes() -> None:
    output = io.StringIO()
    cell = replace(make_cell(), stopped_by="max_rounds")
    with console.show_progress(quiet=False, console=Console(file=output, width=120)) as listen:
        listen(Event("pixel", cell=cell, step=3, steps=4))
    assert output.getvalue() == f"pixel: {cell.variant.name} measured (process 3 of 4)\n"
