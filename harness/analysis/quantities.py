"""Figures as text in the units that budgets are given in."""


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


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
