"""Which of a verdict's reasons bear on what a report shows; codes as in `analysis/validity/verdict.py`."""

from harness.records import Cell

# They inform, and leave a cell valid.
INFORMATION = frozenset({"outliers", "conditions_unreadable"})
# They speak against a time; a count of instructions is none the worse for them.
ABOUT_TIME = INFORMATION | {
    "emulated",
    "too_few_processes",
    "interval_too_wide",
    "drifted",
    "bimodal",
    "throttled",
    "canary_drift",
    "memory_pressure",
    "busy",
}


def is_doubtful(cell: Cell) -> bool:
    """Whether a picture marks the cell: something speaks against the figure that its device is judged by."""
    if cell.verdict.status != "suspect":
        return False
    return not cell.device.emulated or any(reason.code not in ABOUT_TIME for reason in cell.verdict.reasons)


def grave_codes(cell: Cell) -> tuple[str, ...]:
    """The codes that made the verdict what it is, for a table that has no room for all."""
    return tuple(reason.code for reason in cell.verdict.reasons if reason.code not in INFORMATION)
