"""Waiting before a process until the device has cooled down, instead of for a fixed time."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.analysis.temperatures import hottest_celsius, zones_of_cores
from harness.records import Conditions, Temperature

POLL_S = 2.0
# A device that no longer cools is as cool as the room allows: it will not get back to where it was.
STILL_COOLING_CELSIUS = 0.5
STANDSTILL_S = 20.0


@dataclass(frozen=True)
class Cooled:
    """How long a device was waited for, and what was read last; None where nothing was read."""

    seconds: float
    conditions: Conditions | None


@dataclass(frozen=True)
class Cooling:
    """When a device is cool enough: within `within_celsius` of `start`, and not above `max_celsius`.

    `start` is what was read before the first process. No wait is longer than `limit_s`.
    """

    start: Conditions
    limit_s: float
    within_celsius: float
    max_celsius: float | None = None

    @property
    def possible(self) -> bool:
        """Whether anything about the device's temperature can be read."""
        if self.start.temperatures is not None or self.start.thermal_status is not None:
            return True
        return self.max_celsius is not None and self.start.battery_celsius is not None

    def wait(self, read: Callable[[], Conditions], pause: Callable[[float], None]) -> Cooled | None:
        """Pause until the device is cool, has stopped cooling, or the limit is reached.

        Above `max_celsius` a device that has stopped cooling is waited for, too: near the room's temperature
        phones cool by less than a degree a minute. Returns None where nothing can be read.
        """
        if not self.possible:
            return None
        waited_s, improved_s, lowest, now = 0.0, 0.0, float("inf"), None
        while waited_s < self.limit_s:
            now = read()
            excess, too_hot = self.excess_celsius(now), self.is_too_hot(now)
            if excess <= self.within_celsius and not now.thermal_status and not too_hot:
                break
            if excess <= lowest - STILL_COOLING_CELSIUS:
                lowest, improved_s = excess, waited_s
            if not now.thermal_status and not too_hot and waited_s - improved_s >= STANDSTILL_S:
                break
            pause(POLL_S)
            waited_s += POLL_S
        return Cooled(waited_s, now)

    def excess_celsius(self, now: Conditions) -> float:
        """The largest rise of a zone of the cores since the start; a zone that is gone is left out."""
        before = {_identity(zone): zone.celsius for zone in zones_of_cores(self.start.temperatures)}
        warmer = [
            zone.celsius - before[_identity(zone)]
            for zone in now.temperatures or ()
            if _identity(zone) in before
        ]
        return max(warmer, default=0.0)

    def is_too_hot(self, now: Conditions) -> bool:
        """Whether the device, as `hottest_celsius` has it, is above `max_celsius`."""
        hottest = hottest_celsius(now)
        return self.max_celsius is not None and hottest is not None and hottest > self.max_celsius


def _identity(zone: Temperature) -> tuple[int | None, str]:
    """Two zones may have one type, and after a reboot one index may be another zone."""
    return zone.index, zone.zone
