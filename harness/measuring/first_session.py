"""What later sessions of a run on a device must know of the first: a pool or a search has several."""

import time
from dataclasses import dataclass, field

from harness.measuring.cooling import Cooling


@dataclass
class FirstSession:
    """When it began, by the monotonic clock, and how cool the device was then; None until that is read.

    A time limit counts from there, and each process begins about as cool as the first.
    """

    started: float = field(default_factory=time.monotonic)
    cooling: Cooling | None = None
