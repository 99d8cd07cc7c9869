"""Two networks on the same images: the accuracy drop in percentage points, from the images that changed."""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from harness.analysis.intervals import CONFIDENCE
from harness.analysis.tails import binomial_tail
from harness.errors import MeasurementError
from harness.records import Interval, PairedDrop, Record

RIGHT, WRONG, UNREADABLE = "1", "0", "-"


def paired_drop(base: str, new: str) -> PairedDrop:
    """The accuracy drop (pp) from the outcomes `base` to `new`, over the images that both could read.

    Outcomes have one character for each image of a data set: RIGHT, WRONG or UNREADABLE. McNemar's exact test
    (1947, doi:10.1007/BF02295996) and the adjusted Wald interval of Bonett and Price (2012,
    doi:10.3102/1076998611411915), which keeps its coverage with few differing images.

    Raises:
        MeasurementError: the outcomes are not of the same images.
    """
    if len(base) != len(new):
        raise MeasurementError(
            f"outcomes of {len(base)} and {len(new)} images cannot be paired",
            hint="evaluate both on the same data set and split",
        )
    before, after = _characters(base), _characters(new)
    readable = (before != ord(UNREADABLE)) & (after != ord(UNREADABLE))
    before, after = before[readable] == ord(RIGHT), after[readable] == ord(RIGHT)
    n, only_base, only_new = before.size, int((before & ~after).sum()), int((after & ~before).sum())
    if not n:
        raise MeasurementError("no image was readable in both evaluations")
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
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
        p_value=min(1.0, 2 * binomial_tail(max(only_base, only_new), differing, 0.5)),
    )


class Wins(Record, frozen=True):
    """How often each of several networks is right where another is wrong, over the images both could read.

    `wins[i][j]` counts the images that network i has right and j wrong, `images[i][j]` those that both read.
    """

    wins: tuple[tuple[int, ...], ...]
    images: tuple[tuple[int, ...], ...]


def count_wins(outcomes: Sequence[str]) -> Wins:
    """Count for all pairs of networks at once; each has one character for each image, as in `paired_drop`."""
    characters = np.stack([_characters(one) for one in outcomes])
    # Products of 0 and 1 add up exactly in 32 bits up to 16 million images.
    right = (characters == ord(RIGHT)).astype(np.float32)
    wrong = (characters == ord(WRONG)).astype(np.float32)
    readable = right + wrong
    wins, images = (right @ wrong.T).astype(int), (readable @ readable.T).astype(int)
    return Wins(tuple(map(tuple, wins.tolist())), tuple(map(tuple, images.tolist())))


def _characters(outcomes: str) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer(outcomes.encode("ascii", "replace"), dtype=np.uint8)
