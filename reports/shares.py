"""Time and memory of each cell by what takes them: bars that are cut into parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import get_args

from harness.records import Cell, Memory, OperatorKind
from harness.system.text import printable
from reports.bars import evenly
from reports.figures import full_name
from reports.numbers import significant
from reports.sections import Section

KINDS: tuple[OperatorKind, ...] = get_args(OperatorKind)
PHASES = ("process start", "load", "initialize", "run")
NOT_COVERED = "not covered"
# Below this share the operators do not explain the latency, and their shares would mislead.
LEAST_COVERED = 0.8
SHOWN_CELLS = 16


@dataclass(frozen=True)
class SharedBar:
    """One cell: start and width of each part in percent of the axis, in the order of the legend."""

    name: str
    parts: tuple[tuple[float, float], ...]
    text: str


@dataclass(frozen=True)
class Shares:
    """Bars with one legend, or `missing`, why there is none."""

    legend: tuple[str, ...]
    bars: tuple[SharedBar, ...]
    note: str = ""
    missing: str = ""


def share_time(section: Section) -> Shares:
    """Kinds of operators as shares of the measured latency, of instructions in virtual time."""
    cells = [cell for cell in _by_size(section) if cell.profile and cell.profile.operators and cell.latency]
    if section.device.clock == "emulated":
        return Shares((), (), missing="an emulator's times say nothing of where a core spends them")
    if not cells:
        reasons = {
            printable(c.profile.unavailable) for c in section.measured if c.profile and c.profile.unavailable
        }
        return Shares((), (), missing="; ".join(sorted(reasons)) or "no cell was profiled (--profile)")
    covered = [cell for cell in cells if coverage(cell) >= LEAST_COVERED]
    if not covered:
        best = max(map(coverage, cells))
        return Shares(
            (), (), missing=f"the profiled operators cover at most {best:.0%} of the measured latency"
        )
    left_out = len(cells) - len(covered)
    note = (
        f"{left_out} cells are left out: their operators cover under {LEAST_COVERED:.0%} of the latency."
        if left_out
        else ""
    )
    return Shares(
        (*KINDS, NOT_COVERED), tuple(map(_time_bar, evenly(covered, SHOWN_CELLS))), note + _how_many(covered)
    )


def coverage(cell: Cell) -> float:
    """The sum of the operators' times as a share of the latency; over 1 where profiling slowed them."""
    if cell.profile is None or cell.latency is None or not cell.latency.median_ns.estimate:
        return 0.0
    return sum(one.mean_ns for one in cell.profile.operators) / cell.latency.median_ns.estimate


def _time_bar(cell: Cell) -> SharedBar:
    operators = cell.profile.operators if cell.profile else ()
    latency_ns = cell.latency.median_ns.estimate if cell.latency else 0.0
    total = sum(one.mean_ns for one in operators)
    whole = max(total, latency_ns)
    sizes = [sum(one.mean_ns for one in operators if one.kind == kind) for kind in KINDS]
    sizes.append(whole - total)
    covered = f"{coverage(cell):.0%} covered"
    unit = "M instructions" if cell.device.emulated else "ms"
    return SharedBar(
        full_name(cell), _parts(sizes, whole), f"{significant(latency_ns / 1e6)} {unit}, {covered}"
    )


def share_memory(section: Section) -> Shares:
    """Peak memory by the phase that brought it; memory that was freed in between is not shown."""
    cells = [cell for cell in _by_size(section) if _levels(cell.memory)]
    if not cells:
        return Shares((), (), missing="no cell has memory figures")
    most = max(_levels(cell.memory)[-1] for cell in cells)
    bars = tuple(
        SharedBar(
            full_name(cell), _parts(_steps(cell.memory), most), f"{significant(_levels(cell.memory)[-1])} MB"
        )
        for cell in evenly(cells, SHOWN_CELLS)
    )
    emulator = "Includes the emulator's own memory." if section.device.clock == "emulated" else ""
    return Shares(PHASES, bars, emulator + _how_many(cells))


def _levels(memory: Memory | None) -> list[float]:
    """MB after each phase, at most the peak; empty where a figure could not be read."""
    levels = memory and (
        memory.rss_start_bytes,
        memory.rss_loaded_bytes,
        memory.rss_initialized_bytes,
        memory.peak_rss_bytes,
    )
    known = [level for level in levels or () if level is not None]
    return (
        [min(level, known[-1]) / 1e6 for level in accumulate(known, max)] if len(known) == len(PHASES) else []
    )


def _steps(memory: Memory | None) -> list[float]:
    levels = _levels(memory)
    return [high - low for low, high in zip([0.0, *levels], levels, strict=False)]


def _parts(sizes: Sequence[float], whole: float) -> tuple[tuple[float, float], ...]:
    starts = [0.0, *accumulate(sizes)]
    return tuple(
        (round(100 * start / whole, 3), round(100 * size / whole, 3)) if whole else (0.0, 0.0)
        for start, size in zip(starts, sizes, strict=False)
    )


def _by_size(section: Section) -> list[Cell]:
    return sorted(section.measured, key=lambda cell: (cell.artifact.macs or 0, cell.name))


def _how_many(cells: Sequence[Cell]) -> str:
    return (
        f" {SHOWN_CELLS} of {len(cells)} cells, evenly over their sizes." if len(cells) > SHOWN_CELLS else ""
    )
