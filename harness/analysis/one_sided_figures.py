"""Figures of a cell that one side of a comparison lacks, or that cannot be compared, as sentences.

What is not compared is no result, and must not be taken for one: each is a caution.
"""

from collections.abc import Callable
from dataclasses import dataclass

from harness.analysis.known_accuracy import measured_accuracy
from harness.analysis.process_figures import (
    cold_startups_ns,
    instruction_counts,
    peaks_rss_bytes,
    warm_startups_ns,
)
from harness.analysis.single_run_comparison import same_sensor
from harness.records import Cell
from harness.system.text import printable


@dataclass(frozen=True)
class _Figure:
    """`lacking` says why a cell that was to have the figure has none; None where nobody asked for it."""

    name: str
    measured: Callable[[Cell], bool]
    lacking: Callable[[Cell], str | None]
    of_real_clock: bool = False


_FIGURES = (
    _Figure("start-up", lambda cell: bool(warm_startups_ns(cell)), lambda _: None, of_real_clock=True),
    _Figure(
        "cold start-up",
        lambda cell: bool(cold_startups_ns(cell)),
        lambda cell: cell.cold.unavailable if cell.cold else None,
        of_real_clock=True,
    ),
    _Figure(
        "sustained latency",
        lambda cell: bool(cell.sustained and cell.sustained.figures),
        lambda cell: cell.sustained.unavailable if cell.sustained else None,
        of_real_clock=True,
    ),
    _Figure(
        "energy",
        lambda cell: bool(cell.energy and cell.energy.figures),
        lambda cell: cell.energy.unavailable if cell.energy else None,
        of_real_clock=True,
    ),
    _Figure("peak RSS", lambda cell: bool(peaks_rss_bytes(cell)), lambda _: None),
    _Figure(
        "the count of instructions",
        lambda cell: bool(instruction_counts(cell)),
        lambda cell: next((why for one in cell.processes if (why := one.counters_unavailable)), None),
    ),
    _Figure(
        "accuracy",
        lambda cell: measured_accuracy(cell) is not None,
        lambda cell: "its weights are random" if cell.accuracy else None,
    ),
)


def describe_one_sided(base: Cell, new: Cell, *, by_instructions: bool) -> list[str]:
    """Each figure that one side alone has, with the other's reason; times and energy only of devices.

    Nothing where a side failed: that is the result.
    """
    if base.failure is not None or new.failure is not None:
        return []
    found = []
    for one in _FIGURES:
        if one.of_real_clock and by_instructions:
            continue
        has = one.measured(base), one.measured(new)
        if has == (True, False):
            found.append(f"{one.name} was measured in base only{_because(one, new)}")
        elif has == (False, True):
            found.append(f"{one.name} was measured in new only{_because(one, base)}")
    return found


def describe_incomparable(base: Cell, new: Cell) -> list[str]:
    """Figures that both sides have, of different things."""
    found = []
    before, after = base.sustained, new.sustained
    if before and after and before.figures and after.figures and before.seconds != after.seconds:
        found.append(
            f"sustained runs took {before.seconds:,} s in base and {after.seconds:,} s in new, and were not"
            " compared"
        )
    both = base.energy and new.energy and base.energy.figures and new.energy.figures
    if both and not same_sensor(base, new):
        found.append("energies were read by different sensors, and were not compared")
    if measured_accuracy(base) and measured_accuracy(new) and _data(base) != _data(new):
        found.append("accuracies are of different images, and were not compared")
    return found


def _because(figure: _Figure, cell: Cell) -> str:
    reason = figure.lacking(cell)
    return f": {printable(reason)}" if reason else ""


def _data(cell: Cell) -> tuple[object, ...]:
    accuracy = cell.accuracy
    return (accuracy.dataset, accuracy.split, accuracy.preprocessing, accuracy.images) if accuracy else ()
