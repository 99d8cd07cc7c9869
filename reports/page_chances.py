"""Tables for the probabilities and intervals that the page's script reckons, by the number of processes."""

from collections.abc import Iterable

import msgspec

from harness.analysis.chance import RESAMPLED_FROM, resampled_medians
from harness.analysis.ratios import ratio_depth
from reports.page_cells import PageCell


class Medians(msgspec.Struct, frozen=True):
    """The medians that a resample of some number of values can have, and the probability of each."""

    low: tuple[int, ...]
    high: tuple[int, ...]
    weights: tuple[float, ...]


def medians_of(cells: Iterable[PageCell]) -> dict[str, Medians]:
    """By the number of values, of each number of processes that is large enough to resample."""
    counts = {len(values) for cell in cells for values in cell.processes}
    found = {}
    for count in sorted(count for count in counts if count >= RESAMPLED_FROM):
        low, high, weights = resampled_medians(count)
        found[str(count)] = Medians(tuple(low.tolist()), tuple(high.tolist()), tuple(weights.tolist()))
    return found


def ratio_depths_of(cells: Iterable[PageCell]) -> dict[str, tuple[int, float]]:
    """For two cells with that many processes: which of the sorted ratios ends the interval."""
    counts = sorted({len(cell.processes[0]) for cell in cells} - {0})
    return {f"{base},{new}": ratio_depth(base, new) for base in counts for new in counts}
