"""The sustained run of a cell: waiting for a device that is cool by an absolute gate, and the time left."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.analysis.run_estimate import seconds_sustained
from harness.devices.energy_sources import is_left_to_user
from harness.errors import UsageError
from harness.records import Cell, Clock, Conditions

# A run of minutes heats the whole device, which then takes minutes to cool.
LONGEST_COOLING_S = 900.0
# Idle phones of 20 to 25 °C rooms have cores of 30 to 40 °C; idle boards without a fan 45 to 55 °C, which
# throttle from 80 °C on. Above these a device is warm from what it did before.
PHONE_MAX_CELSIUS, OTHER_MAX_CELSIUS = 45.0, 60.0

# A cell without a sustained run, or energy, for this reason gets one when the run is resumed.
OUT_OF_TIME = "not begun, because it would end after --time-limit"

CountDown = Callable[[str, float], None]


@dataclass(frozen=True)
class SustainPlan:
    """How long, whether clocks are sampled beside it, and how cool the device must be at the beginning.

    `max_temp_celsius` and `max_cooling_seconds` are None where the user named none.
    """

    seconds: int
    sampler: bool
    max_temp_celsius: float | None = None
    max_cooling_seconds: float | None = None

    def gate_celsius(self, conditions: Conditions) -> float:
        """The highest temperature at which the run may begin."""
        if self.max_temp_celsius is not None:
            return self.max_temp_celsius
        has_battery = conditions.battery_celsius is not None or conditions.battery_percent is not None
        return PHONE_MAX_CELSIUS if has_battery else OTHER_MAX_CELSIUS

    @property
    def longest_cooling_s(self) -> float:
        """How long to wait for that at most."""
        return LONGEST_COOLING_S if self.max_cooling_seconds is None else self.max_cooling_seconds


def lacks_sustained(cell: Cell) -> bool:
    """Whether a sustained run is still to come where one is asked for."""
    return cell.sustained is None or cell.sustained.unavailable == OUT_OF_TIME


def lacks_energy(cell: Cell, *, by_command: bool) -> bool:
    """The same of its energy; also where the user can repair the meter, unplug the device, or the like."""
    energy = cell.energy
    if energy is None or energy.unavailable == OUT_OF_TIME:
        return True
    return energy.run is None and (by_command or is_left_to_user(energy.unavailable or ""))


def fits(seconds: float, clock: Clock, *, elapsed_s: float, max_minutes: float | None) -> bool:
    """Whether a process of these seconds of the device would end within the time limit."""
    limit_s = math.inf if max_minutes is None else 60 * max_minutes
    return elapsed_s + seconds_sustained(seconds, clock) <= limit_s


def refuse_beyond_limit(
    device: str, runs: int, seconds: int, clock: Clock, max_minutes: float | None
) -> None:
    """Refuse sustained runs that alone take longer on a device than the time limit.

    Raises:
        UsageError: not all of them could be begun.
    """
    needed_s = runs * seconds_sustained(seconds, clock)
    if max_minutes is not None and needed_s > 60 * max_minutes:
        raise UsageError(
            f"sustained runs of {shown(seconds)} for {runs} cells take {shown(needed_s)} on {device};"
            f" --time-limit is {shown(60 * max_minutes)}",
            hint="give a longer --time-limit, a shorter --sustain, or fewer variants",
        )


def shown(seconds: float) -> str:
    """`9:05`, `1:00:00`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def counting_down(
    count_down: CountDown, text: str, seconds: float, *, every_s: float = 1.0
) -> Iterator[None]:
    """Call `count_down` with the text and the seconds left, again and again while the block runs."""
    ended = threading.Event()
    end = time.monotonic() + seconds

    def tick() -> None:
        while not ended.is_set():
            left_s = max(0.0, end - time.monotonic())
            count_down(f"{text}, {shown(left_s)} of {shown(seconds)} left", left_s)
            ended.wait(every_s)

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
