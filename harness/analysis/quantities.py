"""Figures as text in the units that budgets are given in, and the limits that admit them."""

import math
from decimal import Decimal


def milliseconds(nanoseconds: float) -> str:
    """`12.3 ms` of nanoseconds."""
    return f"{_short(nanoseconds / 1e6)} ms"


def megabytes(size_bytes: float) -> str:
    """`12.3 MB` of bytes."""
    return f"{_short(size_bytes / 1e6)} MB"


def millions(count: float) -> str:
    """`12.3 M` of a count."""
    return f"{_short(count / 1e6)} M"


def millijoules(joules: float) -> str:
    """`12.3 mJ` of joules."""
    return f"{_short(joules * 1e3)} mJ"


def limit_text(needed: float, unit: str, unit_size: float, *, whole: bool) -> str:
    """The smallest value of a limit's option with three digits that admits `needed`: `3.21ms`, `0.00018mJ`.

    `needed` is above 0 and in base units, of which a limit has a whole number where `whole`.
    """
    needed = math.ceil(needed) if whole else needed
    # Not multiplied by a power of ten, which most of them no float is.
    mantissa, exponent = f"{needed / unit_size:.2e}".split("e")
    digits, place = int(mantissa.replace(".", "")), int(exponent) - 2
    if float(f"{digits}e{place}") * unit_size < needed:
        digits += 1
    return f"{plain(Decimal(digits).scaleb(place))}{unit}"


def rounded_down(value: float) -> float:
    """To three significant digits, never above the value."""
    mantissa, exponent = f"{value:.2e}".split("e")
    digits, place = int(mantissa.replace(".", "")), int(exponent) - 2
    rounded = float(f"{digits}e{place}")
    return rounded if rounded <= value else float(f"{digits - 1}e{place}")


def plain(value: float | Decimal) -> str:
    """As few digits as stand for the value, without an exponent: no option takes one."""
    return f"{Decimal(str(value)).normalize():f}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else plain(float(f"{value:.4g}"))
