"""How much each figure may grow before `harness compare` calls it worse."""

import math

from harness.errors import UsageError
from harness.records import Record

# One thread's counts repeat exactly under an emulator, and to a thousandth on a real core.
REAL_COUNT_MARGIN = 0.01
STARTUP_MARGIN = 0.1


class Margins(Record, frozen=True, kw_only=True):
    """Shares of the base's figure; `accuracy_pp` is in percentage points.

    Without `instructions`, one thread's exact counts may not rise at all. Without `startup` that is judged by
    `STARTUP_MARGIN`, and leaves nothing open: it is measured in every run, and a busy machine makes it vary
    far more than latency.
    """

    latency: float = 0.03
    instructions: float | None = None
    startup: float | None = None
    sustained: float = 0.1
    energy: float = 0.1
    memory: float = 0.05
    size: float = 0.01
    accuracy_pp: float = 1.0

    @property
    def of_startup(self) -> float:
        """The margin of start-up, given or not."""
        return STARTUP_MARGIN if self.startup is None else self.startup

    def check(self) -> None:
        """Raise `UsageError` where a margin is out of range."""
        for option, margin in (
            ("--margin", self.latency),
            ("--instructions-margin", self.instructions),
            ("--startup-margin", self.startup),
            ("--sustained-margin", self.sustained),
            ("--energy-margin", self.energy),
            ("--memory-margin", self.memory),
            ("--size-margin", self.size),
            ("--accuracy-margin", self.accuracy_pp / 100),
        ):
            if margin is not None and not (0 < margin <= 1 and math.isfinite(margin)):
                raise UsageError(
                    f"{option}: the margin must be above 0 % and at most 100 %, not {margin:.4g}",
                    hint="give the smallest increase that matters, such as --margin 3%",
                )
