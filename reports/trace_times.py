"""Where the processes of a device lie on one axis of time: its uptime, with restarts laid end to end."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import Cell, ProcessReport
from harness.records.sustained import SustainedRun


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
    """All processes in the order of time, and the sustained runs with the place of their cell."""

    processes: tuple[Placed, ...]
    sustained: tuple[tuple[int, SustainedRun, float], ...]


@dataclass
class _Axis:
    """Begins at 0. Where the uptime falls, the device restarted: its next boot lies after the one before."""

    end_us: float = 0.0
    shift_us: float | None = None
    last_us: float = 0.0

    def place(self, uptime_seconds: float | None, ns: float, waited_seconds: float | None) -> float:
        """When something of this duration began, which waited before; without an uptime, after the last."""
        earliest = self.end_us + 1e6 * (waited_seconds or 0.0)
        if uptime_seconds is None:
            begin = earliest
        else:
            uptime_us = uptime_seconds * 1e6
            if self.shift_us is None or uptime_us < self.last_us:
                self.shift_us = earliest - uptime_us
            self.last_us, begin = uptime_us, uptime_us + self.shift_us
        self.end_us = max(self.end_us, begin + ns / 1e3)
        return begin


def place_processes(cells: Sequence[Cell]) -> Times:
    """The processes of one device's cells."""
    found: list[tuple[int, int, ProcessReport | SustainedRun]] = [
        (at, number, process)
        for at, cell in enumerate(cells)
        for number, process in enumerate(cell.processes)
    ]
    found += [
        (at, len(cell.processes), cell.sustained.run)
        for at, cell in enumerate(cells)
        if cell.sustained and cell.sustained.run
    ]
    axis, placed, sustained = _Axis(), [], []
    for at, number, one in sorted(found, key=lambda each: (each[2].started_at, *each[:2])):
        if isinstance(one, SustainedRun):
            ns = 1e9 * len(one.median_ns)
            sustained.append((at, one, axis.place(one.began_uptime_seconds, ns, one.cooled_seconds)))
        else:
            uptime = one.conditions_before.uptime_seconds
            begin = axis.place(uptime, one.reported_ns, one.cooled_seconds)
            placed.append(Placed(cells[at], at, number, one, begin, uptime is not None))
    return Times(tuple(placed), tuple(sustained))
