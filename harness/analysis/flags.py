"""Which reasons of a verdict tables, plots and answers mark a cell for."""

from harness.records import Cell

# Reasons that affect these do not affect a count of instructions.
ABOUT_TIME = ("time", "uncertainty")


def is_flagged(cell: Cell) -> bool:
    """Whether a reader is warned: a reason affects the cell's cost, instructions on emulated devices."""
    if cell.verdict.status != "suspect":
        return False
    return any(
        reason.severity == "suspect" and not (cell.device.emulated and reason.affects in ABOUT_TIME)
        for reason in cell.verdict.reasons
    )


def deciding_codes(cell: Cell) -> tuple[str, ...]:
    """The codes of the reasons that decided the verdict, for a table without room for the others."""
    return tuple(reason.code for reason in cell.verdict.reasons if reason.severity != "info")
