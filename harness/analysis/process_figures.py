"""The figure of each process of a cell, without the processes that lack it."""

import numpy as np

from harness.records import Cell, ProcessReport, Startup
from harness.records.launches import later_launches


def latency_medians_ns(cell: Cell) -> list[float]:
    """The median of each process's latencies."""
    return [float(np.median(one.latencies_ns)) for one in cell.processes if one.latencies_ns]


def decisive_startup(cell: Cell) -> Startup | None:
    """The start-up that a budget limits: the cold one where it was measured."""
    return (cell.cold and cell.cold.startup) or cell.startup


def startups_ns(cell: Cell) -> list[float]:
    """Load, init and first inference of each process together: of the cold ones where there are some."""
    return cold_startups_ns(cell) or warm_startups_ns(cell)


def warm_startups_ns(cell: Cell) -> list[float]:
    """Load, init and first inference of each process that is timed, without those that pack a cache."""
    return [float(startup_ns(one)) for one in later_launches(cell.processes)]


def cold_startups_ns(cell: Cell) -> list[float]:
    """The same of the processes that were cold, where a figure is of them."""
    if not cell.cold or not cell.cold.startup:
        return []
    return [float(one.total_ns) for one in cell.cold.processes if one.is_cold]


def startup_ns(process: ProcessReport) -> int:
    """Load, init and first inference together."""
    return process.load_ns + process.init_ns + process.first_ns


def instruction_counts(cell: Cell) -> list[int]:
    """Instructions per inference; a process without a count, or with 0, could not count."""
    return [one.instructions_per_inference for one in cell.processes if one.instructions_per_inference]


def peaks_rss_bytes(cell: Cell) -> list[int]:
    """The peak RSS of each process."""
    return [one.peak_rss_bytes for one in cell.processes if one.peak_rss_bytes]
