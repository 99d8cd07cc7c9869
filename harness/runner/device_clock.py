"""Where a device's uptime stands on this machine's clock: for what is measured here while a device works."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from harness.devices.device import Device
from harness.errors import MeasurementError, ReportRejected

ASKED_TIMES = 5
TIMEOUT_S = 15.0
# /proc/uptime has hundredths of a second.
RESOLUTION_S = 0.01
# An answer that took longer says too little; nor do two clocks drift by more while minutes pass.
MOST_UNCERTAIN_S = 0.5

_UPTIME = re.compile(r"([0-9]{1,10}\.[0-9]{1,6}) [0-9.]{1,20}")


@dataclass(frozen=True)
class ClockOffset:
    """At this `uptime_s` of the device, this machine's clock was `unix_s`, give or take `uncertain_s`."""

    uptime_s: float
    unix_s: float
    uncertain_s: float

    @property
    def offset_s(self) -> float:
        """What is added to an uptime."""
        return self.unix_s - self.uptime_s


def read_offset(device: Device, *, now: Callable[[], float] = time.time) -> ClockOffset:
    """Ask for the uptime some times; the quickest answer is the most certain (Cristian, 1989).

    Raises:
        TransportError: the device does not answer.
        ReportRejected: it answers with no uptime.
    """
    return min((_ask(device, now) for _ in range(ASKED_TIMES)), key=lambda found: found.uncertain_s)


def _ask(device: Device, now: Callable[[], float]) -> ClockOffset:
    asked = now()
    answer = device.transport.run(["cat", "/proc/uptime"], timeout_s=TIMEOUT_S)
    answered = now()
    match = _UPTIME.fullmatch(answer.text.strip())
    if match is None:
        raise ReportRejected("the device's uptime cannot be read", device=device.info.name)
    return ClockOffset(float(match[1]), (asked + answered) / 2, abs(answered - asked) / 2 + RESOLUTION_S)


def uptime_by_clock(before: ClockOffset, after: ClockOffset) -> Callable[[float], float]:
    """From this machine's seconds to the device's uptime, between and around two readings of both.

    Raises:
        MeasurementError: they were read too slowly, or a clock was set or stood still in between.
    """
    worst = max(before.uncertain_s, after.uncertain_s)
    if worst > MOST_UNCERTAIN_S:
        raise MeasurementError(
            f"the device's clock is known to {worst:.2g} s only: its answers take too long"
        )
    if abs(after.offset_s - before.offset_s) > MOST_UNCERTAIN_S:
        moved = after.offset_s - before.offset_s
        raise MeasurementError(f"this machine's clock and the device's moved apart by {moved:.3g} s")
    passed = after.unix_s - before.unix_s
    rate = (after.uptime_s - before.uptime_s) / passed if passed > 0 else 1.0
    return lambda unix_s: before.uptime_s + (unix_s - before.unix_s) * rate
