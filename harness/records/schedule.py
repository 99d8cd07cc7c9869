"""Paced processes against their schedule: what the starts and the latencies of inferences say of it.

As `device_scripts/runner/schedule.h` plans them: slots are whole periods apart, and an inference takes the
first slot after the one before it that has not passed when that one ends. An overrun moves no later slot.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from harness.records.measurements import Pace, ProcessReport
from harness.records.percentile import percentile


@dataclass(frozen=True)
class Start:
    """One inference: how late after its slot it began, how long it ran, how many periods these two cover."""

    late_ns: int
    latency_ns: int
    periods: int

    def misses(self, period_ns: int) -> bool:
        """Whether it ended after the period in which it was due."""
        return self.late_ns + self.latency_ns > period_ns


def timed_starts(process: ProcessReport, period_ns: int) -> Iterator[Start]:
    """Each timed inference in order, those that were cut as warm-up first."""
    due_ns = 0
    for start_ns, latency_ns in zip(process.starts_ns or (), process.timed_ns, strict=True):
        late_ns = start_ns - due_ns
        periods = max(1, -(-(late_ns + latency_ns) // period_ns))
        yield Start(late_ns, latency_ns, periods)
        due_ns += periods * period_ns


def steady_starts(processes: Iterable[ProcessReport], period_ns: int) -> tuple[Start, ...]:
    """The steady inferences of all processes: those whose latencies are summarized."""
    return tuple(
        start
        for process in processes
        for start in islice(timed_starts(process, period_ns), process.warmup_cut, None)
    )


def summarize_pace(processes: Iterable[ProcessReport], period_ns: int | None) -> Pace | None:
    """How the steady inferences kept their schedule; None for back to back, or without any."""
    starts = steady_starts(processes, period_ns) if period_ns else ()
    if not starts or period_ns is None:
        return None
    periods = sum(start.periods for start in starts)
    skipped = periods - len(starts)
    late = sorted(start.late_ns for start in starts)
    return Pace(
        period_ns=period_ns,
        periods=periods,
        missed=skipped + sum(start.misses(period_ns) for start in starts),
        skipped=skipped,
        lateness_median_ns=percentile(late, 0.5),
        lateness_p99_ns=percentile(late, 0.99),
        lateness_max_ns=late[-1],
        duty_cycle=sum(start.latency_ns for start in starts) / (periods * period_ns),
    )


def find_off_schedule(process: ProcessReport, period_ns: int | None) -> Iterator[str]:
    """What contradicts the schedule, as a sentence that names the field; None is back to back."""
    starts_ns = process.starts_ns
    if period_ns is None or starts_ns is None:
        if (period_ns is None) != (starts_ns is None):
            planned = "back to back" if period_ns is None else f"{period_ns} ns apart"
            yield f"starts_ns is {'missing' if starts_ns is None else 'given'}, planned were starts {planned}"
    elif len(starts_ns) != len(process.timed_ns):
        yield f"starts_ns has {len(starts_ns)} starts, of {len(process.timed_ns)} timed inferences"
    else:
        for index, start in enumerate(timed_starts(process, period_ns)):
            if start.late_ns < 0:
                yield f"starts_ns: inference {index} began {-start.late_ns} ns before its slot"
                return
