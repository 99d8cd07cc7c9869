"""Two networks on the same images: the accuracy drop in percentage points, from the images that changed."""

import math

from scipy.stats import binomtest, norm

from harness.accuracy.datasets import Dataset
from harness.accuracy.scoring import CONFIDENCE, Predictions, expected_outputs
from harness.errors import MeasurementError
from harness.records import Interval, PairedDrop

RIGHT, WRONG, UNREADABLE = "1", "0", "-"


def list_outcomes(predictions: Predictions, dataset: Dataset, *, class_offset: int = 0) -> str:
    """One character for each image of the data set, in its order: RIGHT (top-1), WRONG or UNREADABLE."""
    classes = predictions.logits.shape[1]
    expected = expected_outputs(dataset, predictions.indices, classes=classes, class_offset=class_offset)
    outcomes = [UNREADABLE] * len(dataset)
    hits = predictions.logits.argmax(axis=1) == expected
    for index, hit in zip(predictions.indices, hits, strict=True):
        outcomes[index] = RIGHT if hit else WRONG
    return "".join(outcomes)


def paired_drop(base: str, new: str) -> PairedDrop:
    """The accuracy drop (pp) from the outcomes `base` to `new`, over the images that both could read.

    McNemar's exact test (1947, doi:10.1007/BF02295996) and the adjusted Wald interval of Bonett and
    Price (2012, doi:10.3102/1076998611411915), which keeps its coverage with few differing images.

    Raises:
        MeasurementError: the outcomes are not of the same images.
    """
    if len(base) != len(new):
        raise MeasurementError(
            f"outcomes of {len(base)} and {len(new)} images cannot be paired",
            hint="evaluate both on the same data set and split",
        )
    pairs = [pair for pair in zip(base, new, strict=True) if UNREADABLE not in pair]
    if not pairs:
        raise MeasurementError("no image was readable in both evaluations")
    n, only_base, only_new = len(pairs), pairs.count((RIGHT, WRONG)), pairs.count((WRONG, RIGHT))
    z = float(norm.ppf((1 + CONFIDENCE) / 2))
    lost, won = (only_base + 1) / (n + 2), (only_new + 1) / (n + 2)
    half = z * math.sqrt((lost + won - (lost - won) ** 2) / (n + 2))
    differing = only_base + only_new
    return PairedDrop(
        drop_pp=Interval(
            estimate=100 * (only_base - only_new) / n,
            low=100 * max(-1.0, lost - won - half),
            high=100 * min(1.0, lost - won + half),
            confidence=CONFIDENCE,
        ),
        images=n,
        only_base=only_base,
        only_new=only_new,
        p_value=float(binomtest(only_base, differing, 0.5).pvalue) if differing else 1.0,
    )
