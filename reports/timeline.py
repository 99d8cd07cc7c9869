"""Clock, temperature and load while a device was measured, each from its minimum to its maximum."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.analysis.temperatures import hottest_zone
from harness.records import Conditions, ConditionsSample, ProcessReport
from reports.bars import Axis, axis_over, ticks
from reports.numbers import significant
from reports.sections import Section

MOST_POINTS = 400


@dataclass(frozen=True)
class Panel:
    """One quantity; `lines` has the points of each process in percent, x to the right and y downwards."""

    name: str
    low: str
    high: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Timeline:
    """Panels over one axis of minutes; `missing` says why there is none."""

    panels: tuple[Panel, ...]
    ticks: tuple[tuple[float, str], ...]
    missing: str = ""


_Sampled = Callable[[ConditionsSample], Iterable[float | None]]
_Read = Callable[[Conditions], float | None]
_Points = list[tuple[float, float]]


def describe_timeline(section: Section) -> Timeline:
    """What the sampler recorded beside each process, else what was read before and after it."""
    processes = sorted(
        (process for cell in section.cells for process in cell.processes), key=lambda one: one.started_at
    )
    if not processes:
        return Timeline((), (), "no process ran")
    start = _minutes(processes[0].started_at)
    # Of thousands of processes a part says as much.
    some = processes[:: max(1, len(processes) // MOST_POINTS)]
    quantities: tuple[tuple[str, float, list[_Points]], ...] = (
        ("fastest core, MHz", 1e-3, _lines(some, start, lambda one: one.frequencies_khz, _fastest)),
        ("hottest zone, °C", 1.0, _lines(some, start, lambda one: one.celsius, _hottest)),
        ("load average", 1.0, _lines(some, start, None, lambda one: one.load_average_1min)),
        ("available memory, MB", 1e-6, _lines(some, start, None, lambda one: one.memory_available_bytes)),
    )
    minutes = axis_over(
        [0.0, *(x for _, _, lines in quantities for points in lines for x, _ in points)], room=0.01
    )
    panels = tuple(panel(name, lines, factor, minutes) for name, factor, lines in quantities if lines)
    if not panels:
        return Timeline((), (), "nothing could be read while measuring")
    return Timeline(panels, tuple((minutes.place(value), f"{value:g} min") for value in ticks(minutes)))


def _lines(
    processes: Sequence[ProcessReport], start: float, sampled: _Sampled | None, read: _Read
) -> list[_Points]:
    lines = []
    for process in processes:
        begun = _minutes(process.started_at) - start
        points = _from_samples(process, begun, sampled) if sampled else []
        points = points or _from_readings(process, begun, read)
        if points:
            lines.append(points)
    return lines


def _from_samples(process: ProcessReport, begun: float, sampled: _Sampled) -> _Points:
    if process.sampled is None:
        return []
    period = process.sampled.period_seconds / 60
    return [
        (begun + index * period, max(known))
        for index, sample in enumerate(process.sampled.samples)
        if (known := [value for value in sampled(sample) if value is not None])
    ]


def _from_readings(process: ProcessReport, begun: float, read: _Read) -> _Points:
    duration = process.reported_ns / 60e9
    found = ((begun, read(process.conditions_before)), (begun + duration, read(process.conditions_after)))
    return [(minute, value) for minute, value in found if value is not None]


def panel(name: str, lines: Sequence[_Points], factor: float, minutes: Axis) -> Panel:
    """Lines of minutes and values, which are multiplied by a factor to be shown."""
    values = [y * factor for points in lines for _, y in points]
    axis = axis_over(values)
    drawn = tuple(
        " ".join(f"{minutes.place(x):g},{100 - axis.place(y * factor):g}" for x, y in points)
        for points in lines
    )
    return Panel(name, significant(min(values)), significant(max(values)), drawn)


def _fastest(conditions: Conditions) -> float | None:
    return max((khz for khz in conditions.frequencies_khz or () if khz is not None), default=None)


def _hottest(conditions: Conditions) -> float | None:
    zone = hottest_zone(conditions)
    return None if zone is None else zone.celsius


def _minutes(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() / 60
