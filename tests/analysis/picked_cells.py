"""Cells to pick from, and the answer for their only device."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from harness import records
from harness.analysis.budget import Budget
from harness.analysis.candidates import Candidate
from harness.analysis.program_files import ProgramFiles
from harness.analysis.selection import Answer
from harness.analysis.selection import pick as pick_for_devices
from harness.analysis.selection_text import explain as explain_selection
from harness.records import Cell, Variant
from synthetic import PHONE, simulate_cell

MS = 1_000_000
MB = 1_000_000
PI = replace(PHONE, name="pi4", model="Raspberry Pi 4", boot_id="other")


def cell_of(
    width: float,
    resolution_px: int,
    *,
    ms: float = 10.0,
    worst_ms: float | None = None,
    peak_mb: float = 20.0,
    measured: float | None = None,
    precision: records.PrecisionName = "int8",
    device: records.DeviceInfo = PHONE,
    classes: int = 1000,
    threads: int = 1,
    cores: str | None = None,
) -> Cell:
    """A valid cell with just these figures; `measured` brings a checkpoint's weights with it."""
    variant = Variant(width=width, resolution_px=resolution_px, precision=precision, classes=classes)
    if measured is not None:
        variant = replace(variant, weights=records.Weights(source="trained.pt"))
    cell = simulate_cell(device, variant, processes=1, samples=2, threads=threads)
    assert cell.latency is not None
    assert cell.memory is not None
    median = records.Interval(estimate=ms * MS, low=ms * MS * 0.99, high=(worst_ms or ms * 1.01) * MS)
    peak = int(peak_mb * MB)
    return replace(
        cell,
        plan=replace(cell.plan, cpus=cores),
        latency=replace(cell.latency, median_ns=median),
        processes=tuple(replace(one, peak_rss_bytes=peak) for one in cell.processes),
        memory=replace(cell.memory, peak_rss_bytes=peak),
        accuracy=None if measured is None else accuracy(measured),
    )


def accuracy(top1: float, dataset: str = "Imagenette", images: int = 1000) -> records.Accuracy:
    return records.Accuracy(
        top1=records.Interval(estimate=top1, low=top1 - 0.02, high=top1 + 0.02),
        top5=records.Interval(estimate=0.9, low=0.88, high=0.92),
        images=images,
        dataset=dataset,
        split="validation",
        preprocessing="",
        measured_on="pixel",
        agreement_with_eager=None,
    )


def suspect(cell: Cell) -> Cell:
    reason = records.Reason(code="throttled", severity="suspect", affects="time", detail="the clock fell")
    return replace(cell, verdict=records.Verdict(status="suspect", reasons=(reason,)))


def name(candidate: Candidate | None) -> str:
    assert candidate is not None
    return candidate.cell.variant.name.removeprefix("mobilenet_v1_")


def pick(cells: Sequence[Cell], **limits: Any) -> Answer:
    """The answer for the only device."""
    (answer,) = pick_for_devices(cells, Budget(**limits)).answers
    return answer


def explain(
    cells: Sequence[Cell], files: ProgramFiles | None = None, *, all_rejected: bool = False, **limits: Any
) -> str:
    return explain_selection(pick_for_devices(cells, Budget(**limits)), files, all_rejected=all_rejected)
