"""The temperature that stands for a device: its cores', any zone's, or its battery's."""

from harness.analysis.temperatures import hottest_celsius
from harness.records import Conditions, Temperature


def conditions(battery: float | None = None, **zones: float) -> Conditions:
    temperatures = tuple(Temperature(zone=name, celsius=celsius) for name, celsius in zones.items())
    return Conditions(temperatures=temperatures or None, battery_celsius=battery)


def test_the_hottest_core_counts_and_no_charger_beside_it() -> None:
    assert hottest_celsius(conditions(31.0, cpu_0=40.0, cpu_1=42.0, charger=55.0)) == 42.0


def test_without_a_zone_named_after_cores_all_zones_count() -> None:
    assert hottest_celsius(conditions(60.0, tsens_tz_sensor0=40.0, tsens_tz_sensor1=43.0)) == 43.0


def test_the_battery_counts_where_no_zone_can_be_read() -> None:
    assert hottest_celsius(conditions(31.0)) == 31.0
    assert hottest_celsius(conditions()) is None
