"""A run with one cell of each kind that exports treat apart."""

import json
from typing import Any

from msgspec.structs import replace

from builders import failed, make_cell, make_device, make_run, with_accuracy, with_verdict
from harness.records import Cell, Run, Variant
from reports.exports import encode
from synthetic import HOSTILE_MODEL

EMULATED = replace(
    make_cell(device=make_device(name="emulator", kind="emulator", clock="emulated")),
    instructions_per_inference=7_601_843,
)


def of_width(width: float, cell: Cell) -> Cell:
    """The cell as that of another variant; its weights stay."""
    variant = Variant(width=width, resolution_px=128, precision="fp32", weights=cell.variant.weights)
    return replace(cell, variant=variant)


VALID = with_accuracy(make_cell(), 0.70)
SUSPECT = with_verdict(of_width(0.25, make_cell()), "suspect", "throttled", "1800 to 600 MHz")
INVALID = with_verdict(of_width(0.75, make_cell()), "invalid", "parity_failed", "error 0.3 of 0.0001")
FAILED = failed(of_width(1.0, make_cell()))
HOSTILE = replace(
    VALID, device=make_device(name="\x1b[31m</testcase>\uffff", model=HOSTILE_MODEL, boot_id="h")
)
CELLS = (VALID, SUSPECT, INVALID, FAILED, EMULATED, HOSTILE)
NAME = "pi4-mobilenet_v1_0.5_128_fp32-t1"


def exported(format: str, *cells: Cell, **changes: Any) -> bytes:
    run: Run = replace(make_run(cells), **changes)
    return encode(format, run, cells)


def document(format: str, *cells: Cell) -> Any:
    return json.loads(exported(format, *cells))
