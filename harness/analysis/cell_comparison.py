"""Whether a cell is worse than the same cell of another run: the figures' results, by `comparison_rule`.

On a real clock latency is judged by the medians of processes; it is inconclusive also when a side was
disturbed, or when the slower side began more than 3 °C warmer; cells of the same rounds are judged by
`paired_comparison`. So a program is called worse than itself in at most 2.5 % of comparisons, in far fewer
where the noise is below the margin. Instructions decide where the clock is not real: exactly, for one thread,
unless a margin is asked for. Memory, file size and accuracy are judged beside them.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from harness.analysis.comparison_rule import (
    ComparedFigure,
    ComparisonResult,
    FigureName,
    beyond_chance,
    decide,
    describe_ratio,
)
from harness.analysis.differences import (
    could_explain,
    describe_start,
    start_difference_celsius,
)
from harness.analysis.figure_comparison import compare_accuracy, compare_memory, compare_size
from harness.analysis.intervals import CONFIDENCE
from harness.analysis.margins import REAL_COUNT_MARGIN, Margins
from harness.analysis.paired_comparison import (
    describe_interleaving,
    judge_paired_latency,
    paired_latency_ratio,
)
from harness.analysis.process_figures import instruction_counts, latency_medians_ns
from harness.analysis.quantities import millijoules
from harness.analysis.ratios import ratio_interval
from harness.analysis.validity.result_checks import COUNT_TOLERANCE
from harness.analysis.variant_labels import labelled_name
from harness.records import Affects, Cell, Interval, Reason, Record, Severity
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
        ratio = _instruction_ratio(base, new)
        judged = _judge_instructions(base, new, ratio, margins)
    elif paired:
        ratio = paired_latency_ratio(base, new)
        judged = judge_paired_latency(base, new, ratio, margins.latency, timed_cells)
    else:
        ratio = _latency_ratio(base, new)
        judged = _disturbed(base, new, ratio) or _judge_latency(
            base, new, ratio, margins.latency, timed_cells
        )
    result, why = broken or judged
    figures = [
        *_cost_figure(base, new, cost, ratio, result, why),
        *(() if broken or by_instructions else _real_instructions(base, new, margins)),
        *(
            ()
            if broken
            else filter(
                None,
                (
                    compare_memory(base, new, margins),
                    compare_size(base, new, margins),
                    compare_accuracy(base, new, margins, base_outcomes, new_outcomes),
                ),
            )
        ),
    ]
    results = {one.name: one.result for one in figures} | {cost: result}
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
    ratio = _instruction_ratio(base, new) if base.plan.threads == 1 else None
    if ratio is None:
        return ()
    margin = REAL_COUNT_MARGIN if margins.instructions is None else margins.instructions
    return _cost_figure(base, new, "instructions", ratio, *decide(ratio, margin))


def _cautions(base: Cell, new: Cell, *, by_instructions: bool, paired: bool) -> tuple[str, ...]:
    if paired:
        return tuple(describe_interleaving(base, new))
    found = [None if by_instructions else describe_start(base, new)]
    if energies := _energies(base, new):
        found.append(energies)
    if base.memory and not new.memory and new.failure is None:
        found.append("peak RSS was measured in base only")
    if base.accuracy and not new.accuracy and new.failure is None:
        found.append("accuracy was measured in base only")
    elif base.accuracy and new.accuracy and _data(base) != _data(new):
        found.append("accuracies are of different images, and were not compared")
    return tuple(text for text in found if text)


def _energies(base: Cell, new: Cell) -> str | None:
    """What both sides took, where both were measured by one sensor: one process each judges nothing."""
    before, after = base.energy, new.energy
    if not (before and after and before.figures and after.figures and before.run and after.run):
        return None
    if before.run.source.kind != after.run.source.kind or before.run.source.covers != after.run.source.covers:
        return "energies were read by different sensors, and were not compared"
    old, young = before.figures.net_joules, after.figures.net_joules
    intervals = "intervals apart" if old.high < young.low or young.high < old.low else "intervals overlap"
    shown = f"{millijoules(old.estimate)} in base, {millijoules(young.estimate)} in new"
    return f"energy {shown} ({intervals}), of one process each and not judged"


def _data(cell: Cell) -> tuple[object, ...]:
    accuracy = cell.accuracy
    return (accuracy.dataset, accuracy.split, accuracy.preprocessing, accuracy.images) if accuracy else ()


def _broken(base: Cell, new: Cell) -> tuple[ComparisonResult, str] | None:
    """What no figure can decide: a side that is broken or invalid."""
    broken = _reasons(new, "invalid", "result")
    if broken and not _reasons(base, "invalid", "result"):
        return "worse", f"works in base, fails in new: {broken[0].detail}"
    for side, cell in (("base", base), ("new", new)):
        if cell.verdict.status == "invalid":
            return "inconclusive", f"{side} is invalid: {_codes(cell.verdict.reasons)}"
    return None


def _disturbed(base: Cell, new: Cell, ratio: Interval | None) -> tuple[ComparisonResult, str] | None:
    """Whatever else the times of a disturbed side measure, it is not the program alone."""
    for side, cell in (("base", base), ("new", new)):
        disturbed = _reasons(cell, "suspect", "time")
        if disturbed:
            change = f"{describe_ratio(ratio)}, but " if ratio else ""
            return "inconclusive", f"{change}{side} was disturbed: {_codes(disturbed)}"
    return None


def _reasons(cell: Cell, severity: Severity, affects: Affects) -> list[Reason]:
    return [one for one in cell.verdict.reasons if (one.severity, one.affects) == (severity, affects)]


def _codes(reasons: Sequence[Reason]) -> str:
    return ", ".join(sorted(reason.code for reason in reasons))


def _latency_ratio(base: Cell, new: Cell) -> Interval | None:
    before, after = latency_medians_ns(base), latency_medians_ns(new)
    return ratio_interval(before, after) if before and after else None


def _judge_latency(
    base: Cell, new: Cell, ratio: Interval | None, margin: float, timed_cells: int
) -> tuple[ComparisonResult, str]:
    if ratio is None:
        return "inconclusive", "no latencies to compare"
    if ratio.confidence < CONFIDENCE:
        counts = f"{len(base.processes)} and {len(new.processes)}"
        return "inconclusive", f"{counts} processes are too few: at least 4 on each side are needed"
    result, why = decide(ratio, margin)
    if result == "worse" and not beyond_chance(
        np.array(latency_medians_ns(base)), np.array(latency_medians_ns(new)), timed_cells
    ):
        return "inconclusive", f"could be chance among {timed_cells} cells"
    decided = result in ("worse", "better")
    if decided and could_explain(start_difference_celsius(base, new), slower=result == "worse"):
        return "inconclusive", f"{why}, but {describe_start(base, new)}"
    return result, why


def _instruction_ratio(base: Cell, new: Cell) -> Interval | None:
    """The ratio of the counts, from the least favourable pair of processes to the most."""
    before, after = instruction_counts(base), instruction_counts(new)
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
    base: Cell, new: Cell, ratio: Interval | None, margins: Margins
) -> tuple[ComparisonResult, str]:
    if ratio is None:
        return "inconclusive", "no instructions were counted, and the times are not of a real clock"
    if base.plan.threads != 1:
        # Threads that wait for each other spin: counts vary.
        return decide(ratio, margins.latency if margins.instructions is None else margins.instructions)
    noise = max(COUNT_TOLERANCE.get(cell.device.clock, 0.0) for cell in (base, new))
    return decide(ratio, max(noise, margins.instructions or 0.0))
