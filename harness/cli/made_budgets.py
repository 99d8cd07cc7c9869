"""A budget that a Python program made: refused where the command line would refuse its options."""

import math
from collections.abc import Callable, Sequence
from typing import TypeGuard

from harness.analysis.budget import Budget
from harness.cli import parsing, placement_parsing
from harness.cli.budget_options import refuse_paced_beside_sustained
from harness.cli.field_names import named_by_fields
from harness.cli.quantity_options import parse_confidence
from harness.errors import UsageError

_LIMITS = {
    "max_latency_ns": "nanoseconds, such as 20e6 for 20 ms",
    "max_p90_ns": "nanoseconds, such as 20e6 for 20 ms",
    "max_p99_ns": "nanoseconds, such as 20e6 for 20 ms",
    "max_startup_ns": "nanoseconds, such as 200e6 for 200 ms",
    "max_instructions": "a count, such as 60e6",
    "max_memory_bytes": "bytes, such as 40e6 for 40 MB",
    "max_size_bytes": "bytes, such as 5e6 for 5 MB",
    "max_energy_joules": "joules, such as 5e-3 for 5 mJ",
    "min_accuracy": "a fraction of one, such as 0.6 for 60 %",
    "rate_hz": "inferences a second, such as 30",
}


def check_budget(budget: object) -> Budget:
    """The budget, whose limits are finite numbers above 0 and whose lists have what the options take.

    Raises:
        UsageError: a field is no such value; it is named, with its unit.
    """
    if not isinstance(budget, Budget):
        raise UsageError(f"the budget is a {type(budget).__name__}", hint="make one: api.Budget(...)")
    for field, unit in _LIMITS.items():
        value = getattr(budget, field)
        if value is not None and not _is_limit(value):
            raise UsageError(f"{field} is {value!r}, not a number above 0", hint=f"{field} is {unit}")
    if budget.min_accuracy is not None and budget.min_accuracy > 1:
        raise UsageError(
            f"min_accuracy is {budget.min_accuracy:g}, which is more than 1",
            hint=f"it is {_LIMITS['min_accuracy']}",
        )
    if not isinstance(budget.sustained, bool):
        raise UsageError(f"sustained is {budget.sustained!r}", hint="it is True or False")
    if budget.cores is not None and not isinstance(budget.cores, str):
        raise UsageError(f"cores is {budget.cores!r}", hint="it is a text, such as 'big' or '4-7'")
    with named_by_fields({"--rate": "rate_hz"}):
        _check_lists(budget)
        placement_parsing.parse_cores(budget.cores)
        if budget.rate_hz is not None:
            placement_parsing.parse_rate(str(budget.rate_hz))
        refuse_paced_beside_sustained(budget)
    return budget


def _is_limit(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _check_lists(budget: Budget) -> None:
    lists: tuple[tuple[str, type, Sequence[object], Callable[[str], object]], ...] = (
        ("threads", int, budget.threads, placement_parsing.parse_threads),
        ("precisions", str, budget.precisions, parsing.parse_precisions),
    )
    for field, kind, values, parse in lists:
        if not isinstance(values, tuple | list) or not all(isinstance(value, kind) for value in values):
            raise UsageError(f"{field} is {values!r}", hint=f"it is a tuple of {kind.__name__}")
        if values:
            parse(",".join(map(str, values)))


def check_confidence(share: object) -> float:
    """A share of intervals as `--confidence` takes it; raises UsageError for anything else."""
    if not _is_limit(share):
        raise UsageError(
            f"confidence is {share!r}, not a number above 0", hint="it is a fraction of one: 0.9"
        )
    return parse_confidence(f"{100 * share:.12g}%")
