"""Measured grids as a small table, one line a cell: shape, precision, figures; and cells that have these
figures."""

import csv
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from builders import make_device
from harness.records import Cell, Interval, Variant
from synthetic import EMULATOR, simulate_cell

RECORDED = Path(__file__).with_name("recorded_grids.csv")
HOST = make_device(name="host", kind="host", transport="local", model="recorded", soc=None)
COLUMNS = (
    *("device", "width", "resolution_px", "precision", "status"),
    *("latency_ns", "low_ns", "high_ns", "instructions", "peak_rss_bytes", "file_bytes"),
)


def write_grids(cells: Iterable[Cell], file: Path, conditions: str) -> None:
    """Save the figures of measured cells below the conditions under which they were measured."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        opened.writelines(f"# {line}\n" for line in conditions.splitlines())
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_row(cell) for cell in cells if cell.failure is None)


def _row(cell: Cell) -> tuple[object, ...]:
    variant = cell.variant
    median = cell.latency.median_ns if cell.latency and not cell.device.emulated else None
    # An emulated cell is suspect for its times alone, and those are not saved.
    status = "valid" if cell.device.emulated and cell.verdict.status == "suspect" else cell.verdict.status
    return (
        *(cell.device.name, variant.width, variant.resolution_px, variant.precision, status),
        *((round(median.estimate), round(median.low), round(median.high)) if median else ("", "", "")),
        cell.instructions_per_inference or "",
        (cell.memory and cell.memory.peak_rss_bytes) or "",
        cell.artifact.size_bytes,
    )


def read_grids(file: Path = RECORDED) -> dict[str, tuple[Cell, ...]]:
    """Valid cells with the saved figures, by device."""
    with file.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(line for line in opened if not line.startswith("#")))
    grids: dict[str, tuple[Cell, ...]] = {}
    for row in rows:
        if row["status"] == "valid":
            grids[row["device"]] = (*grids.get(row["device"], ()), _cell(row))
    return grids


def _cell(row: dict[str, str]) -> Cell:
    device = replace(HOST if row["latency_ns"] else EMULATOR, name=row["device"])
    variant = Variant(
        width=float(row["width"]), resolution_px=int(row["resolution_px"]), precision=row["precision"]
    )
    cell = simulate_cell(device, variant, processes=1, samples=2)
    assert cell.latency is not None
    assert cell.memory is not None
    latency = cell.latency
    if row["latency_ns"]:
        median = Interval(
            estimate=float(row["latency_ns"]), low=float(row["low_ns"]), high=float(row["high_ns"])
        )
        latency = replace(latency, median_ns=median)
    peak = int(row["peak_rss_bytes"])
    instructions = int(row["instructions"]) if row["instructions"] else None
    processes = tuple(
        replace(one, peak_rss_bytes=peak, instructions_per_inference=instructions) for one in cell.processes
    )
    return replace(
        cell,
        processes=processes,
        latency=latency,
        instructions_per_inference=instructions,
        memory=replace(cell.memory, peak_rss_bytes=peak),
        artifact=replace(cell.artifact, size_bytes=int(row["file_bytes"])),
    )
