"""The ranges of a request's numbers, by its fields: for options, `--resume` and Python programs."""

from dataclasses import dataclass

from harness.cli.units import (
    HOUR_S,
    LEAST_DIFFERENCE_CELSIUS,
    MAX_CELSIUS,
    MOST_DIFFERENCE_CELSIUS,
    YEAR_S,
)
from harness.records import RunRequest
from harness.records.schema import LARGEST_INTEGER
from harness.records.sustained import LONGEST_SUSTAIN_S, SHORTEST_SUSTAIN_S


@dataclass(frozen=True)
class Range:
    """Its ends belong to it, unless they are said to lie outside."""

    least: float
    most: float
    least_is_outside: bool = False
    most_is_outside: bool = False

    def holds(self, number: float) -> bool:
        """Whether the number lies in it; NaN does not."""
        above = self.least < number if self.least_is_outside else self.least <= number
        return above and (number < self.most if self.most_is_outside else number <= self.most)

    @property
    def text(self) -> str:
        """`from 1 to 1000`."""
        least, most = (f"{end:.16g}" for end in (self.least, self.most))
        if not self.least_is_outside:
            return f"from {least} to {most}"
        return f"above {least} and {'below' if self.most_is_outside else 'at most'} {most}"


# Durations in seconds but for `max_minutes`, temperatures in °C. The seed stays exact in JSON everywhere.
RANGES = {
    "processes": Range(1, 1000),
    "max_rounds": Range(1, 1000),
    "warmup_iterations": Range(0, 100_000),
    "min_iterations": Range(1, 1_000_000),
    "classes": Range(2, 100_000),
    "seed": Range(0, LARGEST_INTEGER),
    "min_seconds": Range(0, HOUR_S),
    "max_seconds": Range(0, HOUR_S, least_is_outside=True),
    "max_minutes": Range(0, YEAR_S / 60, least_is_outside=True),
    "target_precision": Range(0, 1, least_is_outside=True, most_is_outside=True),
    "sustain_seconds": Range(SHORTEST_SUSTAIN_S, LONGEST_SUSTAIN_S),
    "max_cooling_seconds": Range(0, HOUR_S),
    "cooled_within_celsius": Range(LEAST_DIFFERENCE_CELSIUS, MOST_DIFFERENCE_CELSIUS),
    "max_temp_celsius": Range(0, MAX_CELSIUS, least_is_outside=True),
}


def first_out_of_range(request: RunRequest) -> str | None:
    """`max_minutes is -1, which is not from 0 to 527040`; None where all lie in their ranges."""
    for name, allowed in RANGES.items():
        value = getattr(request, name)
        if value is not None and not allowed.holds(value):
            return f"{name} is {value:.16g}, which is not {allowed.text}"
    seed = request.weights.seed
    if seed is not None and not RANGES["seed"].holds(seed):
        return f"weights.seed is {seed}, which is not {RANGES['seed'].text}"
    return None
