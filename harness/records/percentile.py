"""Percentiles without numpy, which takes a while to import."""

from collections.abc import Sequence


def percentile(ordered: Sequence[int], share: float) -> float:
    """Of sorted values, with linear interpolation, as numpy's default."""
    whole, part = divmod(share * (len(ordered) - 1), 1)
    after = ordered[min(int(whole) + 1, len(ordered) - 1)]
    return ordered[int(whole)] + part * (after - ordered[int(whole)])
