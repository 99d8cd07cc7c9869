"""What is known of a variant's accuracy, and which variants it tells apart."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from harness.analysis.intervals import CONFIDENCE
from harness.analysis.paired import paired_drop
from harness.analysis.published import published_accuracy
from harness.records import Cell, Interval
from harness.records.outcomes import Outcomes, OutcomesByFigures, outcomes_key
from harness.system.text import printable

Basis = Literal["measured", "published", "none"]
# Two candidates differ when McNemar's test finds a smaller probability that they do not.
SIGNIFICANCE = 0.05
# A larger difference counts, however few images there are to prove it: with 1,000 images the test alone would
# call differences of three points none, and the cheaper candidate would win (bench_decision measures it).
LARGEST_TIE_PP = 0.5


@dataclass(frozen=True)
class KnownAccuracy:
    """Top-1 as a fraction of one, and what it is of: figures with equal `data` can be ranked together.

    A published figure has no interval: `low` and `high` are the estimate.
    """

    basis: Literal["measured", "published"]
    data: str
    low: float
    estimate: float
    high: float
    images: int = 0
    outcomes: Outcomes | None = None


def measured_accuracy(cell: Cell, outcomes: OutcomesByFigures | None = None) -> KnownAccuracy | None:
    """The accuracy measured with the cell's file; that of random weights is not the variant's."""
    accuracy = cell.accuracy
    if accuracy is None or cell.variant.weights.source == "random":
        return None
    return KnownAccuracy(
        "measured",
        f"{printable(accuracy.dataset)} {printable(accuracy.split)}, {accuracy.images:,} images"
        + (f", {printable(accuracy.preprocessing)}" if accuracy.preprocessing else ""),
        accuracy.top1.low,
        accuracy.top1.estimate,
        accuracy.top1.high,
        accuracy.images,
        (outcomes or {}).get(outcomes_key(cell.artifact.sha256, accuracy)),
    )


def published_top1(cell: Cell) -> KnownAccuracy | None:
    """The accuracy published for a checkpoint of the variant's shape."""
    published = published_accuracy(cell.variant)
    if published is None:
        return None
    return KnownAccuracy("published", "checkpoints of that shape", *(published.top1,) * 3)


def known_accuracy(cell: Cell) -> KnownAccuracy | None:
    """The measured accuracy, else the published one."""
    return measured_accuracy(cell) or published_top1(cell)


def best_data(known: Iterable[KnownAccuracy | None]) -> str | None:
    """The data that most figures are of; of equally many those with more images, then the first by name."""
    figures = [one for one in known if one is not None]
    counts = Counter(one.data for one in figures)
    images = {one.data: one.images for one in figures}
    return min(counts, key=lambda data: (-counts[data], -images[data], data), default=None)


def indistinguishable(best: KnownAccuracy, other: KnownAccuracy) -> bool:
    """Whether the images do not tell the two apart, of which `best` has the higher estimate.

    With the outcomes of the same images: McNemar's exact test. Without: `unpaired_drop`. Published figures
    have no interval; only equal ones are indistinguishable.
    """
    drop = best.estimate - other.estimate
    if 100 * drop > LARGEST_TIE_PP + 1e-9:
        return False
    if best.basis == "published":
        return drop <= 0
    if best.outcomes and other.outcomes and best.outcomes.of_same_images(other.outcomes):
        return paired_drop(best.outcomes.outcomes, other.outcomes.outcomes).p_value >= SIGNIFICANCE
    return unpaired_drop(best, other).low <= 0


def unpaired_drop(base: KnownAccuracy, new: KnownAccuracy) -> Interval:
    """The accuracy drop (pp) with the interval that the two Wilson intervals give.

    Newcombe, Statistics in Medicine 17, 1998, method 10: for independent sets of images, and too wide for the
    same ones.
    """
    drop = base.estimate - new.estimate
    return Interval(
        estimate=100 * drop,
        low=100 * (drop - math.hypot(base.estimate - base.low, new.high - new.estimate)),
        high=100 * (drop + math.hypot(base.high - base.estimate, new.estimate - new.low)),
        confidence=CONFIDENCE,
    )
