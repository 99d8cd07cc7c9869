"""The changes of one trend: found in its values, large enough to matter, and what else differs there."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from harness.analysis.change_points import exact_changes, find_changes
from harness.analysis.device_states import describe_states
from harness.analysis.differences import find_differences
from harness.analysis.trends import SMALLEST_NOISE, Figure, is_exact, tolerance_of, uncertainty
from harness.records import Cell, Interval, Record

# Smaller changes are not reported; of noisy figures because a machine's own state makes them.
SMALLEST_CHANGE = 0.01
SMALLEST_EXACT_CHANGE = 0.001
SMALLEST_ACCURACY_CHANGE = 0.005

Direction = Literal["worse", "better"]


class Change(Record, frozen=True, kw_only=True):
    """A change for good: from the median of the segment before to that of the segment after.

    `at` is the index of its first point, `previous` that of the last point before. `change` is relative to
    `before`; of accuracy the difference of the fractions. `also_changed` names what else differs there, and
    of times how warm the runs of both segments began and which clocks they held, where that differs.
    """

    at: int
    previous: int
    before: float
    after: float
    change: float
    direction: Direction
    also_changed: tuple[str, ...]


def changes_of(
    figure: Figure,
    cells: Sequence[Cell],
    values: Sequence[Interval],
    counted: Sequence[int],
    smallest_change: float | None,
) -> tuple[Change, ...]:
    """The changes among the counted values that are at least as large as the smallest that matters."""
    if not counted:
        return ()
    estimates = [values[index].estimate for index in counted]
    exact = is_exact(figure.name, cells[counted[-1]])
    if exact:
        starts = exact_changes(estimates, tolerance=tolerance_of(figure.name, cells[counted[-1]]))
    else:
        known = float(np.median([uncertainty(figure, values[index]) for index in counted]))
        series = [math.log(one) for one in estimates] if figure.relative else estimates
        starts = find_changes(series, noise_floor=max(known, SMALLEST_NOISE))
    smallest = smallest_change or _smallest(figure, exact=exact)
    levels = _merge_small(figure, estimates, starts, smallest)
    edges = [0, *(start for start, *_ in levels), len(counted)]
    return tuple(
        _describe(figure, cells, (counted[first:start], counted[start:end]), before, after)
        for (_, before, after), first, start, end in zip(levels, edges, edges[1:], edges[2:], strict=False)
    )


def _smallest(figure: Figure, *, exact: bool) -> float:
    if exact:
        return SMALLEST_EXACT_CHANGE
    return SMALLEST_CHANGE if figure.relative else SMALLEST_ACCURACY_CHANGE


def _merge_small(
    figure: Figure, estimates: Sequence[float], starts: Sequence[int], smallest: float
) -> list[tuple[int, float, float]]:
    """Each change with the levels around it, after the smallest ones below the limit are taken out."""
    kept = list(starts)
    while True:
        edges = [0, *kept, len(estimates)]
        levels = [float(np.median(estimates[first:end])) for first, end in pairwise(edges)]
        found = [(start, *around) for start, around in zip(kept, pairwise(levels), strict=True)]
        sizes = [abs(_size(figure, before, after)) for _, before, after in found]
        if not sizes or min(sizes) >= smallest:
            return found
        kept.pop(sizes.index(min(sizes)))


def _size(figure: Figure, before: float, after: float) -> float:
    return after / before - 1 if figure.relative else after - before


def _describe(
    figure: Figure,
    cells: Sequence[Cell],
    segments: tuple[Sequence[int], Sequence[int]],
    before: float,
    after: float,
) -> Change:
    """The change between two segments of `cells`, given by their indices."""
    previous, at = segments[0][-1], segments[1][0]
    also_changed = find_differences(cells[previous], cells[at], sides=("before", "after"))
    if figure.disturbed_by == "time":
        also_changed += describe_states(*([cells[index] for index in segment] for segment in segments))
    return Change(
        at=at,
        previous=previous,
        before=before,
        after=after,
        change=_size(figure, before, after),
        direction="worse" if (after > before) == figure.more_is_worse else "better",
        also_changed=tuple(also_changed),
    )
