"""Clocks and temperatures while the device was measured, process by process."""

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from matplotlib.axes import Axes

from harness.records import ConditionsSample, ProcessReport
from reports.numbers import span
from reports.sections import Section
from reports.style import BLUE, VERMILLION, Omitted, Plot, compose

NAME = "over-time"
TITLE = "Clocks and temperatures while measuring"
# From each sample: the clock of the fastest core, the temperature of the hottest zone.
_Reading = Callable[[ConditionsSample], Iterable[float | None]]
_PANELS: tuple[tuple[tuple[str, str], _Reading, float, str], ...] = (
    (("fastest clock", "MHz"), lambda sample: sample.frequencies_khz, 1e-3, BLUE),
    (("hottest zone", "°C"), lambda sample: sample.celsius, 1.0, VERMILLION),
)
Line = tuple[tuple[float, ...], tuple[float, ...]]


def draw(section: Section) -> Plot | Omitted:
    """See the module."""
    sampled = [
        [process for process in cell.processes if process.sampled and process.sampled.samples]
        for cell in section.measured
    ]
    processes = sorted((p for of_cell in sampled for p in of_cell), key=lambda process: process.started_at)
    panels = [(names, colour, lines_of(processes, of, factor)) for names, of, factor, colour in _PANELS]
    shown = [panel for panel in panels if panel[2]]
    if not shown:
        return Omitted(NAME, TITLE, "no sampler recorded a clock or a temperature while processes ran")
    found = [
        f"{name} {span(value for _, values in lines for value in values)} {unit}"
        for (name, unit), _, lines in shown
    ]
    plot, grid = compose(
        NAME,
        f"While measuring: {', '.join(found)}",
        section.provenance(sum(map(bool, sampled)), latency=False) + " Each line is one process.",
        rows=len(shown),
        gap_in=0.25,
        share_y=False,
    )
    for (axes,), ((name, unit), colour, lines) in zip(grid, shown, strict=True):
        _draw_lines(axes, lines, colour)
        axes.set_ylabel(f"{name.capitalize()}, {unit}")
    grid[-1][0].set_xlabel("Minutes since the first process")
    return plot


def lines_of(processes: Sequence[ProcessReport], reading: _Reading, factor: float) -> list[Line]:
    """Minutes and the highest reading of each sample, one line per process, in order of time."""
    start = _minutes(processes[0].started_at) if processes else 0.0
    lines = []
    for process in processes:
        period = process.sampled.period_seconds if process.sampled else 0.0
        points = [
            (_minutes(process.started_at) - start + index * period / 60, max(known) * factor)
            for index, sample in enumerate(process.sampled.samples if process.sampled else ())
            if (known := [value for value in reading(sample) if value is not None])
        ]
        if points:
            minutes, values = zip(*points, strict=True)
            lines.append((minutes, values))
    return lines


def _minutes(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() / 60


def _draw_lines(axes: Axes, lines: Sequence[Line], colour: str) -> None:
    # One artist with a gap behind each process: thousands of artists took a quarter of a report's time.
    minutes = [minute for of_process, _ in lines for minute in (*of_process, math.nan)]
    values = [value for _, of_process in lines for value in (*of_process, math.nan)]
    axes.plot(minutes, values, color=colour, marker=".", markersize=3.5, linewidth=1.1)
    highest = max(value for _, values in lines for value in values)
    axes.set_ylim(0, highest * 1.1 or 1.0)
