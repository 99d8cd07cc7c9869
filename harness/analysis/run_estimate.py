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
from harness.analysis.placements import CellKey, cell_key
from harness.analysis.precisions import PRECISIONS
from harness.records import Cell, Clock, Plan, Variant

# Starting a process, reading conditions before and after it, and collecting its report. On a 2-core x86-64
# machine 0.1 s were measured for `host`, 0.3 s for `emulator` and 0.5 s for `arm-vm`; a phone's are assumed.
HOST_START_SECONDS, START_SECONDS = 0.5, 2.0
# Multiply-accumulates a second: an assumed slow end of phones and boards at fp32; emulated as measured with
# QEMU's user mode on x86-64, 0.12e9 to 0.17e9 at fp32 and 0.75e9 to 1.25e9 at int8.
REAL_RATE, EMULATED_RATE, EMULATED_INT8_RATE = 4e9, 0.15e9, 0.8e9
# What the user's own program computes is unknown: a network of the size of MobileNetV1 0.5/160 is assumed.
OWN_PROGRAM_MACS = 76_000_000
# One variant in one worker process, where none of the same precision is in the cache.
LOWERING_SECONDS = 15.0
# What a virtual second of a sustained run took on arm-vm, on a 2-core x86-64 machine beside other work.
VIRTUAL_SECOND = 6.0
RULE = (
    f"{HOST_START_SECONDS:g} s to start a process on this machine, {START_SECONDS:g} s elsewhere; iterations"
    f" at {REAL_RATE / 1e9:g} GMAC/s; emulated {EMULATED_RATE / 1e9:g}, int8 {EMULATED_INT8_RATE / 1e9:g}"
)
MEASURED = "the pace of the processes measured so far"


@dataclass(frozen=True)
class Spacing:
    """Seconds from the start of one process to that of the next, by cell and over all cells of a device."""

    by_cell: Mapping[CellKey, float]
    overall: float | None

    def of(self, key: CellKey) -> float | None:
        """That of the cell where it has been measured, else that of the device; None without any."""
        return self.by_cell.get(key, self.overall)


def measured_spacing(cells: Iterable[Cell]) -> Spacing:
    """That of one device; medians, because a run may have been interrupted between two processes."""
    starts = sorted(
        (started, cell_key(cell.variant, cell.plan))
        for cell in cells
        for process in cell.processes
        if (started := _seconds(process.started_at)) is not None
    )
    gaps: dict[CellKey, list[float]] = defaultdict(list)
    for (began, key), (next_began, _) in pairwise(starts):
        gaps[key].append(next_began - began)
    every = [gap for found in gaps.values() for gap in found]
    return Spacing({key: median(found) for key, found in gaps.items()}, median(every) if every else None)


def start_seconds(*, on_host: bool) -> float:
    """What a process takes beside its iterations."""
    return HOST_START_SECONDS if on_host else START_SECONDS


def seconds_by_rule(plan: Plan, clock: Clock, variant: Variant, *, on_host: bool) -> float:
    """One process of this plan: start, warm-up, timed and counted iterations, which wait for their slots."""
    known = PRECISIONS.get(variant.precision)
    emulated = EMULATED_INT8_RATE if known and known.recipe.arithmetic == "int8" else EMULATED_RATE
    macs = OWN_PROGRAM_MACS if variant.is_own_program else macs_of(variant)
    one = max(macs / (REAL_RATE if clock == "real" else emulated), (plan.period_ns or 0) / 1e9)
    # On other clocks the plan's seconds are the device's, which the harness does not wait for as such.
    least = plan.min_seconds if clock == "real" else 0.0
    timed = max(least, plan.min_iterations * one)
    if clock == "real":
        timed = min(timed, max(plan.max_seconds, plan.min_seconds))
    return start_seconds(on_host=on_host) + (plan.warmup_iterations + plan.counted_iterations) * one + timed


def seconds_sustained(seconds: float, clock: Clock) -> float:
    """How long this machine waits for a sustained run of these seconds of the device, once it began."""
    return seconds * (VIRTUAL_SECOND if clock == "virtual" else 1.0)


def _seconds(started_at: str) -> float | None:
    try:
        return datetime.fromisoformat(started_at).timestamp()
    except (ValueError, OverflowError):
        return None
