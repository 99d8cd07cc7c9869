"""Memory, file size and accuracy of a cell against the same cell of another run."""

import math
from collections.abc import Sequence

import numpy as np

from harness.analysis.comparison_rule import ComparedFigure, ComparisonResult, decide
from harness.analysis.intervals import CONFIDENCE
from harness.analysis.known_accuracy import KnownAccuracy, measured_accuracy, unpaired_drop
from harness.analysis.margins import Margins
from harness.analysis.paired import paired_drop
from harness.analysis.process_figures import peaks_rss_bytes
from harness.analysis.ratios import ratio_interval
from harness.records import Cell, Interval
from harness.records.outcomes import OutcomesByFigures


def compare_memory(base: Cell, new: Cell, margins: Margins) -> ComparedFigure | None:
    """Peak RSS, by the processes of both sides; None where neither side has it."""
    before, after = peaks_rss_bytes(base), peaks_rss_bytes(new)
    if not before or not after:
        return None
    ratio = _ratio(before, after)
    result, why = decide(ratio, margins.memory)
    return ComparedFigure(
        name="peak RSS",
        base=float(np.median(before)),
        new=float(np.median(after)),
        change=ratio,
        result=result,
        why=why,
    )


def compare_size(base: Cell, new: Cell, margins: Margins) -> ComparedFigure:
    """The .pte file, which has no noise."""
    old, young = base.artifact.size_bytes, new.artifact.size_bytes
    ratio = young / old if old else math.inf
    change = Interval(estimate=ratio, low=ratio, high=ratio, confidence=1.0) if old else None
    result, why = decide(change, margins.size) if change else ("inconclusive", "the base's file is empty")
    return ComparedFigure(name="file size", base=old, new=young, change=change, result=result, why=why)


def compare_accuracy(
    base: Cell,
    new: Cell,
    margins: Margins,
    base_outcomes: OutcomesByFigures,
    new_outcomes: OutcomesByFigures,
) -> ComparedFigure | None:
    """Top-1, image by image where the outcomes are saved; None where a side has none on the same data."""
    before, after = measured_accuracy(base, base_outcomes), measured_accuracy(new, new_outcomes)
    if before is None or after is None or before.data != after.data:
        return None
    drop = _drop_pp(before, after, same_file=base.artifact.sha256 == new.artifact.sha256)
    result, why = _decide_drop(drop, margins.accuracy_pp)
    return ComparedFigure(
        name="accuracy", base=before.estimate, new=after.estimate, change=drop, result=result, why=why
    )


def _decide_drop(drop: Interval, margin_pp: float) -> tuple[ComparisonResult, str]:
    """The rule of ratios, for a drop in points: beyond chance and beyond the margin is worse."""
    estimate, low, high = (_signed(-points) for points in (drop.estimate, drop.high, drop.low))
    change = f"{estimate} pp ({low} to {high})"
    if drop.low > 0 and drop.estimate > margin_pp:
        return "worse", change
    if drop.high < 0 and drop.estimate < -margin_pp:
        return "better", change
    if drop.high <= margin_pp:
        return "no worse", change
    return "inconclusive", f"{change} may be a drop of more than {margin_pp:.3g} pp: evaluate more images"


def _signed(points: float) -> str:
    """`-0.30`; what rounds to zero is `+0.00`."""
    return f"{points:+z.2f}"


def _drop_pp(before: KnownAccuracy, after: KnownAccuracy, *, same_file: bool) -> Interval:
    """The drop in points: paired by image, else of two independent sets of images."""
    if before.outcomes and after.outcomes and before.outcomes.of_same_images(after.outcomes):
        return paired_drop(before.outcomes.outcomes, after.outcomes.outcomes).drop_pp
    if same_file and before.estimate == after.estimate:
        return Interval(estimate=0.0, low=0.0, high=0.0, confidence=1.0)
    return unpaired_drop(before, after)


def _ratio(before: Sequence[float], after: Sequence[float]) -> Interval:
    """The interval of ratios; with fewer than 4 processes a side the range of all of them."""
    ratio = ratio_interval(before, after)
    if ratio.confidence >= CONFIDENCE:
        return ratio
    return Interval(
        estimate=float(np.median(after) / np.median(before)),
        low=min(after) / max(before),
        high=max(after) / min(before),
        confidence=ratio.confidence,
    )
