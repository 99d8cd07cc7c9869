"""What a run tells whoever watches it."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.records import Cell


@dataclass(frozen=True)
class Event:
    """Something worth showing: `device` is empty for the lowering; `cell` is one that just grew."""

    device: str
    text: str = ""
    cell: Cell | None = None
    step: int = 0
    steps: int = 0


Listener = Callable[[Event], None]
