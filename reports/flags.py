"""Which of a verdict's reasons a plot or a table marks a cell for."""

from harness.records import Cell

# A count of instructions does not depend on them.
ABOUT_TIME = ("time", "uncertainty")


def is_doubtful(cell: Cell) -> bool:
    """Whether a plot marks the cell: a reason speaks against the figure that its device is judged by."""
    if cell.verdict.status != "suspect":
        return False
    return any(
        reason.severity == "suspect" and not (cell.device.emulated and reason.affects in ABOUT_TIME)
        for reason in cell.verdict.reasons
    )


def grave_codes(cell: Cell) -> tuple[str, ...]:
    """The codes of the reasons that made the verdict what it is, for a table that has no room for all."""
    return tuple(reason.code for reason in cell.verdict.reasons if reason.severity != "info")
