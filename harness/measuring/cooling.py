"""Waiting before a process until the device has cooled down to what it was, instead of a fixed time."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.records import Conditions

POLL_S = 2.0
# A device that no longer cools is as cool as the room allows: waiting on would change nothing.
STILL_COOLING_CELSIUS = 0.5
STANDSTILL_S = 20.0


@dataclass(frozen=True)
class Cooling:
    """How warm a device was at first; `wait` brings it back to within `within_celsius` of that."""

    start: Conditions
    limit_s: float
    within_celsius: float

    @property
    def possible(self) -> bool:
        """Whether the device tells anything about its temperature."""
        return self.start.temperatures is not None or self.start.thermal_status is not None

    def wait(self, read: Callable[[], Conditions], pause: Callable[[float], None]) -> float | None:
        """Pause until the device is cool, has stopped cooling, or the limit is reached.

        Returns the seconds waited; None where nothing about the temperature can be read.
        """
        if not self.possible:
            return None
        waited_s, improved_s, lowest = 0.0, 0.0, float("inf")
        while waited_s < self.limit_s:
            now = read()
            excess = self.excess_celsius(now)
            if excess <= self.within_celsius and not now.thermal_status:
                break
            if excess <= lowest - STILL_COOLING_CELSIUS:
                lowest, improved_s = excess, waited_s
            if not now.thermal_status and waited_s - improved_s >= STANDSTILL_S:
                break
            pause(POLL_S)
            waited_s += POLL_S
        return waited_s

    def excess_celsius(self, now: Conditions) -> float:
        """How much warmer the zone is that warmed most; a zone that vanished counts for nothing."""
        before = {zone.zone: zone.celsius for zone in self.start.temperatures or ()}
        warmer = [zone.celsius - before[zone.zone] for zone in now.temperatures or () if zone.zone in before]
        return max(warmer, default=0.0)
