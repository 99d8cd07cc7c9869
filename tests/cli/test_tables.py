"""Tables fit any terminal: a row that is too long takes more lines, and loses nothing."""

import io

import pytest
from rich.console import Console

from harness.cli.tables import print_table

COLUMNS = ("variant", "latency ms", "note", "verdict")
ROWS = [("0.25/128 int8", "1.20 ± 0.02", "-" * 30, "valid"), ("0.5/128 int8", "2.1 ± 0.1", "", "suspect")]


def printed(width: int, *, droppable: tuple[str, ...] = ()) -> list[str]:
    output = io.StringIO()
    console = Console(file=output, width=width)
    print_table(console, "pixel: Pixel 6", COLUMNS, ROWS, droppable=droppable)
    return [line.rstrip() for line in output.getvalue().splitlines()]


def test_a_table_that_fits_has_a_line_for_each_row() -> None:
    lines = printed(80, droppable=("note",))
    assert lines[1].split() == ["variant", "latency", "ms", "note", "verdict"]
    assert lines[3].split() == ["0.25/128", "int8", "1.20", "±", "0.02", "-" * 30, "valid"]


def test_one_that_does_not_fit_puts_the_figures_below_name_and_verdict() -> None:
    assert printed(64, droppable=("note",)) == [
        "pixel: Pixel 6",
        "0.25/128 int8: valid",
        f"  latency 1.20 ± 0.02 ms, note {'-' * 30}",
        "0.5/128 int8: suspect",
        "  latency 2.1 ± 0.1 ms",
        "",
    ]


@pytest.mark.parametrize("width", [10, 30, 45])
def test_a_figure_is_never_broken_by_the_harness(width: int) -> None:
    lines = printed(width)
    assert "  latency 1.20 ± 0.02 ms," in lines
    assert f"  note {'-' * 30}" in lines


def test_a_wide_terminal_leaves_out_what_may_be_left_out_first() -> None:
    output = io.StringIO()
    rows = [("a", "b" * 60, "c" * 60, "valid")]
    shown = print_table(Console(file=output, width=100), "", COLUMNS, rows, droppable=("latency ms", "note"))
    assert shown == ("variant", "note", "verdict")
    assert "valid" in output.getvalue()


@pytest.mark.parametrize("width", range(100, 125))
def test_no_verdict_is_cut_where_a_heading_is_longer_than_the_figures_below_it(width: int) -> None:
    output = io.StringIO()
    columns = ("variant", *(f"undelegated{index} %" for index in range(7)), "verdict")
    rows = [("0.5/128 int8", *"0123456", "suspect")]
    print_table(Console(file=output, width=width), "", columns, rows)
    lines = [line.rstrip() for line in output.getvalue().splitlines()]
    assert any(line.endswith("suspect") for line in lines)
    assert all(len(line) <= width for line in lines)
