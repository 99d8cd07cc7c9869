"""Cells to compare, and the one cell of a comparison."""

from typing import Any

import msgspec

from builders import (
    STEADY_MEDIANS,
    make_artifact,
    make_cell,
    make_device,
    make_plan,
    make_process,
)
from harness.analysis.cell_comparison import ComparedCell
from harness.analysis.comparison import Comparison
from harness.records import Cell, Clock, Interval, Variant

replace = msgspec.structs.replace


def slower(factor: float) -> tuple[int, ...]:
    return tuple(int(factor * median) for median in STEADY_MEDIANS)


def counted(*counts: int | None, clock: Clock = "emulated", threads: int = 1, **changes: Any) -> Cell:
    processes = tuple(
        make_process(i, 40_000_000, instructions_per_inference=count, threads_used=threads)
        for i, count in enumerate(counts)
    )
    device = make_device(clock=clock, **changes)
    return make_cell(device=device, plan=make_plan(threads=threads), processes=processes)


def of_variant(width: float, medians: tuple[int, ...] = STEADY_MEDIANS, **changes: Any) -> Cell:
    variant = Variant(width=width, resolution_px=128, precision="fp32", **changes)
    return make_cell(medians, artifact=make_artifact(variant=variant))


def only(comparison: Comparison) -> ComparedCell:
    (cell,) = comparison.cells
    return cell


def ratio_of(comparison: Comparison) -> Interval:
    """The ratio of the time, or of the count where the clock is not real."""
    cell = only(comparison)
    figure = cell.figure("latency") or cell.figure("instructions")
    assert figure is not None
    assert figure.change is not None
    return figure.change


def heavier(factor: float, cell: Cell | None = None) -> Cell:
    cell = cell or make_cell()
    peaks = [int(factor * (one.peak_rss_bytes or 0)) for one in cell.processes]
    return make_cell(
        processes=tuple(
            replace(one, peak_rss_bytes=peak) for one, peak in zip(cell.processes, peaks, strict=True)
        )
    )
