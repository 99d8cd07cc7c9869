"""What to know before a chosen cell is shipped."""

from harness.analysis.known_accuracy import Basis
from harness.analysis.validity.environment_checks import reduced_clock
from harness.records import Cell
from harness.system.text import printable


def cautions(cell: Cell, basis: Basis) -> tuple[str, ...]:
    """Why the cell is suspect, a reduced clock, an accuracy that was not measured; no other information."""
    found = [
        ("suspect: " if one.severity == "suspect" else "") + printable(one.detail)
        for one in cell.verdict.reasons
        if one.severity == "suspect" or one.code == reduced_clock.code
    ]
    if cell.variant.weights.source == "random":
        found.append("the weights are random: train or load weights before you ship this variant")
    elif basis != "measured":
        found.append("measure its accuracy before you ship this variant: harness evaluate")
    if cell.device.clock == "emulated":
        found.append("its peak memory includes the emulator's own memory")
    return tuple(found)
