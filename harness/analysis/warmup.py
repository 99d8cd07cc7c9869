"""When warm-up ends: the rule that moves the first iterations of a process out of its statistics.

MSER-5 (White 1997; found best of 44 rules by Hoad, Robinson & Davies, "Automating warm-up length
estimation", JORS 61, 2010): in batches of five iterations, cut where the standard error of what remains
is least, never more than half. Two changes for machines: a batch is its median, so that one interruption
does not move the cut; and only a slower beginning is warm-up. A beginning that is faster than the rest
is a device that slows down, which must stay visible.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from harness.records import ProcessReport

BATCH = 5
# Below 1 % a cut changes nothing that the intervals could resolve; without this limit noise is cut too.
SLOWER_BEGINNING = 0.01


def steady_from(latencies_ns: Sequence[int]) -> int:
    """Index of the first steady iteration; 0 when nothing needs to be cut, at most half the length."""
    series = np.asarray(latencies_ns, dtype=np.float64)
    batches = np.median(series[: series.size // BATCH * BATCH].reshape(-1, BATCH), axis=1)
    if batches.size < 4:
        return 0
    remaining = np.arange(batches.size, 0, -1)
    # Sums from the end, of deviations, so that large equal values do not cancel.
    deviations = batches - batches[-1]
    sums = np.cumsum(deviations[::-1])[::-1]
    squares = np.cumsum(deviations[::-1] ** 2)[::-1]
    squared_error = (squares - sums**2 / remaining) / remaining**2
    cut = BATCH * int(squared_error[: batches.size // 2 + 1].argmin())
    if cut and np.median(series[:cut]) > (1 + SLOWER_BEGINNING) * np.median(series[cut:]):
        return cut
    return 0


def move_warmup(process: ProcessReport) -> ProcessReport:
    """Move what comes before the steady state from `latencies_ns` to the end of `warmup_ns`, and count it."""
    cut = steady_from(process.latencies_ns)
    return msgspec.structs.replace(
        process,
        warmup_ns=process.warmup_ns + process.latencies_ns[:cut],
        latencies_ns=process.latencies_ns[cut:],
        warmup_cut=process.warmup_cut + cut,
    )
