"""What a sustained run looked like over its minutes: latency, clocks, temperatures."""

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import median

from harness.records import Cell, ConditionsSample, SustainedRun
from reports.bars import axis_over, evenly, ticks
from reports.figures import full_name
from reports.timeline import Timeline, panel

# A line of more points is drawn by the medians of several seconds: nobody sees them apart.
MOST_POINTS = 600
# On the page; the table has all.
MOST_CELLS = 6
Points = list[tuple[float, float]]
# Of each sample: the clock of the fastest core, the temperature of the hottest zone.
Reading = Callable[[ConditionsSample], Iterable[float | None]]
READINGS: tuple[tuple[str, Reading, float], ...] = (
    ("fastest clock, MHz", lambda sample: sample.frequencies_khz, 1e-3),
    ("hottest zone, °C", lambda sample: sample.celsius, 1.0),
)


def seconds_a_point(run: SustainedRun) -> int:
    """Of how many seconds each point of the latency is the median."""
    return max(1, math.ceil(sum(ns is not None for ns in run.median_ns) / MOST_POINTS))


def latencies_ms(run: SustainedRun) -> Points:
    """Minutes and the median latency; of long runs each point is the median of several seconds."""
    known = [(second, ns / 1e6) for second, ns in enumerate(run.median_ns) if ns is not None]
    size = seconds_a_point(run)
    return [
        ((part[0][0] + part[-1][0] + 1) / 120, median(ms for _, ms in part))
        for at in range(0, len(known), size)
        for part in [known[at : at + size]]
    ]


def readings(run: SustainedRun, reading: Reading, factor: float) -> Points:
    """Minutes and the highest reading of each sample that lies within the run."""
    samples = run.sampled.samples if run.sampled else ()
    return [
        ((sample.uptime_seconds - run.began_uptime_seconds) / 60, max(known) * factor)
        for sample in samples
        if sample.uptime_seconds is not None
        and 0 <= sample.uptime_seconds - run.began_uptime_seconds <= len(run.median_ns)
        and (known := [value for value in reading(sample) if value is not None])
    ]


def describe_minutes(cells: Sequence[Cell]) -> Timeline:
    """For each cell with a sustained run its latency, and below it the clock and temperature, if sampled."""
    found = [(c, c.sustained.run) for c in cells if c.sustained and c.sustained.run and not c.device.emulated]
    shown = evenly(found, MOST_CELLS)
    if not shown:
        return Timeline((), (), "no cell ran for minutes")
    minutes = axis_over([0.0, *(len(run.median_ns) / 60 for _, run in shown)], room=0.01)
    panels = []
    for cell, run in shown:
        panels.append(panel(f"{full_name(cell)}, ms", [latencies_ms(run)], 1.0, minutes))
        for name, reading, factor in READINGS:
            if points := readings(run, reading, factor):
                panels.append(panel(name, [points], 1.0, minutes))
    return Timeline(
        tuple(panels), tuple((minutes.place(value), f"{value:g} min") for value in ticks(minutes))
    )
