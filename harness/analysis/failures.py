"""Which measured cells make a run fail, as errors."""

from collections.abc import Iterator, Sequence
from typing import Literal

from harness.analysis.parity import PLACES, mismatch_hint, reference_name
from harness.errors import HarnessError, MeasurementError
from harness.records import Cell, Failure
from harness.records.requests import EnergyBy

# The mildest verdict that makes a run fail.
FailOn = Literal["suspect", "invalid"]
# In the runner's message where it could load and initialize a program, but not execute it.
INFERENCE_FAILED = "the inference failed"

# What to do without an energy figure, by where it is read.
ENERGY_HINTS: dict[EnergyBy, str] = {
    "device": "harness doctor names a device's sensors",
    "command": "try the --power-command alone: it prints lines of <unix_ns> <watts> until it is ended",
}


def cell_errors(cells: Sequence[Cell], energy_by: EnergyBy = "device") -> Iterator[HarnessError]:
    """Cells without figures, whose output is wrong, or without the sustained run or energy asked for.

    `energy_by` is where the run read its energy, for the hint.
    """
    for cell in cells:
        subject = {"device": cell.device.name, "variant": cell.variant.name}
        if cell.failure:
            yield MeasurementError(cell.failure.what, hint=_failure_hint(cell, cell.failure), **subject)
            continue
        if cell.parity and not cell.parity.passed:
            stage = cell.parity.first_mismatch_at
            yield MeasurementError(
                f"output differs from {reference_name(cell.variant)}:"
                f" max abs error {cell.parity.max_abs_error:.3g}"
                f" > tolerance {cell.parity.tolerance:.3g}"
                + (f"; first mismatch: {PLACES[stage]}" if stage else ""),
                hint=mismatch_hint(cell.variant, stage),
                **subject,
            )
            continue
        if cell.sustained and cell.sustained.unavailable:
            hint = "the cell's other figures stay; cool and charge the device, then run it again"
            yield MeasurementError(
                f"no sustained figures: {cell.sustained.unavailable}", hint=hint, **subject
            )
        if cell.energy and cell.energy.unavailable:
            hint = f"the cell's other figures stay; {ENERGY_HINTS[energy_by]}"
            yield MeasurementError(f"no energy figure: {cell.energy.unavailable}", hint=hint, **subject)


def _failure_hint(cell: Cell, failure: Failure) -> str:
    """An own program whose kernel refused its inputs would refuse them again."""
    if cell.variant.is_own_program and INFERENCE_FAILED in failure.what:
        return (
            "one of the program's operators refused the values that it got: give others with --input, such as"
            " indices within the program's tables; or continue without this cell"
        )
    return "measure it again: harness run --resume DIR; or continue without this cell"


def verdict_errors(cells: Sequence[Cell], fail_on: FailOn | None) -> Iterator[HarnessError]:
    """One error for all cells whose verdict is at least as bad as `fail_on`."""
    refused = {"suspect": ("suspect", "invalid"), "invalid": ("invalid",), None: ()}[fail_on]
    names = [f"{cell.name} ({cell.verdict.status})" for cell in cells if cell.verdict.status in refused]
    if names:
        yield MeasurementError(
            f"--fail-on {fail_on}: {len(names)} of {len(cells)} cells: {', '.join(names)}",
            hint="the report gives the reasons of each verdict; harness doctor finds causes on a device",
        )
