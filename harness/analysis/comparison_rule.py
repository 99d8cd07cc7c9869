"""When a figure is worse than the same figure of another run, by the ratio new/base and its interval.

A figure is

- worse        when the ratio's interval lies above 1 and the ratio itself is beyond 1 + margin;
- better       when the interval lies below 1 and the ratio itself is below 1 / (1 + margin);
- no worse     when the interval ends at or below 1 + margin (a non-inferiority test);
- inconclusive otherwise.

docs/verdicts.md has the reasons and the simulated error rates.
"""

from collections.abc import Sequence
from typing import Literal

from harness.analysis.intervals import CONFIDENCE, Floats
from harness.analysis.ratios import probability_not_larger, rank_sum_tail
from harness.records import Interval, Record

ComparisonResult = Literal["worse", "inconclusive", "no worse", "better"]
FigureName = Literal[
    "latency",
    "instructions",
    "paced p99",
    "start-up",
    "cold start-up",
    "sustained latency",
    "energy",
    "peak RSS",
    "file size",
    "accuracy",
]
WEIGHTIEST_FIRST: tuple[ComparisonResult, ...] = ("worse", "inconclusive", "no worse", "better")


class ComparedFigure(Record, frozen=True, kw_only=True):
    """One figure of a cell on both sides, in its record's unit; accuracy as a fraction of one.

    `change` is the ratio new/base with its interval; of accuracy the drop in percentage points. None where it
    is unknown.
    """

    name: FigureName
    base: float
    new: float
    change: Interval | None
    result: ComparisonResult
    why: str


def decide(ratio: Interval, margin: float) -> tuple[ComparisonResult, str]:
    """Apply the rule at the top of this file to a ratio; the text is the change."""
    change = describe_ratio(ratio)
    if ratio.low > 1 and ratio.estimate > 1 + margin:
        return "worse", change
    if ratio.high < 1 and ratio.estimate < 1 / (1 + margin):
        return "better", change
    if ratio.high <= 1 + margin:
        return "no worse", change
    return "inconclusive", f"{change} may exceed {100 * margin:+z.3g} %: measure more processes"


def beyond_chance(base: Floats, new: Floats, timed_cells: int) -> bool:
    """Bonferroni: a run of many cells shall not be called worse more often than one of a single cell.

    Complete separation of the processes always suffices: few processes cannot give a smaller p-value.
    """
    smallest = float(rank_sum_tail(base.size, new.size)[0])
    limit = max((1 - CONFIDENCE) / 2 / timed_cells, smallest)
    return probability_not_larger(base, new) <= limit


def overall(results: Sequence[ComparisonResult]) -> ComparisonResult:
    """The result of what has parts with these results."""
    for result in WEIGHTIEST_FIRST:
        if result in results:
            return result
    return "inconclusive"


def describe_ratio(ratio: Interval) -> str:
    """`+5 % (+4.8 % to +5.2 %)`."""
    change, low, high = (f"{100 * (end - 1):+z.3g} %" for end in (ratio.estimate, ratio.low, ratio.high))
    return change if low == high else f"{change} ({low} to {high})"
