"""Whether a cell is worse than the same cell of another run: the figures' results, by `comparison_rule`.

On a real clock latency is judged by the medians of processes; it is inconclusive also when a side was
disturbed, or when the slower side began more than 3 °C warmer; cells of the same rounds are judged by
`paired_comparison`. So a program is called worse than itself in at most 2.5 % of comparisons, in far fewer
where the noise is below the margin. Instructions decide where the clock is not real: exactly, for one thread,
unless a margin is asked for. The paced p99, start-up, sustained latency, energy, memory, file size and
accuracy are judged beside them; what one side lacks is a caution.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from harness.analysis.comparison_rule import ComparedFigure, ComparisonResult, FigureName, decide
from harness.analysis.differences import describe_clocks, describe_start
from harness.analysis.figure_comparison import compare_accuracy, compare_memory, compare_size
from harness.analysis.margins import REAL_COUNT_MARGIN, Margins
from harness.analysis.one_sided_figures import describe_incomparable, describe_one_sided
from harness.analysis.pace_comparison import compare_pace
from harness.analysis.paired_comparison import (
    describe_interleaving,
    judge_paired_latency,
    paired_latency_ratio,
)
from harness.analysis.process_figures import instruction_counts, latency_medians_ns
from harness.analysis.ratios import ratio_interval
from harness.analysis.single_run_comparison import compare_single_runs
from harness.analysis.time_comparison import STARTUPS, codes_of, compare_startups, judge_times, reasons_of
from harness.analysis.validity.result_checks import COUNT_TOLERANCE
from harness.analysis.variant_labels import labelled_name
from harness.records import Cell, Interval, Record
from harness.records.outcomes import OutcomesByFigures

# A better figure makes the cell better where no other is worse or inconclusive.
FIGURES_ORDER: tuple[ComparisonResult, ...] = ("worse", "inconclusive", "better", "no worse")


class ComparedCell(Record, frozen=True, kw_only=True):
    """One cell of both runs: `result` is that of its worst figure, which `decided_by` names.

    Figures that a side lacks are not among `figures`.
    """

    name: str
    result: ComparisonResult
    why: str
    decided_by: FigureName
    figures: tuple[ComparedFigure, ...]
    cautions: tuple[str, ...] = ()

    def figure(self, name: FigureName) -> ComparedFigure | None:
        """The figure of this name, where both sides have it."""
        return next((one for one in self.figures if one.name == name), None)


def compare_cell(
    base: Cell,
    new: Cell,
    *,
    margins: Margins,
    timed_cells: int,
    base_outcomes: OutcomesByFigures,
    new_outcomes: OutcomesByFigures,
    paired: bool = False,
) -> ComparedCell:
    """Judge one pair; `timed_cells` is how many of the comparison are judged by latency.

    `paired` cells were measured in the same rounds: then latency is judged as `paired_comparison` says.
    """
    by_instructions = base.device.emulated or new.device.emulated
    cost: Literal["latency", "instructions"] = "instructions" if by_instructions else "latency"
    broken = _broken(base, new)
    if by_instructions:
        ratio = instruction_ratio(base, new)
        judged = _judge_instructions(base, new, ratio, margins)
    elif paired:
        ratio = paired_latency_ratio(base, new)
        judged = judge_paired_latency(base, new, ratio, margins.latency, timed_cells)
    else:
        before, after = latency_medians_ns(base), latency_medians_ns(new)
        ratio = ratio_interval(before, after) if before and after else None
        judged = judge_times(base, new, before, after, margins.latency, timed_cells)
    result, why = broken or judged
    figures = [*_cost_figure(base, new, cost, ratio, result, why)]
    if not broken and not by_instructions:
        figures += _real_instructions(base, new, margins)
        figures += filter(None, [compare_pace(base, new, paired=paired)])
        figures += compare_startups(base, new, margins, timed_cells, paired=paired)
        figures += compare_single_runs(base, new, margins, timed_cells)
    if not broken:
        beside = (
            compare_memory(base, new, margins),
            compare_size(base, new, margins),
            compare_accuracy(base, new, margins, base_outcomes, new_outcomes),
        )
        figures += filter(None, beside)
    results = {one.name: one.result for one in figures if _decides(one, margins)} | {cost: result}
    worst = min(results.values(), key=FIGURES_ORDER.index)
    decided_by = cost if result == worst else next(name for name, one in results.items() if one == worst)
    return ComparedCell(
        name=labelled_name(new),
        result=worst,
        why=why if decided_by == cost else next(one.why for one in figures if one.name == decided_by),
        decided_by=decided_by,
        figures=tuple(figures),
        cautions=_cautions(base, new, by_instructions=by_instructions, paired=paired),
    )


def _decides(figure: ComparedFigure, margins: Margins) -> bool:
    """An open start-up keeps a cell open only where its margin was asked for."""
    open_startup = figure.name in STARTUPS and figure.result == "inconclusive"
    return not open_startup or margins.startup is not None


def _cost_figure(
    base: Cell,
    new: Cell,
    cost: Literal["latency", "instructions"],
    ratio: Interval | None,
    result: ComparisonResult,
    why: str,
) -> tuple[ComparedFigure, ...]:
    before, after = _cost(base, cost), _cost(new, cost)
    if before is None or after is None:
        return ()
    return (ComparedFigure(name=cost, base=before, new=after, change=ratio, result=result, why=why),)


def _cost(cell: Cell, cost: Literal["latency", "instructions"]) -> float | None:
    if cost == "instructions":
        return cell.instructions_per_inference
    return cell.latency.median_ns.estimate if cell.latency else None


def _real_instructions(base: Cell, new: Cell, margins: Margins) -> tuple[ComparedFigure, ...]:
    """Counts of one thread on a real core, where both sides could count."""
    ratio = instruction_ratio(base, new) if base.plan.threads == 1 else None
    if ratio is None:
        return ()
    margin = REAL_COUNT_MARGIN if margins.instructions is None else margins.instructions
    return _cost_figure(base, new, "instructions", ratio, *decide(ratio, margin))


def _cautions(base: Cell, new: Cell, *, by_instructions: bool, paired: bool) -> tuple[str, ...]:
    """What a reader of the figures should know; of the same rounds, a start is the same for both sides."""
    one_sided = describe_one_sided(base, new, by_instructions=by_instructions)
    clocks = describe_clocks(base, new)
    if paired:
        # Accuracy is evaluated on the new side alone.
        alone = "accuracy was measured in new only"
        named = (*describe_interleaving(base, new), *(text for text in one_sided if text != alone))
        return (*clocks, *named)
    start = None if by_instructions else describe_start(base, new)
    return (*((start,) if start else ()), *clocks, *one_sided, *describe_incomparable(base, new))


def _broken(base: Cell, new: Cell) -> tuple[ComparisonResult, str] | None:
    """What no figure can decide: a side that is broken or invalid."""
    broken = reasons_of(new, "invalid", "result")
    if broken and not reasons_of(base, "invalid", "result"):
        return "worse", f"works in base, fails in new: {broken[0].detail}"
    for side, cell in (("base", base), ("new", new)):
        if cell.verdict.status == "invalid":
            return "inconclusive", f"{side} is invalid: {codes_of(cell.verdict.reasons)}"
    return None


def instruction_ratio(base: Cell, new: Cell) -> Interval | None:
    """The ratio of the counts, from the least favourable pair of processes to the most."""
    before, after = instruction_counts(base), instruction_counts(new)
    if not before or not after:
        return None
    return Interval(
        estimate=float(np.median(after) / np.median(before)),
        low=min(after) / max(before),
        high=max(after) / min(before),
        confidence=_held(base, before) * _held(new, after),
    )


def _held(cell: Cell, counts: Sequence[int]) -> float:
    """The probability that the range of counts holds their median: one thread repeats exactly."""
    return 1.0 if cell.plan.threads == 1 else 1 - 0.5 ** (len(counts) - 1)


def _judge_instructions(
    base: Cell, new: Cell, ratio: Interval | None, margins: Margins
) -> tuple[ComparisonResult, str]:
    if ratio is None:
        return "inconclusive", "no instructions were counted, and the times are not of a real clock"
    if base.plan.threads != 1:
        # Threads that wait for each other spin: counts vary.
        return decide(ratio, margins.latency if margins.instructions is None else margins.instructions)
    noise = max(COUNT_TOLERANCE.get(cell.device.clock, 0.0) for cell in (base, new))
    return decide(ratio, max(noise, margins.instructions or 0.0))
