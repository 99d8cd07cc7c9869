"""What one look at one thing says."""

from dataclasses import dataclass
from typing import Literal

# `advice`: measurements are possible, and better with it; `unfit`: they are spoiled or impossible.
Level = Literal["ok", "advice", "unfit"]


@dataclass(frozen=True)
class Diagnosis:
    """One line of the doctor's: `hint` is a command where there is one."""

    subject: str
    what: str
    level: Level
    detail: str
    hint: str = ""
