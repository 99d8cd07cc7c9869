"""Which processes a cell's start-up is of: with a packed cache, first and later launches differ."""

import statistics
from collections.abc import Iterable, Sequence

from harness.records.measurements import ProcessReport


def first_launches(processes: Sequence[ProcessReport]) -> tuple[ProcessReport, ...]:
    """Those that packed the weights and wrote the packed cache; none without one."""
    return tuple(process for process in processes if process.wrote_packed_cache)


def later_launches(processes: Sequence[ProcessReport]) -> tuple[ProcessReport, ...]:
    """All others."""
    return tuple(process for process in processes if not process.wrote_packed_cache)


def lower_median(counts: Iterable[int | None]) -> int | None:
    """The lower median of what is known; None where nothing is."""
    known = [count for count in counts if count is not None]
    return statistics.median_low(known) if known else None
