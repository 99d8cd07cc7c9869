"""A saved cell's summaries against the processes that they are of."""

import math
import statistics
from collections.abc import Iterator, Sequence
from itertools import chain

import msgspec

from harness.records import ColdProcess, Interval, Latency, Pace, Plan, ProcessReport, Startup
from harness.records.launches import lower_median
from harness.records.percentile import percentile
from harness.records.schedule import summarize_pace
from harness.records.student import STUDENT_T, student_bounds

# 2**53 ns are 104 days: no interval of a time is longer.
LONGEST_NS = 2.0**53
# What every saved interval has, but the one of a single value, which has none.
CONFIDENCE = 0.95
# Saved floats are read back exactly; this allows for another order of additions.
TOLERANCE = 1e-6


def check_startup(
    startup: Startup, processes: tuple[ProcessReport, ...] | tuple[ColdProcess, ...]
) -> Iterator[str]:
    """Load, init and first inference are medians over the processes."""
    figures = {
        "load_ns": [process.load_ns for process in processes],
        "init_ns": [process.init_ns for process in processes],
        "first_ns": [process.first_ns for process in processes],
        "total_ns": [process.load_ns + process.init_ns + process.first_ns for process in processes],
    }
    for name, values in figures.items():
        interval: Interval = getattr(startup, name)
        # Of two processes that differ much, the interval can be longer than any time.
        yield from check_interval(f"startup.{name}", interval, low=0, high=math.inf)
        computed = statistics.median(values) if values else math.nan
        if not math.isclose(interval.estimate, computed, rel_tol=TOLERANCE):
            yield f"startup.{name} is {interval.estimate:.10g}, but its processes give {computed:.10g}"
        yield from check_reach(f"startup.{name}", interval, _reach_of_median(values))
    counted = lower_median(one.init_instructions for one in processes if isinstance(one, ProcessReport))
    if startup.init_instructions != counted:
        yield f"startup.init_instructions is {startup.init_instructions}, but its processes give {counted}"


def check_latency(latency: Latency, processes: tuple[ProcessReport, ...]) -> Iterator[str]:
    """Counts, extremes, percentiles and the median are those of the samples."""
    # In order: their runs are then merged quickly, and their medians found at once.
    samples = [sorted(process.latencies_ns) for process in processes]
    if not samples or not all(samples):
        yield "latency is given, but a process without latencies or none at all"
        return
    pooled = sorted(chain.from_iterable(samples))
    counted: dict[str, tuple[float, float]] = {
        "processes": (latency.processes, len(samples)),
        "samples": (latency.samples, len(pooled)),
        "min_ns": (latency.min_ns, pooled[0]),
        "max_ns": (latency.max_ns, pooled[-1]),
        "p90_ns": (latency.p90_ns, percentile(pooled, 0.9)),
        "p99_ns": (latency.p99_ns, percentile(pooled, 0.99)),
        "median_ns": (latency.median_ns.estimate, statistics.median(map(statistics.median, samples))),
    }
    for name, (saved, computed) in counted.items():
        if not math.isclose(saved, computed, rel_tol=TOLERANCE):
            yield f"latency.{name} is {saved:.10g}, but its samples give {computed:.10g}"
    if latency.outliers is not None and latency.outliers > len(pooled):
        yield f"latency.outliers is {latency.outliers}, of {len(pooled)} samples"
    # A bootstrap's interval, unlike the others, may miss its estimate.
    yield from check_interval(
        "latency.median_ns", latency.median_ns, low=0, high=math.inf, resampled=len(samples) == 1
    )
    extremes = (pooled[0], pooled[-1])
    reach = _reach_of_median([statistics.median(one) for one in samples]) if len(samples) > 1 else extremes
    yield from check_reach("latency.median_ns", latency.median_ns, reach)
    for name in ("p90_interval_ns", "p99_interval_ns"):
        interval = getattr(latency, name)
        if interval is None:
            continue
        yield from check_interval(f"latency.{name}", interval, low=0, high=LONGEST_NS, resampled=True)
        figure = getattr(latency, name.replace("_interval", ""))
        if not math.isclose(interval.estimate, figure, rel_tol=TOLERANCE):
            yield f"latency.{name} is of {interval.estimate:.10g}, the percentile is {figure:.10g}"
        yield from check_reach(f"latency.{name}", interval, extremes)


def check_pace(pace: Pace, processes: tuple[ProcessReport, ...], plan: Plan) -> Iterator[str]:
    """The figures of a schedule are those that the starts give; these must be possible."""
    if pace.period_ns != plan.period_ns:
        yield f"pace.period_ns is {pace.period_ns}, planned was {plan.period_ns}"
        return
    computed = summarize_pace(processes, pace.period_ns)
    if computed is None:
        yield "pace is given, but no steady inference"
        return
    for name, figure in msgspec.structs.asdict(computed).items():
        saved = getattr(pace, name)
        if not math.isclose(saved, figure, rel_tol=TOLERANCE):
            yield f"pace.{name} is {saved:.10g}, but its starts give {figure:.10g}"


def check_interval(
    name: str, interval: Interval, *, low: float, high: float, resampled: bool = False
) -> Iterator[str]:
    """`low` itself is outside for times, which are positive; fractions and percentages pass a bound below."""
    ends = (interval.low, interval.estimate, interval.high)
    slack = TOLERANCE * max(map(abs, ends))
    ordered = interval.low <= interval.high if resampled else _ordered(ends, slack)
    if not (all(map(math.isfinite, ends)) and ordered and low < min(ends) and max(ends) <= high):
        yield f"{name} is {interval.estimate:.10g} in {interval.low:.10g} to {interval.high:.10g}"
    elif interval.confidence != CONFIDENCE and not (
        interval.low == interval.high and not interval.confidence
    ):
        yield f"{name} has confidence {interval.confidence:g}"


def check_reach(name: str, interval: Interval, reach: tuple[float, float]) -> Iterator[str]:
    """An interval ends nowhere beyond what its samples can give; what is no interval is named elsewhere."""
    least, most = reach
    slack = TOLERANCE * max(map(abs, reach))
    if interval.low < least - slack or interval.high > most + slack:
        yield (
            f"{name} is in {interval.low:.10g} to {interval.high:.10g}, but its samples give no more than"
            f" {least:.10g} to {most:.10g}"
        )


def _reach_of_median(values: Sequence[float]) -> tuple[float, float]:
    """The ends of Student's interval of few values; those of more are order statistics, among the values."""
    if len(values) in STUDENT_T:
        return student_bounds(values)
    return (min(values), max(values)) if values else (-math.inf, math.inf)


def _ordered(ends: tuple[float, float, float], slack: float) -> bool:
    return ends[0] <= ends[1] + slack and ends[1] <= ends[2] + slack
