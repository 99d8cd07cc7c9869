"""Times of fresh processes against those of another run: latency and start-up, on a real clock.

Inconclusive also where a side was disturbed, has too few processes, or began so much warmer that heat could
explain the result; `comparison_rule` has the rule, and `paired_comparison` the same for common rounds.
"""

from collections.abc import Sequence

import numpy as np

from harness.analysis.comparison_rule import (
    ComparedFigure,
    ComparisonResult,
    FigureName,
    beyond_chance,
    decide,
    describe_ratio,
)
from harness.analysis.differences import could_explain, describe_start, start_difference_celsius
from harness.analysis.intervals import CONFIDENCE
from harness.analysis.margins import Margins
from harness.analysis.paired_comparison import judge_paired_startup, paired_startup_ratio
from harness.analysis.process_figures import cold_startups_ns, warm_startups_ns
from harness.analysis.ratios import ratio_interval
from harness.records import Affects, Cell, Interval, Reason, Severity

STARTUPS: tuple[FigureName, ...] = ("start-up", "cold start-up")


def compare_startups(
    base: Cell, new: Cell, margins: Margins, timed_cells: int, *, paired: bool
) -> list[ComparedFigure]:
    """Load, init and first inference of fresh processes, and of cold ones; those that both sides have.

    Cold processes are in no rounds, so that nothing pairs them.
    """
    found = []
    warm = warm_startups_ns(base), warm_startups_ns(new)
    if paired and (ratio := paired_startup_ratio(base, new)):
        judged = judge_paired_startup(base, new, ratio, margins.of_startup, timed_cells)
        found.append(_figure("start-up", *warm, ratio, *judged))
    elif not paired and all(warm):
        found.append(_startup("start-up", base, new, *warm, margins.of_startup, timed_cells))
    cold = cold_startups_ns(base), cold_startups_ns(new)
    if all(cold):
        found.append(_startup("cold start-up", base, new, *cold, margins.of_startup, timed_cells))
    return found


def judge_times(
    base: Cell,
    new: Cell,
    before: Sequence[float],
    after: Sequence[float],
    margin: float,
    timed_cells: int,
) -> tuple[ComparisonResult, str]:
    """Judge the processes' times; without any on a side nothing is known."""
    ratio = ratio_interval(before, after) if before and after else None
    for side, cell in (("base", base), ("new", new)):
        # Whatever else the times of a disturbed side measure, it is not the program alone.
        if disturbed := reasons_of(cell, "suspect", "time"):
            change = f"{describe_ratio(ratio)}, but " if ratio else ""
            return "inconclusive", f"{change}{side} was disturbed: {codes_of(disturbed)}"
    if ratio is None:
        return "inconclusive", "no latencies to compare"
    if ratio.confidence < CONFIDENCE:
        counts = f"{len(before)} and {len(after)}"
        return "inconclusive", f"{counts} processes are too few: at least 4 on each side are needed"
    result, why = decide(ratio, margin)
    if result == "worse" and not beyond_chance(np.array(before), np.array(after), timed_cells):
        return "inconclusive", f"could be chance among {timed_cells} cells"
    decided = result in ("worse", "better")
    if decided and could_explain(start_difference_celsius(base, new), slower=result == "worse"):
        return "inconclusive", f"{why}, but {describe_start(base, new)}"
    return result, why


def reasons_of(cell: Cell, severity: Severity, affects: Affects) -> list[Reason]:
    """The cell's reasons of this severity that affect this."""
    return [one for one in cell.verdict.reasons if (one.severity, one.affects) == (severity, affects)]


def codes_of(reasons: Sequence[Reason]) -> str:
    """Their codes, in the order of the alphabet."""
    return ", ".join(sorted(reason.code for reason in reasons))


def _startup(
    name: FigureName,
    base: Cell,
    new: Cell,
    before: Sequence[float],
    after: Sequence[float],
    margin: float,
    timed_cells: int,
) -> ComparedFigure:
    judged = judge_times(base, new, before, after, margin, timed_cells)
    return _figure(name, before, after, ratio_interval(before, after), *judged)


def _figure(
    name: FigureName,
    before: Sequence[float],
    after: Sequence[float],
    ratio: Interval,
    result: ComparisonResult,
    why: str,
) -> ComparedFigure:
    return ComparedFigure(
        name=name,
        base=float(np.median(before)),
        new=float(np.median(after)),
        change=ratio,
        result=result,
        why=why,
    )
