"""The figures of a cell over runs: what can be followed, and how uncertain each value is known to be."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from harness.analysis.comparison_rule import FigureName
from harness.analysis.known_accuracy import measured_accuracy
from harness.analysis.paced_figures import response_p99_ns
from harness.analysis.single_run_comparison import NO_IDLE, NO_PLATEAU
from harness.analysis.validity.result_checks import COUNT_TOLERANCE
from harness.records import Affects, Cell, Interval

# The standard deviations between the ends of a normal 95 % interval.
SD_IN_INTERVAL = 2 * 1.96
# No series of times is known better than this; a floor also where a cell has no interval.
SMALLEST_NOISE = 1e-3


@dataclass(frozen=True)
class Figure:
    """One figure that is followed, and where to find it in a cell.

    `disturbed_by` is what a suspect reason must affect for the value not to count, `spoiled_by` are codes of
    reasons that say so of this figure alone. Values of another `kind` than the newest one do not count
    either; `kind` is what the text of such a value says of it.
    """

    name: FigureName
    read: Callable[[Cell], Interval | None]
    disturbed_by: Affects | None = None
    spoiled_by: frozenset[str] = frozenset()
    kind: Callable[[Cell], str] | None = None
    more_is_worse: bool = True
    relative: bool = True


class CondensedCell(Cell, frozen=True, kw_only=True):
    """A cell without its samples; what a trend needs of them is known."""

    paced_p99_ns: Interval | None


def is_exact(figure: FigureName, cell: Cell) -> bool:
    """Whether the figure repeats to the last digit: file sizes, and counts of one emulated thread."""
    return figure == "file size" or (
        figure == "instructions" and cell.device.emulated and cell.plan.threads == 1
    )


def tolerance_of(figure: FigureName, cell: Cell) -> float:
    """The share by which an exact figure may differ."""
    return COUNT_TOLERANCE.get(cell.device.clock, 0.0) if figure == "instructions" else 0.0


def uncertainty(figure: Figure, value: Interval) -> float:
    """The standard error that the interval stands for: of the logarithm, or of an accuracy itself."""
    if not figure.relative:
        return (value.high - value.low) / SD_IN_INTERVAL
    if value.low <= 0 or value.confidence < 0.5:
        return 0.0
    return math.log(value.high / value.low) / SD_IN_INTERVAL


def _latency(cell: Cell) -> Interval | None:
    """A time of an emulator's clock is none of a device."""
    return cell.latency.median_ns if cell.latency and not cell.device.emulated else None


def _paced_p99(cell: Cell) -> Interval | None:
    return cell.paced_p99_ns if isinstance(cell, CondensedCell) else response_p99_ns(cell)


def _startup(cell: Cell) -> Interval | None:
    return cell.startup.total_ns if cell.startup and not cell.device.emulated else None


def _cold_startup(cell: Cell) -> Interval | None:
    startup = cell.cold and cell.cold.startup
    return startup.total_ns if startup and not cell.device.emulated else None


def _plateau(cell: Cell) -> Interval | None:
    figures = cell.sustained and cell.sustained.figures
    return figures.plateau_ns if figures and not cell.device.emulated else None


def _length(cell: Cell) -> str:
    return f"sustained for {cell.sustained.seconds:,} s" if cell.sustained else ""


def _energy(cell: Cell) -> Interval | None:
    figures = cell.energy and cell.energy.figures
    return figures.net_joules if figures and not cell.device.emulated else None


def _sensor(cell: Cell) -> str:
    """Figures of sensors that cover other parts of a device are not comparable."""
    run = cell.energy and cell.energy.run
    return f"read by {run.source.measures}" if run else ""


def _instructions(cell: Cell) -> Interval | None:
    return _exactly(cell.instructions_per_inference)


def _memory(cell: Cell) -> Interval | None:
    return _exactly(cell.memory.peak_rss_bytes if cell.memory else None)


def _size(cell: Cell) -> Interval | None:
    return _exactly(cell.artifact.size_bytes)


def _accuracy(cell: Cell) -> Interval | None:
    known = measured_accuracy(cell)
    return Interval(estimate=known.estimate, low=known.low, high=known.high) if known else None


def _exactly(value: int | None) -> Interval | None:
    """A value without an interval; 0 is none."""
    return Interval(estimate=value, low=value, high=value) if value else None


FIGURES: tuple[Figure, ...] = (
    Figure("latency", _latency, disturbed_by="time"),
    Figure("instructions", _instructions, disturbed_by="instructions"),
    Figure("paced p99", _paced_p99, disturbed_by="time"),
    Figure("start-up", _startup, disturbed_by="time"),
    Figure("cold start-up", _cold_startup, disturbed_by="time"),
    Figure("sustained latency", _plateau, spoiled_by=NO_PLATEAU, kind=_length),
    Figure("energy", _energy, spoiled_by=NO_IDLE, kind=_sensor),
    Figure("peak RSS", _memory),
    Figure("file size", _size),
    Figure("accuracy", _accuracy, more_is_worse=False, relative=False),
)
