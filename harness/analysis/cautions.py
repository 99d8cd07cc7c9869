"""What to know before a chosen cell is shipped."""

from collections.abc import Sequence

from harness.analysis.known_accuracy import Basis
from harness.analysis.quantizers import describe_quantizers
from harness.analysis.validity.environment_checks import reduced_clock
from harness.analysis.validity.result_checks import deadlines_missed
from harness.records import Cell
from harness.system.text import printable

_INFORMATION = (reduced_clock.code, deadlines_missed.code)


def cautions(cell: Cell, basis: Basis, considered: Sequence[Cell] = ()) -> tuple[str, ...]:
    """Why the cell is suspect, a reduced clock, missed deadlines, no cold start-up, an accuracy not measured.

    And whether it was chosen among the int8 of several quantizers, or the energies of several sensors, by
    `considered`. No other information.
    """
    found = [
        ("suspect: " if one.severity == "suspect" else "") + printable(one.detail)
        for one in cell.verdict.reasons
        if one.severity == "suspect" or one.code in _INFORMATION
    ]
    if cell.variant.weights.source == "random":
        found.append("the weights are random: train or load weights before you ship this variant")
    elif basis != "measured" and not cell.variant.is_own_program:
        found.append("measure its accuracy before you ship this variant: harness evaluate")
    if cell.cold and cell.cold.startup is None and not cell.device.emulated:
        why = printable(cell.cold.unavailable or "no process was shown to be cold")
        found.append(f"its start-up is with its files in memory, because no cold one is known: {why}")
    if cell.device.clock == "emulated":
        found.append("its peak memory includes the emulator's own memory")
    if basis != "measured" and (quantizers := describe_quantizers(considered)):
        found.append(f"{quantizers}; without measured accuracies these cannot be compared (--accuracy)")
    meters = tuple(dict.fromkeys(filter(None, map(meter_of, considered))))
    if meter_of(cell) and len(meters) > 1:
        found.append(f"the energies were read by sensors that cannot be compared: {'; '.join(meters)}")
    return tuple(found)


def meter_of(cell: Cell) -> str:
    """What the cell's energy was read by and covers; empty without one."""
    energy = cell.energy
    return printable(energy.run.source.measures) if energy and energy.figures and energy.run else ""
