"""Whether cells have the figures that a budget asks for."""

from collections.abc import Sequence

from harness.analysis.budget import ENERGY, Budget, limited, plateau_high_ns
from harness.analysis.candidates import pace_text
from harness.analysis.known_accuracy import known_accuracy
from harness.errors import UsageError
from harness.records import Cell
from harness.records.requests import exact_rate


def check_figures(cells: Sequence[Cell], budget: Budget) -> None:
    """Raise UsageError where no cell can be used, or none has a figure that the budget limits."""
    usable = [cell for cell in cells if cell.usable]
    if not usable:
        failed = sum(cell.failure is not None for cell in cells)
        counts = ((failed, "failed"), (len(cells) - failed, "invalid"))
        raise UsageError(
            f"no cell can be chosen: {', '.join(f'{count} {what}' for count, what in counts if count)}",
            hint="read the reasons in the report, then measure again: harness run --resume DIR",
        )
    measured = {cell.plan.rate_hz for cell in usable}
    if budget.rate_hz is not None and budget.rate_hz not in measured:
        listed = ", ".join(pace_text(rate) for rate in sorted(measured, key=lambda rate: rate or 0.0))
        rate = exact_rate(budget.rate_hz)
        raise UsageError(
            f"no cell was measured at {rate}/s; there are cells {listed}",
            hint=f"measure at that rate: harness run --rate {rate}",
        )
    if budget.sustained and all(plateau_high_ns(cell) is None for cell in usable):
        raise UsageError("no cell has a sustained figure", hint="run for minutes: harness run --sustain 10m")
    for quantity in limited(budget):
        if all(quantity.worst(cell) is None for cell in usable):
            raise UsageError(
                f"no cell has a figure for the {quantity.name} that {quantity.option} limits",
                hint="measure it: harness run --energy"
                if quantity is ENERGY
                else f"leave out {quantity.option}, or measure on a device that reports it",
            )
    if budget.min_accuracy is not None and not any(known_accuracy(cell) for cell in usable):
        raise UsageError(
            "no cell has an accuracy, neither measured nor published, that --min-accuracy could limit",
            hint="measure it with harness evaluate, or leave out --min-accuracy",
        )


def answerable(cells: Sequence[Cell], budget: Budget) -> Budget | None:
    """The budget, or None where `check_figures` refuses it."""
    try:
        check_figures(cells, budget)
    except UsageError:
        return None
    return budget
