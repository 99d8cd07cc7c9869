"""Numbers as text: as many digits as the uncertainty justifies, with thousands separators."""

import math
from collections.abc import Iterable

MISSING = "–"  # noqa: RUF001 -- an en dash is what tables print for a missing figure


def significant(value: float, digits: int = 3) -> str:
    """The value with that many significant digits: `1,234`, `12.3`, `0.0456`."""
    if value == 0:
        return "0"
    return f"{value:,.{decimals_for(value, digits)}f}"


def decimals_for(value: float, digits: int) -> int:
    """Decimal places that show `digits` significant digits of a value other than 0, never negative."""
    return max(0, digits - 1 - math.floor(math.log10(abs(value))))


# A narrower interval is short enough to be called by its wider side, which never claims too much.
_NARROW = 0.10
_LOPSIDED = 1.5


def with_interval(estimate: float, low: float, high: float) -> str:
    """`20.040 ± 0.012`: the wider side to two digits, the estimate to the same decimal place.

    A wide interval whose sides differ, or that reaches zero, is shown as such: `2.6 (1.9–4.4)`. Without a
    spread the estimate has five significant digits.
    """  # noqa: RUF002
    # Differences of floats: 4.1 - 4.0 is 0.0999….
    narrower, wider = sorted(float(f"{side:.9g}") for side in (estimate - low, high - estimate))
    if wider <= 0:
        return significant(estimate, 5)
    reaches_zero = wider >= abs(estimate)
    if reaches_zero or (wider > _NARROW * abs(estimate) and wider > _LOPSIDED * narrower):
        return f"{significant(estimate, 2)} ({significant(max(low, 0), 2)}–{significant(high, 2)})"  # noqa: RUF001
    places = min(decimals_for(wider, 2), 6)
    return f"{estimate:,.{places}f} ± {wider:,.{places}f}"


def with_ends(estimate: float, low: float, high: float) -> str:
    """`4.78 (4.76–4.81)`; the estimate alone where the interval has no width. Asymmetric ends stay so."""  # noqa: RUF002
    widest = max(high - estimate, estimate - low)
    if widest <= 0:
        return significant(estimate, 5)
    places = min(decimals_for(widest, 2), 6)
    return f"{estimate:,.{places}f} ({low:,.{places}f}–{high:,.{places}f})"  # noqa: RUF001


def count_span(values: Iterable[int]) -> str:
    """`5`, or `90–300`."""  # noqa: RUF002
    ordered = sorted(values)
    low, high = f"{ordered[0]:,}", f"{ordered[-1]:,}"
    return low if low == high else f"{low}–{high}"  # noqa: RUF001


def span(values: Iterable[float], digits: int = 2) -> str:
    """`13–41`, or `13` when all round to the same."""  # noqa: RUF002
    ordered = sorted(values)
    low, high = significant(ordered[0], digits), significant(ordered[-1], digits)
    return low if low == high else f"{low}–{high}"  # noqa: RUF001
