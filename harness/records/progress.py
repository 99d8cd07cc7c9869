"""What a run reports to its listener while it runs."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.records import Cell


@dataclass(frozen=True)
class Event:
    """A message or a saved cell; `device` is empty for lowering, `step` counts processes out of `steps`.

    `left_s` is given where it is known how many seconds the process of the message still takes.
    """

    device: str
    text: str = ""
    cell: Cell | None = None
    step: int = 0
    steps: int = 0
    left_s: float | None = None


Listener = Callable[[Event], None]
# A line of text about what is done, for the user.
Log = Callable[[str], None]
