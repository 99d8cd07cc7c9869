"""A limit that a cell missed as text: what kind of miss it is, and what would admit the cell."""

from harness.analysis.budget import PACED_P99, Miss
from harness.analysis.quantities import limit_text, plain, rounded_down
from harness.records.requests import LOWEST_RATE_HZ


def advice(miss: Miss) -> str:
    """What would admit the cell. What it does at another rate is known only once that was measured."""
    if miss.needed is None:
        return f"measure it, or leave out {miss.option}"
    if miss.quantity is PACED_P99:
        rate_hz = rounded_down(1e9 / miss.needed)
        if rate_hz < LOWEST_RATE_HZ:
            return f"no rate from {LOWEST_RATE_HZ:g}/s on is slow enough"
        return f"measure at a lower rate: harness run --rate {plain(rate_hz)}"
    value = option_value(miss)
    return f"relax {miss.option} to {value}" if value else f"leave out {miss.option}"


def option_value(miss: Miss) -> str:
    """The value of the limit's option that would admit the cell, rounded to its safe side; empty for none."""
    if not miss.needed:
        return ""
    if miss.quantity is None:
        tenths = int(miss.needed * 1000) / 10
        return f"{plain(tenths or rounded_down(100 * miss.needed))}%"
    unit, size = miss.quantity.unit, miss.quantity.unit_size
    return limit_text(miss.needed, unit, size, whole=miss.quantity.whole)


def kind_of_miss(miss: Miss) -> str:
    """A cell without the figure is not over its limit."""
    if miss.needed is None:
        return f"without a figure for the {miss.limit}"
    return f"over the {miss.limit} limit" if miss.quantity else "under the minimum accuracy"
