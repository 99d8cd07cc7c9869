"""A grid of measured and predicted shapes as a table: plain text, in which nothing predicted looks
measured."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.analysis.placements import Shape, shape_of
from harness.analysis.predicted_figures import FigureName
from harness.analysis.prediction import Grid, Prediction
from harness.analysis.published import published_accuracy
from harness.records import Cell, Interval
from reports.figures import cost_of, short_name
from reports.numbers import MISSING, decimals_for, significant, with_interval
from reports.tables import accuracy_text

PREDICTED = "predicted"
NOT_PREDICTED = "not predicted"


@dataclass(frozen=True)
class _Column:
    title: str
    figure: FigureName
    measured: Callable[[Cell], str]


def _latency(cell: Cell) -> str:
    cost = None if cell.device.emulated else cost_of(cell)
    return MISSING if cost is None else with_interval(cost.value, cost.low, cost.high)


def _instructions(cell: Cell) -> str:
    count = cell.instructions_per_inference
    return significant(count / 1e6, 5) if count else MISSING


def _memory(cell: Cell) -> str:
    peak = cell.memory.peak_rss_bytes if cell.memory else None
    return MISSING if peak is None else significant(peak / 1e6)


_COLUMNS = (
    _Column("latency ms", "latency", _latency),
    _Column("instructions M", "instructions", _instructions),
    _Column("peak RSS MB", "peak memory", _memory),
    _Column("file MB", "file size", lambda cell: significant(cell.artifact.size_bytes / 1e6)),
)
# All of them are shown in millions: ns as ms, bytes as MB, instructions as M.
_UNIT = 1e6


def tabulate(grid: Grid) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Headings and rows of a grid, by width and resolution; the last column is a verdict or `predicted`.

    Variants that cannot be predicted have rows only beside others that can.
    """
    shown = [
        column
        for column in _COLUMNS
        if any(column.measured(cell) != MISSING for cell in grid.cells)
        or any(column.figure in one.figures for one in grid.predictions)
    ]
    rows: list[tuple[Shape, tuple[str, ...]]] = []
    for cell in grid.cells:
        texts = (short_name(cell.variant), *(column.measured(cell) for column in shown))
        rows.append((shape_of(cell.variant), (*texts, accuracy_text(cell), cell.verdict.status)))
    anything = any(one.figures for one in grid.predictions)
    for one in grid.predictions if anything else ():
        texts = (short_name(one.variant), *(_predicted(one.figures.get(column.figure)) for column in shown))
        source = PREDICTED if one.figures else NOT_PREDICTED
        rows.append((shape_of(one.variant), (*texts, _published(one), source)))
    headings = ("variant", *(column.title for column in shown), "top-1 %", "source")
    return headings, tuple(row for _, row in sorted(rows, key=lambda row: row[0]))


def _predicted(interval: Interval | None) -> str:
    """`≈ 12.3 (11.2–13.5)`: the estimate with its interval, which need not be symmetric."""  # noqa: RUF002
    if interval is None:
        return MISSING
    estimate, low, high = (end / _UNIT for end in (interval.estimate, interval.low, interval.high))
    places = min(decimals_for(estimate, 3), 6)
    return f"≈ {estimate:,.{places}f} ({low:,.{places}f}–{high:,.{places}f})"  # noqa: RUF001


def _published(prediction: Prediction) -> str:
    published = published_accuracy(prediction.variant)
    return MISSING if published is None else f"published {100 * published.top1:.1f}"
