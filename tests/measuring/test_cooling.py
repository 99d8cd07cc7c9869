"""A device is waited for until it is cool: as at first, and not above a limit where one is given."""

from collections.abc import Iterator

import pytest

from harness.measuring.cooling import POLL_S, STANDSTILL_S, Cooling
from harness.records import Conditions, Temperature

LIMIT_S = 120.0


def conditions(*celsius: float, status: int | None = None) -> Conditions:
    zones = tuple(Temperature(zone=f"zone {index}", celsius=value) for index, value in enumerate(celsius))
    return Conditions(temperatures=zones or None, thermal_status=status)


def wait(
    start: Conditions,
    *readings: Conditions,
    limit_s: float = LIMIT_S,
    within_celsius: float = 3.0,
    max_celsius: float | None = None,
) -> tuple[float | None, int]:
    """Seconds waited, and how often the device was read; the last reading repeats."""
    left: Iterator[Conditions] = iter(readings)
    last = readings[-1] if readings else start
    reads: list[Conditions] = []
    pauses: list[float] = []

    def read() -> Conditions:
        reads.append(next(left, last))
        return reads[-1]

    cooled = Cooling(start, limit_s, within_celsius, max_celsius).wait(read, pauses.append)
    assert cooled is None or cooled.seconds == sum(pauses)
    assert cooled is None or cooled.conditions == (reads[-1] if reads else None)
    return (cooled.seconds if cooled else None), len(reads)


def test_a_device_that_is_as_cool_as_at_first_is_not_waited_for() -> None:
    assert wait(conditions(40, 35), conditions(42.9, 30)) == (0.0, 1)


def test_a_warm_device_is_waited_for_until_every_zone_is_back() -> None:
    readings = [conditions(50, 35), conditions(46, 39), conditions(42, 39), conditions(42, 37)]
    assert wait(conditions(40, 35), *readings) == (3 * POLL_S, 4)


def test_a_thermal_status_is_waited_for_without_any_readable_zone() -> None:
    assert wait(conditions(status=0), conditions(status=2), conditions(status=0)) == (POLL_S, 2)


def test_waiting_has_a_limit() -> None:
    waited, _ = wait(conditions(40), *(conditions(100 - degree) for degree in range(55)))
    assert waited is not None
    assert waited <= LIMIT_S
    assert wait(conditions(status=0), conditions(status=3))[0] == LIMIT_S


def test_a_device_that_no_longer_cools_is_taken_as_it_is() -> None:
    waited, _ = wait(conditions(40), conditions(50), conditions(47), conditions(46.8))
    assert waited == POLL_S + STANDSTILL_S


@pytest.mark.parametrize("now", [conditions(), Conditions(unreadable={"all": "permission denied"})])
def test_a_zone_that_vanishes_is_not_waited_for(now: Conditions) -> None:
    assert wait(conditions(40), now)[0] == 0.0


def test_zones_of_one_type_are_each_compared_with_themselves() -> None:
    def two(first: float, second: float) -> Conditions:
        zones = [Temperature(zone="tsens", index=i, celsius=c) for i, c in enumerate((first, second))]
        return Conditions(temperatures=tuple(zones))

    assert wait(two(60, 40), two(60, 50), two(60, 41)) == (POLL_S, 2)
    assert wait(two(40, 60), two(41, 61)) == (0.0, 1)


def test_a_battery_that_warms_up_does_not_hold_the_cores_up() -> None:
    def phone(cores: float, battery: float) -> Conditions:
        zones = (Temperature(zone="cpu-0-0-usr", celsius=cores), Temperature(zone="battery", celsius=battery))
        return Conditions(temperatures=zones)

    assert wait(phone(40, 25), phone(41, 38)) == (0.0, 1)
    assert wait(phone(40, 38), phone(50, 38), phone(41, 38)) == (POLL_S, 2)


def test_where_no_temperature_can_be_read_nothing_is_waited_for_or_read() -> None:
    assert wait(Conditions()) == (None, 0)


def test_the_limit_and_the_distance_can_be_set() -> None:
    assert wait(conditions(40), conditions(60), limit_s=0.0) == (0.0, 0)
    cooling = [conditions(50 - degree) for degree in range(10)]
    assert wait(conditions(40), *cooling, limit_s=6.0) == (6.0, 3)
    assert wait(conditions(40), *cooling, within_celsius=8.0) == (2 * POLL_S, 3)


def test_a_first_process_waits_until_the_device_is_below_an_absolute_limit() -> None:
    cooling = [conditions(41, 30), conditions(38, 30), conditions(35, 30)]
    assert wait(conditions(42, 30), *cooling, max_celsius=35.0) == (2 * POLL_S, 3)
    assert wait(conditions(42, 30), *cooling) == (0.0, 1)


def test_both_limits_hold() -> None:
    assert wait(conditions(30), conditions(36), conditions(34), conditions(33), max_celsius=35.0) == (4.0, 3)
    assert wait(conditions(40), conditions(36), conditions(34), max_celsius=35.0) == (POLL_S, 2)


def test_a_device_that_cools_slowly_is_waited_for_until_the_limit_of_time() -> None:
    """Near the temperature of the room: half a degree in a minute."""
    slowly = [conditions(36 - second / 120) for second in range(0, 200, 2)]
    assert wait(conditions(36), *slowly, max_celsius=35.5) == (60.0, 31)
    assert wait(conditions(36), *slowly, max_celsius=34.0) == (LIMIT_S, 60)


@pytest.mark.parametrize("battery", [34.9, 36.0])
def test_the_battery_stands_for_a_device_without_readable_zones(battery: float) -> None:
    readings = [Conditions(battery_celsius=battery), Conditions(battery_celsius=35.0)]
    start = Conditions(battery_celsius=40.0)
    assert wait(start, *readings, max_celsius=35.0) == ((0.0, 1) if battery < 35 else (POLL_S, 2))
    assert wait(start, *readings) == (None, 0)


def test_an_absolute_limit_is_not_waited_for_where_no_temperature_can_be_read() -> None:
    assert wait(Conditions(), max_celsius=35.0) == (None, 0)
    assert wait(conditions(40), conditions(), max_celsius=35.0) == (0.0, 1)
