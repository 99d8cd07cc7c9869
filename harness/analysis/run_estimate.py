"""How long the processes of a run will take: at the pace measured in the same run folder, else by a rule.

The rule is rough on purpose: most of a process is the time that the plan asks for, which is known exactly.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median

from harness.analysis.network_cost import macs_of
from harness.records import Cell, Clock, Plan, Variant

CellKey = tuple[str, int, str | None]
# Starting a process, reading conditions before and after it, and collecting its report.
START_SECONDS = 2.0
# Multiply-accumulates a second: the slow end of phones and boards at fp32; emulated as measured with QEMU's
# user mode on x86-64, 0.12e9 to 0.17e9 at fp32 and 0.75e9 to 1.25e9 at int8.
REAL_RATE, EMULATED_RATE, EMULATED_INT8_RATE = 4e9, 0.15e9, 0.8e9
# One variant in one worker process, where none of the same precision is in the cache.
LOWERING_SECONDS = 15.0
RULE = (
    f"{START_SECONDS:g} s for each process, and its iterations at {REAL_RATE / 1e9:g} GMAC/s; emulated"
    f" {EMULATED_RATE / 1e9:g}, int8 {EMULATED_INT8_RATE / 1e9:g}"
)
MEASURED = "the pace of the processes measured so far"


@dataclass(frozen=True)
class Pace:
    """Seconds from the start of one process to that of the next, by cell and over all cells of a device."""

    by_cell: Mapping[CellKey, float]
    overall: float | None

    def of(self, key: CellKey) -> float | None:
        """That of the cell where it has been measured, else that of the device; None without any."""
        return self.by_cell.get(key, self.overall)


def cell_key(cell: Cell) -> CellKey:
    """What tells the cells of one device and run apart."""
    return cell.variant.name, cell.plan.threads, cell.plan.cpus


def measured_pace(cells: Iterable[Cell]) -> Pace:
    """The pace of one device; medians, because a run may have been interrupted between two processes."""
    starts = sorted(
        (started, cell_key(cell))
        for cell in cells
        for process in cell.processes
        if (started := _seconds(process.started_at)) is not None
    )
    gaps: dict[CellKey, list[float]] = defaultdict(list)
    for (began, key), (next_began, _) in pairwise(starts):
        gaps[key].append(next_began - began)
    every = [gap for found in gaps.values() for gap in found]
    return Pace({key: median(found) for key, found in gaps.items()}, median(every) if every else None)


def seconds_by_rule(plan: Plan, clock: Clock, variant: Variant) -> float:
    """One process of this plan: start, warm-up, timed and counted iterations."""
    emulated = EMULATED_INT8_RATE if variant.precision == "int8" else EMULATED_RATE
    one = macs_of(variant) / (REAL_RATE if clock == "real" else emulated)
    # On other clocks the plan's seconds are the device's, which the harness does not wait for as such.
    least = plan.min_seconds if clock == "real" else 0.0
    timed = max(least, plan.min_iterations * one)
    if clock == "real":
        timed = min(timed, max(plan.max_seconds, plan.min_seconds))
    return START_SECONDS + (plan.warmup_iterations + plan.counted_iterations) * one + timed


def _seconds(started_at: str) -> float | None:
    try:
        return datetime.fromisoformat(started_at).timestamp()
    except (ValueError, OverflowError):
        return None
