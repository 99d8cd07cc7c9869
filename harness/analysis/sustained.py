"""What the seconds of a sustained run come to: first speed, plateau, what is retained, the first drop.

A drop is a change of level (`change_points.py` cites the method) after which inferences stay slower for a
while. The levels are searched in the logarithms of the medians per second: a change is a ratio.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from harness.analysis.change_points import find_changes
from harness.analysis.intervals import Floats, within_process_interval
from harness.analysis.sample_shape import trend
from harness.analysis.sustained_cause import find_cause
from harness.errors import MeasurementError
from harness.records import DeviceInfo, Drop, SustainedFigures, SustainedRun
from harness.records.sustained import INITIAL_SECONDS

# The same loss that `throttled` asks of a process; less is hardly felt, and hosts vary by it.
SMALLEST_DROP = 0.05
# A second of other work on the device is no drop.
SHORTEST_DROP_S = 10
# What comes before a drop, and the drop, must have so many values to be a level.
SHORTEST_LEVEL = 3
# Medians of neighbouring seconds differ by this at least on machines that do nothing else: a smaller
# estimate of the noise would make levels of slow waves.
NOISE_FLOOR = 0.01
# Searching takes time with the square of the number of values: more seconds are searched by their medians.
MOST_VALUES = 240
# Seconds of the last quarter are compared in blocks: neighbours depend on each other.
TREND_BLOCKS = 15
TREND_P_VALUE = 0.02
LAST_QUARTER = 0.75


@dataclass(frozen=True)
class Level:
    """Values from `first` up to `end` around one median."""

    first: int
    end: int
    median: float


def summarize_sustained(run: SustainedRun, device: DeviceInfo, *, seed: int) -> SustainedFigures:
    """The figures of a run.

    Raises:
        MeasurementError: no inference began in the first ten seconds, or in the last quarter.
    """
    known = [(second, float(ns)) for second, ns in enumerate(run.median_ns) if ns is not None]
    initial = [ns for second, ns in known if second < INITIAL_SECONDS]
    last = [ns for second, ns in known if second >= LAST_QUARTER * len(run.median_ns)]
    if not initial or not last:
        place = "in the first ten seconds" if not initial else "in the last quarter"
        raise MeasurementError(f"no inference began {place}: one takes too long for a sustained run")
    plateau = within_process_interval(np.asarray(last), seed=seed)
    first = float(np.median(initial))
    return SustainedFigures(
        initial_ns=round(first),
        plateau_ns=plateau,
        retained=first / plateau.estimate,
        drop=_drop(run, device, known),
        last_quarter_change=_change_of_last_quarter(known, len(run.median_ns)),
    )


def _change_of_last_quarter(known: Sequence[tuple[int, float]], seconds: int) -> float | None:
    """By how much it becomes slower; None without a clear trend.

    A slow wave rises within a quarter, too: so the end must also be slower than the quarter before.
    """
    last = [ns for second, ns in known if second >= LAST_QUARTER * seconds]
    before = [ns for second, ns in known if LAST_QUARTER - 0.25 <= second / seconds < LAST_QUARTER]
    found = trend([float(np.median(part)) for part in np.array_split(last, min(TREND_BLOCKS, len(last)))])
    if found.p_value > TREND_P_VALUE:
        return None
    if found.relative_change <= 0 or not before:
        return found.relative_change
    end = float(np.median(last[-max(1, len(last) // 3) :]))
    return max(0.0, min(found.relative_change, end / float(np.median(before)) - 1))


def find_drop(
    medians_ns: Sequence[float], seconds: Sequence[int] | None = None
) -> tuple[int, float, float] | None:
    """Where the values first rise for good: the index, and the levels before and after; None where never.

    `medians_ns` are in the order of time. `seconds` are those in which they began and, last, the end of the
    run: an inference that takes longer than a second leaves seconds without a value. None is one each second.
    """
    at = range(len(medians_ns) + 1) if seconds is None else seconds
    levels = find_levels(medians_ns)
    before = next((one for one in levels if one.end - one.first >= SHORTEST_LEVEL), None)
    if before is None:
        return None
    slow_from: Level | None = None
    for level in levels[levels.index(before) + 1 :]:
        if level.median < (1 + SMALLEST_DROP) * before.median:
            slow_from = None
            continue
        slow_from = slow_from or level
        lasted_s = at[level.end] - at[slow_from.first]
        if lasted_s >= SHORTEST_DROP_S and level.end - slow_from.first >= SHORTEST_LEVEL:
            return slow_from.first, before.median, slow_from.median
    return None


def find_levels(values: Sequence[float]) -> list[Level]:
    """The levels of positive values, in order; more than `MOST_VALUES` are searched by medians of several."""
    series = np.log(np.asarray(values, dtype=np.float64))
    size = math.ceil(len(values) / MOST_VALUES)
    if size <= 1:
        starts = find_changes(series.tolist(), noise_floor=NOISE_FLOOR)
    else:
        blocks = [float(np.median(series[at : at + size])) for at in range(0, len(values), size)]
        coarse = [0, *(size * one for one in find_changes(blocks, noise_floor=NOISE_FLOOR)), len(values)]
        starts = tuple(
            _refine(series, before, start, after, size)
            for before, start, after in zip(coarse, coarse[1:], coarse[2:], strict=False)
        )
    edges = [0, *starts, len(values)]
    return [
        Level(first, end, float(np.exp(np.median(series[first:end]))))
        for first, end in pairwise(edges)
        if end > first
    ]


def _refine(series: Floats, before: int, start: int, after: int, size: int) -> int:
    """The start of a level to one value: around a coarse one, where both sides fit their medians best."""
    low, high = max(before + 1, start - size), min(after - 1, start + size)
    left, right = np.median(series[before:start]), np.median(series[start:after])
    costs = {
        at: float(np.abs(series[low:at] - left).sum() + np.abs(series[at:high] - right).sum())
        for at in range(low, high + 1)
    }
    return min(costs, key=costs.__getitem__, default=start)


def _drop(run: SustainedRun, device: DeviceInfo, known: Sequence[tuple[int, float]]) -> Drop | None:
    found = find_drop([ns for _, ns in known], [*(second for second, _ in known), len(run.median_ns)])
    if found is None:
        return None
    index, before_ns, after_ns = found
    second = known[index][0]
    fell, unknown = find_cause(run, device, second)
    return Drop(
        second=second, before_ns=round(before_ns), after_ns=round(after_ns), fell=fell, unknown=unknown
    )
