"""From the processes of one variant on one device to a cell."""

import statistics
from collections.abc import Callable, Sequence

import msgspec

from harness.analysis.held_clocks import held_clocks
from harness.analysis.parity import PLACES
from harness.analysis.summaries import summarize_latency, summarize_startup
from harness.analysis.validity.result_checks import parity_failed
from harness.analysis.validity.verdict import judge, judge_energy, judge_sustained
from harness.records import (
    Artifact,
    Cell,
    DeviceInfo,
    Energy,
    Failure,
    Memory,
    Parity,
    Plan,
    ProcessReport,
    Stage,
    Sustained,
)
from harness.records.launches import first_launches, later_launches
from harness.records.schedule import summarize_pace


def build_cell(
    device: DeviceInfo,
    artifact: Artifact,
    plan: Plan,
    processes: tuple[ProcessReport, ...],
    parity: Parity | None,
    failure: Failure | None = None,
) -> Cell:
    """Summarise what was measured so far; a cell that failed keeps its processes and has no summary."""
    measured = bool(processes) and failure is None
    latency = summarize_latency(processes, seed=plan.seed) if measured else None
    pace = summarize_pace(processes, plan.period_ns) if measured else None
    return Cell(
        variant=artifact.variant,
        artifact=artifact,
        device=device,
        plan=plan,
        processes=processes,
        latency=latency,
        instructions_per_inference=_instructions(processes) if measured else None,
        memory=_memory(artifact, processes) if measured else None,
        startup=summarize_startup(later_launches(processes)) if measured else None,
        first_launch=summarize_startup(first_launches(processes)) if measured else None,
        pace=pace,
        held_clocks=held_clocks(device, processes) if measured else (),
        parity=parity,
        failure=failure,
        verdict=judge(
            device=device,
            artifact=artifact,
            plan=plan,
            processes=processes,
            latency=latency,
            pace=pace,
            parity=parity,
            failure=failure,
        ),
    )


def add_sustained(cell: Cell, sustained: Sustained) -> Cell:
    """The cell with its sustained run and what that adds to the verdict."""
    found = msgspec.structs.replace(cell, sustained=sustained)
    return msgspec.structs.replace(found, verdict=judge_sustained(found))


def add_energy(cell: Cell, energy: Energy) -> Cell:
    """The cell with its energy and what that adds to the verdict."""
    found = msgspec.structs.replace(cell, energy=energy)
    return msgspec.structs.replace(found, verdict=judge_energy(found))


def worse_parity(first: Parity | None, second: Parity) -> Parity:
    """The one further from the reference: a cell has the parity of its worst process."""
    if first is None or (first.passed, -first.max_abs_error) > (second.passed, -second.max_abs_error):
        return second
    return first


def record_first_mismatch(cell: Cell, stage: Stage | None) -> Cell:
    """The cell with the first stage that differs in its parity and in the reason for its verdict."""
    if cell.parity is None or stage is None:
        return cell
    reasons = tuple(
        msgspec.structs.replace(reason, detail=f"{reason.detail}; first mismatch: {PLACES[stage]}")
        if reason.code == parity_failed.code
        else reason
        for reason in cell.verdict.reasons
    )
    return msgspec.structs.replace(
        cell,
        parity=msgspec.structs.replace(cell.parity, first_mismatch_at=stage),
        verdict=msgspec.structs.replace(cell.verdict, reasons=reasons),
    )


def _instructions(processes: Sequence[ProcessReport]) -> int | None:
    counts = [p.instructions_per_inference for p in processes if p.instructions_per_inference is not None]
    return statistics.median_low(counts) if counts else None


def _memory(artifact: Artifact, processes: Sequence[ProcessReport]) -> Memory:
    def median(figure: Callable[[ProcessReport], int | None]) -> int | None:
        known = [value for process in processes if (value := figure(process)) is not None]
        return statistics.median_low(known) if known else None

    return Memory(
        rss_start_bytes=median(lambda p: p.rss_start_bytes),
        rss_loaded_bytes=median(lambda p: p.rss_loaded_bytes),
        rss_initialized_bytes=median(lambda p: p.rss_initialized_bytes),
        peak_rss_bytes=median(lambda p: p.peak_rss_bytes),
        planned_arena_bytes=artifact.planned_arena_bytes,
        artifact_bytes=artifact.size_bytes,
    )
