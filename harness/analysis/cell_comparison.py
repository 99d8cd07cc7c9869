"""Whether a cell is worse than the same cell of another run, with the uncertainty of both.

Latency, on a real clock: the ratio new/base of the medians of processes, with the interval of
`ratios.ratio_interval`. A cell is

- worse        when the ratio's interval lies above 1 and the ratio itself is beyond 1 + margin;
- better       when the interval lies below 1 and the ratio itself is below 1 / (1 + margin);
- no worse     when the interval ends at or below 1 + margin (a non-inferiority test);
- inconclusive otherwise, or when a side was disturbed, or when the slower side also began more than 3 °C
               warmer.

So a program is called worse than itself in at most 2.5 % of comparisons, in far fewer where the noise is
below the margin. Instructions decide where the clock is not real: exactly, for one thread, unless a margin
is asked for.
docs/verdicts.md has the reasons and the simulated error rates.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from harness.analysis.differences import (
    could_explain,
    describe_start,
    start_difference_celsius,
)
from harness.analysis.intervals import CONFIDENCE, Floats
from harness.analysis.ratios import probability_not_larger, rank_sum_tail, ratio_interval
from harness.analysis.validity.result_checks import COUNT_TOLERANCE
from harness.records import Affects, Cell, Interval, Reason, Record, Severity

ComparisonResult = Literal["worse", "inconclusive", "no worse", "better"]
WEIGHTIEST_FIRST: tuple[ComparisonResult, ...] = ("worse", "inconclusive", "no worse", "better")


class Change(Record, frozen=True, kw_only=True):
    """One figure on both sides; None where it could not be had."""

    base: float | None
    new: float | None


class ComparedCell(Record, frozen=True, kw_only=True):
    """One cell of both runs; `decided_by` names the figure that `ratio` (new/base) is of."""

    name: str
    result: ComparisonResult
    why: str
    decided_by: Literal["latency", "instructions"]
    ratio: Interval | None
    latency_ns: Change
    instructions: Change
    peak_rss_bytes: Change
    artifact_bytes: Change
    cautions: tuple[str, ...] = ()


def compare_cell(
    base: Cell, new: Cell, *, margin: float, count_margin: float, timed_cells: int
) -> ComparedCell:
    """Judge one pair; `timed_cells` is how many of the comparison are judged by latency.

    `count_margin` is that of one thread's instructions, which repeat.
    """
    by_instructions = base.device.emulated or new.device.emulated
    ratio = _instruction_ratio(base, new) if by_instructions else _latency_ratio(base, new)
    result, why = _judge_by_verdicts(base, new, ratio, by_instructions) or (
        _judge_instructions(base, new, ratio, margin, count_margin)
        if by_instructions
        else _judge_latency(base, new, ratio, margin, timed_cells)
    )
    return ComparedCell(
        name=new.name,
        result=result,
        why=why,
        decided_by="instructions" if by_instructions else "latency",
        ratio=ratio,
        latency_ns=Change(
            base=base.latency.median_ns.estimate if base.latency else None,
            new=new.latency.median_ns.estimate if new.latency else None,
        ),
        instructions=Change(base=base.instructions_per_inference, new=new.instructions_per_inference),
        peak_rss_bytes=Change(
            base=base.memory.peak_rss_bytes if base.memory else None,
            new=new.memory.peak_rss_bytes if new.memory else None,
        ),
        artifact_bytes=Change(base=base.artifact.size_bytes, new=new.artifact.size_bytes),
        cautions=() if by_instructions else tuple(filter(None, [describe_start(base, new)])),
    )


def _judge_by_verdicts(
    base: Cell, new: Cell, ratio: Interval | None, by_instructions: bool
) -> tuple[ComparisonResult, str] | None:
    """Decide what no figure can decide: a side that is broken, invalid or disturbed."""
    broken = _reasons(new, "invalid", "result")
    if broken and not _reasons(base, "invalid", "result"):
        return "worse", f"works in base, fails in new: {broken[0].detail}"
    for side, cell in (("base", base), ("new", new)):
        if cell.verdict.status == "invalid":
            return "inconclusive", f"{side} is invalid: {_codes(cell.verdict.reasons)}"
        # Whatever else the times measure, it is not the program alone.
        disturbed = _reasons(cell, "suspect", "time")
        if disturbed and not by_instructions:
            change = f"{_log(ratio)}, but " if ratio else ""
            return "inconclusive", f"{change}{side} was disturbed: {_codes(disturbed)}"
    return None


def _reasons(cell: Cell, severity: Severity, affects: Affects) -> list[Reason]:
    return [one for one in cell.verdict.reasons if (one.severity, one.affects) == (severity, affects)]


def _codes(reasons: Sequence[Reason]) -> str:
    return ", ".join(sorted(reason.code for reason in reasons))


def _latency_ratio(base: Cell, new: Cell) -> Interval | None:
    before, after = _process_medians(base), _process_medians(new)
    return ratio_interval(before, after) if before.size and after.size else None


def _judge_latency(
    base: Cell, new: Cell, ratio: Interval | None, margin: float, timed_cells: int
) -> tuple[ComparisonResult, str]:
    if ratio is None:
        return "inconclusive", "no latencies to compare"
    if ratio.confidence < CONFIDENCE:
        counts = f"{len(base.processes)} and {len(new.processes)}"
        return "inconclusive", f"{counts} processes are too few: at least 4 on each side are needed"
    result, why = decide(ratio, margin)
    if result == "worse" and not beyond_chance(_process_medians(base), _process_medians(new), timed_cells):
        return "inconclusive", f"could be chance among {timed_cells} cells"
    decided = result in ("worse", "better")
    if decided and could_explain(start_difference_celsius(base, new), slower=result == "worse"):
        return "inconclusive", f"{why}, but {describe_start(base, new)}"
    return result, why


def beyond_chance(base: Floats, new: Floats, timed_cells: int) -> bool:
    """Bonferroni: a run of many cells shall not be called worse more often than one of a single cell.

    Complete separation of the processes always suffices: few processes cannot give a smaller p-value.
    """
    smallest = float(rank_sum_tail(base.size, new.size)[0])
    limit = max((1 - CONFIDENCE) / 2 / timed_cells, smallest)
    return probability_not_larger(base, new) <= limit


def _instruction_ratio(base: Cell, new: Cell) -> Interval | None:
    """The ratio of the counts, from the least favourable pair of processes to the most."""
    before, after = _counts(base), _counts(new)
    if not before or not after:
        return None
    one_thread = base.plan.threads == 1
    # A range of n values holds their median with probability 1 - 2**(1 - n); one thread repeats exactly.
    held = 1.0 if one_thread else (1 - 0.5 ** (len(before) - 1)) * (1 - 0.5 ** (len(after) - 1))
    return Interval(
        estimate=float(np.median(after) / np.median(before)),
        low=min(after) / max(before),
        high=max(after) / min(before),
        confidence=held,
    )


def _judge_instructions(
    base: Cell, new: Cell, ratio: Interval | None, margin: float, count_margin: float
) -> tuple[ComparisonResult, str]:
    if ratio is None:
        return "inconclusive", "no instructions were counted, and the times are not of a real clock"
    if base.plan.threads != 1:
        return decide(ratio, margin)  # threads that wait for each other spin: counts vary
    noise = max(COUNT_TOLERANCE.get(cell.device.clock, 0.0) for cell in (base, new))
    return decide(ratio, max(noise, count_margin))


def decide(ratio: Interval, margin: float) -> tuple[ComparisonResult, str]:
    """Apply the rule at the top of this file to a ratio; the text is the change."""
    change = _log(ratio)
    if ratio.low > 1 and ratio.estimate > 1 + margin:
        return "worse", change
    if ratio.high < 1 and ratio.estimate < 1 / (1 + margin):
        return "better", change
    if ratio.high <= 1 + margin:
        return "no worse", change
    return "inconclusive", f"{change} may exceed {100 * margin:+.3g} %: measure more processes"


def _log(ratio: Interval) -> str:
    change, low, high = (f"{100 * (end - 1):+.3g} %" for end in (ratio.estimate, ratio.low, ratio.high))
    return change if low == high else f"{change} ({low} to {high})"


def overall(results: Sequence[ComparisonResult]) -> ComparisonResult:
    """The result of a run with cells of these results."""
    for result in WEIGHTIEST_FIRST:
        if result in results:
            return result
    return "inconclusive"


def _process_medians(cell: Cell) -> Floats:
    return np.array([np.median(process.latencies_ns) for process in cell.processes if process.latencies_ns])


def _counts(cell: Cell) -> list[int]:
    return [
        process.instructions_per_inference for process in cell.processes if process.instructions_per_inference
    ]
