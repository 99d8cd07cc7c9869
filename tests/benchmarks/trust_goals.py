"""What a part of bench_trust.py should find, and what it found."""

import math
from typing import NamedTuple


class Goal(NamedTuple):
    """A line of the table at the end."""

    what: str
    found: str
    wanted: str
    met: bool


def at_least(what: str, found: int, of: int, share: float = 1.0) -> Goal:
    """So many of so many were found; the share wanted is rounded up."""
    wanted = math.ceil(share * of - 1e-9)
    return Goal(what, f"{found} of {of}", f"at least {wanted}", found >= wanted)


def at_most(what: str, found: int, of: int, share: float = 0.0) -> Goal:
    """The same for what should not be found; the share allowed is rounded down."""
    allowed = math.floor(share * of + 1e-9)
    return Goal(what, f"{found} of {of}", f"at most {allowed}", found <= allowed)
