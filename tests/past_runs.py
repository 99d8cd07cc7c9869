"""Runs of the past as a history reads them: one cell, with another figure in each run."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from builders import make_cell, make_device, make_run
from harness.analysis.comparison_rule import FigureName
from harness.analysis.history import History, Trend
from harness.records import Cell, Interval, Run

PastRun = tuple[Run, tuple[Cell, ...]]
_CELL = make_cell()
COUNTED = replace(
    make_cell(device=make_device(name="emulator", kind="emulator", clock="emulated", boot_id=None)),
    instructions_per_inference=7_600_000,
)


def past_run(number: int, *cells: Cell, **changes: Any) -> PastRun:
    """The run of one night, with the revision that it was measured with."""
    facts = {
        "id": f"night-{number:02}",
        "started_at": f"2026-{1 + number // 28:02}-{1 + number % 28:02}T03:00:00Z",
        "git_revision": f"{number:07}" + "a" * 33,
    }
    return replace(make_run(cells), **facts | changes), cells


def timed(latency_ns: float, cell: Cell = _CELL) -> Cell:
    """The cell with a median of this latency, known within half a percent."""
    assert cell.latency is not None
    median = Interval(estimate=latency_ns, low=0.995 * latency_ns, high=1.005 * latency_ns)
    return replace(cell, latency=replace(cell.latency, median_ns=median))


def counted(instructions: int) -> Cell:
    return replace(COUNTED, instructions_per_inference=instructions)


def nights(cells: Sequence[Cell]) -> list[PastRun]:
    return [past_run(number, cell) for number, cell in enumerate(cells)]


def trend_of(history: History, figure: FigureName) -> Trend:
    (trend,) = (one for one in history.trends if one.figure == figure)
    return trend
