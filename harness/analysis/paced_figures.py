"""What the periods of a paced cell got: one that ends without a result counts, also where none began."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np

from harness.analysis.intervals import (
    CONFIDENCE,
    RESAMPLES_OF_TAILS,
    Floats,
    Ranks,
    block_length,
    resample_blocks,
)
from harness.records import Cell, Interval, Pace, ProcessReport
from harness.records.schedule import timed_starts

# What keeps a rate may leave one period in a hundred without a result.
KEPT_SHARE = 0.99


def period_to_keep_ns(cell: Cell) -> int | None:
    """The period that a cell's inferences were due in; None back to back, and where the clock is not real."""
    return None if cell.device.emulated else cell.plan.period_ns


def response_p99_ns(cell: Cell) -> Interval | None:
    """The p99 of the response times of all periods, with its 95 % interval; None without a schedule.

    A period's response time is from its slot to the end of the inference that ran in it. One inference that
    runs through 27 periods counts 27 times: otherwise the periods in which none could begin would be missing
    from the figure (coordinated omission; G. Tene, "How NOT to measure latency", 2013). It is longer than the
    period exactly where `Pace.missed` counts one, and so is the p99 where these are more than 1 %.
    """
    period_ns = period_to_keep_ns(cell)
    return None if period_ns is None else _p99(_Same(cell.processes), period_ns, cell.plan.seed)


def response_p99_high_ns(cell: Cell) -> float | None:
    """The upper end of `response_p99_ns`."""
    interval = response_p99_ns(cell)
    return None if interval is None else interval.high


def keeps_rate(cell: Cell) -> bool:
    """Whether the p99 is surely within the period; also what has no rate to keep, or no figure."""
    period_ns, high = period_to_keep_ns(cell), response_p99_high_ns(cell)
    return period_ns is None or high is None or high <= period_ns


def misses_text(pace: Pace) -> str:
    """`12 of 150 periods missed (8.0%)`."""
    return f"{pace.missed:,} of {pace.periods:,} periods missed ({pace.missed_share:.1%})"


@dataclass(frozen=True, eq=False)
class _Same:
    """Equal for the very same processes: to compare thousands of samples takes longer than to count them."""

    processes: tuple[ProcessReport, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.processes is other.processes

    def __hash__(self) -> int:
        return id(self.processes)


# A cell's figure is asked for a dozen times while one is picked.
@lru_cache(maxsize=1024)
def _p99(measured: _Same, period_ns: int, seed: int) -> Interval | None:
    """By the bootstrap of `percentile_intervals`: processes are drawn, then blocks of inferences in each."""
    processes = [_responses(process, period_ns) for process in measured.processes if process.starts_ns]
    samples = [np.array(one, dtype=np.float64) for one in processes if one]
    if not samples:
        return None
    lengths = [block_length(one[:, 0]) for one in samples]
    estimate = _weighted_p99(np.concatenate(samples))
    generator = np.random.default_rng(seed)
    resampled = np.empty(RESAMPLES_OF_TAILS)
    for resample in range(RESAMPLES_OF_TAILS):
        drawn = generator.integers(0, len(samples), len(samples))
        resampled[resample] = _weighted_p99(
            np.concatenate([samples[at][_places(len(samples[at]), lengths[at], generator)] for at in drawn])
        )
    low, high = np.percentile(resampled, (2.5, 97.5))
    return Interval(
        estimate=estimate,
        low=min(float(low), estimate),
        high=max(float(high), estimate),
        confidence=CONFIDENCE,
    )


def _responses(process: ProcessReport, period_ns: int) -> list[tuple[int, int]]:
    """Of each steady inference its response time, and how many periods it covers."""
    steady = islice(timed_starts(process, period_ns), process.warmup_cut, None)
    return [(start.late_ns + start.latency_ns, start.periods) for start in steady]


def _places(count: int, length: int, generator: np.random.Generator) -> Ranks:
    places: Ranks = resample_blocks(np.arange(count), length, generator, 1)[0]
    return places


def _weighted_p99(rows: Floats) -> float:
    """The shortest response time that at least 99 % of the periods do not exceed; not interpolated."""
    ordered = rows[np.argsort(rows[:, 0])]
    reached = np.cumsum(ordered[:, 1])
    # The sums are of whole numbers; a product that is off by its last digit must not ask for one more.
    enough = KEPT_SHARE * reached[-1] * (1 - 1e-12)
    return float(ordered[np.searchsorted(reached, enough), 0])
