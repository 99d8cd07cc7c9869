"""What a device does for minutes: one process back to back, summarized each second, and figures of it."""

from typing import Annotated, Literal

from msgspec import Meta

from harness.records.devices import Conditions, SampledConditions
from harness.records.measurements import Interval, Scheduling
from harness.records.schema import (
    Celsius,
    Count,
    PositiveNanoseconds,
    Record,
    Seconds,
)
from harness.records.task_profiles import TaskProfile

# Shorter, the last quarter has too few seconds to show that it is level; longer, nobody waits for it.
SHORTEST_SUSTAIN_S, LONGEST_SUSTAIN_S = 60, 4 * 3600
# Of the beginning: the device is still cool.
INITIAL_SECONDS = 10
SustainSeconds = Annotated[int, Meta(ge=1, le=LONGEST_SUSTAIN_S)]
PerSecond = tuple[PositiveNanoseconds | None, ...]


class SustainedRun(Record, frozen=True, kw_only=True):
    """One process that ran back to back, as it was measured.

    `inferences`, `median_ns`, `p90_ns` and `max_ns` have one figure for each second, in order, of the
    inferences that began in that second. A second in which none began has 0 inferences and no figures.
    Percentiles are nearest ranks. `began_uptime_seconds` is the device's uptime at the start of the first
    second; the uptimes of `sampled` are on the same clock. `began_celsius` is the hottest zone of the cores
    (else the battery) just before, `max_temp_celsius` the limit that the device was waited for to reach, for
    `cooled_seconds`; these are None where no temperature can be read. `scheduling` is None in cells of older
    versions, `task_profile` where none was asked for.
    """

    started_at: str
    began_uptime_seconds: Seconds
    inferences: tuple[Count, ...]
    median_ns: PerSecond
    p90_ns: PerSecond
    max_ns: PerSecond
    threads_used: Count | None
    cpus_allowed: str
    conditions_before: Conditions
    conditions_after: Conditions
    sampled: SampledConditions | None = None
    cooled_seconds: Seconds | None = None
    max_temp_celsius: Celsius | None = None
    began_celsius: Celsius | None = None
    scheduling: Scheduling | None = None
    task_profile: TaskProfile | None = None


class Fell(Record, frozen=True, kw_only=True):
    """What of the device changed when latency rose: a clock in kHz, a thermal status, or firmware flags.

    `name` is `cores 4-7` for a clock. Clocks are medians over ten seconds before and after, in runs of
    hours over two samples; the status and the flags are those before and after the whole process, in which
    they changed at an unknown time.
    """

    what: Literal["clock", "thermal_status", "throttled_flags"]
    name: str
    before: Count
    after: Count


class Drop(Record, frozen=True, kw_only=True):
    """The first time that inferences became slower for at least ten seconds.

    `second` is how many seconds passed until then; `before_ns` and `after_ns` are the levels around it.
    `fell` is None where nothing is known to have changed, and `unknown` then says why.
    """

    second: Count
    before_ns: PositiveNanoseconds
    after_ns: PositiveNanoseconds
    fell: Fell | None
    unknown: str | None = None


class SustainedFigures(Record, frozen=True, kw_only=True):
    """What the seconds of a run come to; all are of the medians per second.

    `initial_ns` is the median of the first ten seconds, `plateau_ns` that of the last quarter with its
    interval. `retained` is the speed of the plateau as a fraction of the initial speed. `drop` is None where
    latency never rose for good. `last_quarter_change` is by what fraction the last quarter still became
    slower from its beginning to its end, at most as much as its end is slower than the quarter before; None
    where there is no clear trend.
    """

    initial_ns: PositiveNanoseconds
    plateau_ns: Interval
    retained: Annotated[float, Meta(gt=0, le=1e6)]
    drop: Drop | None
    last_quarter_change: Annotated[float, Meta(ge=-1, le=1e6)] | None


class Sustained(Record, frozen=True, kw_only=True):
    """A run of `seconds` back to back; without `run` and `figures`, `unavailable` says why."""

    seconds: SustainSeconds
    run: SustainedRun | None
    figures: SustainedFigures | None
    unavailable: str | None = None
