"""Where the processes of a device lie on one axis of time: its uptime, with restarts laid end to end."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.records import Beginning, Cell, ProcessReport
from harness.records.energy import EnergyRun
from harness.records.sustained import SustainedRun

# In the place of a number.
PROFILE = -1


@dataclass(frozen=True)
class Beside:
    """A process beside the timed ones, whose beginning was recorded: a cold start, or that of a profile."""

    began: Beginning
    ns: float

    @property
    def started_at(self) -> str:
        """The time of day when it began."""
        return self.began.started_at


_Run = ProcessReport | SustainedRun | EnergyRun | Beside


@dataclass(frozen=True)
class Placed:
    """A process: the place of its cell, its number in the cell, and when it began; `known` by an uptime."""

    cell: Cell
    cell_at: int
    number: int
    process: ProcessReport
    start_us: float
    known: bool


@dataclass(frozen=True)
class Times:
    """All processes in the order of time, and those that ran for minutes with the place of their cell.

    `ends_us` are when the last process of each cell ended, 0 where it has none. `cold_us` are when the cold
    starts of each cell began, `profile_us` when the process of its profile did; without those whose beginning
    was not recorded.
    """

    processes: tuple[Placed, ...]
    sustained: tuple[tuple[int, SustainedRun, float], ...]
    energy: tuple[tuple[int, EnergyRun, float], ...]
    ends_us: tuple[float, ...]
    cold_us: tuple[tuple[float, ...], ...]
    profile_us: tuple[float | None, ...]


@dataclass
class _Axis:
    """Begins at 0. Where the uptime falls, the device restarted: its next boot lies after the one before."""

    end_us: float = 0.0
    shift_us: float | None = None
    last_us: float = 0.0

    def place(self, run: _Run) -> float:
        """When it began, which waited before; without an uptime, after the last."""
        uptime_seconds = _uptime_seconds(run)
        cooled_seconds = None if isinstance(run, Beside) else run.cooled_seconds
        earliest = self.end_us + 1e6 * (cooled_seconds or 0.0)
        if uptime_seconds is None:
            begin = earliest
        else:
            uptime_us = uptime_seconds * 1e6
            if self.shift_us is None or uptime_us < self.last_us:
                self.shift_us = earliest - uptime_us
            self.last_us, begin = uptime_us, uptime_us + self.shift_us
        self.end_us = max(self.end_us, begin + duration_ns(run) / 1e3)
        return begin


def place_processes(cells: Sequence[Cell]) -> Times:
    """The processes of one device's cells."""
    found: list[tuple[int, int, _Run]] = [
        (at, number, process)
        for at, cell in enumerate(cells)
        for number, process in enumerate(cell.processes)
    ]
    for at, cell in enumerate(cells):
        long = (cell.energy and cell.energy.run, cell.sustained and cell.sustained.run)
        found += [(at, len(cell.processes), run) for run in long if run]
        found += [(at, number, one) for number, one in _beside(cell)]
    axis, placed, sustained, energy, ends_us = _Axis(), [], [], [], [0.0] * len(cells)
    beside: dict[tuple[int, int], float] = {}
    for at, number, one in sorted(found, key=_order):
        begin = axis.place(one)
        if isinstance(one, SustainedRun):
            sustained.append((at, one, begin))
        elif isinstance(one, EnergyRun):
            energy.append((at, one, begin))
        elif isinstance(one, Beside):
            beside[at, number] = begin
        else:
            known = _uptime_seconds(one) is not None
            placed.append(Placed(cells[at], at, number, one, begin, known))
            ends_us[at] = begin + duration_ns(one) / 1e3
    return Times(
        tuple(placed),
        tuple(sustained),
        tuple(energy),
        tuple(ends_us),
        tuple(
            tuple(begin for (of, number), begin in sorted(beside.items()) if of == at and number != PROFILE)
            for at in range(len(cells))
        ),
        tuple(beside.get((at, PROFILE)) for at in range(len(cells))),
    )


def _beside(cell: Cell) -> Iterator[tuple[int, Beside]]:
    """Cold starts by their number, and the process of a profile, whose duration was not recorded."""
    for number, one in enumerate(cell.cold.processes if cell.cold else ()):
        if one.began:
            yield number, Beside(one.began, one.total_ns)
    if cell.profile and cell.profile.began:
        profiled_ns = sum(one.mean_ns for one in cell.profile.operators)
        yield PROFILE, Beside(cell.profile.began, profiled_ns)


def _order(found: tuple[int, int, _Run]) -> tuple[object, ...]:
    """By the time of day, and within a second, which no restart fits into, by the uptime."""
    at, number, run = found
    uptime = _uptime_seconds(run)
    return run.started_at, math.inf if uptime is None else uptime, at, number


def _uptime_seconds(run: _Run) -> float | None:
    if isinstance(run, SustainedRun):
        return run.began_uptime_seconds
    if isinstance(run, EnergyRun):
        return run.idle_before.began_uptime_seconds
    if isinstance(run, Beside):
        return run.began.uptime_seconds
    return run.conditions_before.uptime_seconds


def duration_ns(run: _Run) -> float:
    """From the begin to the end; of energy, of all three windows."""
    if isinstance(run, SustainedRun):
        return 1e9 * len(run.median_ns)
    if isinstance(run, EnergyRun):
        end = run.idle_after.began_uptime_seconds + run.idle_after.seconds
        return 1e9 * max(0.0, end - run.idle_before.began_uptime_seconds)
    return run.ns if isinstance(run, Beside) else run.reported_ns
