"""Which sensor of a device is chosen, and why none is."""

import pytest

from harness.devices.energy_sources import choose_sensors

RAILS = "rails /sys/bus/iio/devices/iio:device0/energy_value yes"
DENIED = "rails /sys/bus/iio/devices/iio:device0/energy_value denied"
INA = "hwmon /sys/class/hwmon/hwmon2/power1_input ina226 "
BATTERY = "battery /sys/class/power_supply/battery Discharging"
ALL = (RAILS, "pmic yes", INA, BATTERY)


@pytest.mark.parametrize(
    ("lines", "kind", "name"),
    [
        (ALL, "power_rails", "power rails of iio:device0"),
        ((DENIED, *ALL[1:]), "pmic", "vcgencmd pmic_read_adc"),
        (("pmic denied", *ALL[2:]), "hwmon", "ina226 power1"),
        ((BATTERY,), "battery", "gauge of battery"),
        ((INA + "VDD_IN", f"{INA}VDD_CPU".replace("power1", "power2")), "hwmon", "ina226 VDD_IN"),
        ((INA.replace("ina226", "ina238") + "VIN", INA + "VDD_CPU"), "hwmon", "ina238 VIN"),
        ((INA.replace("power1", "energy1"), INA), "hwmon", "ina226 power1"),
        ((INA.replace("power1", "energy1"),), "hwmon", "ina226 energy1"),
    ],
)
def test_the_most_trusted_sensor_that_can_be_read_is_chosen(
    lines: tuple[str, ...], kind: str, name: str
) -> None:
    found = choose_sensors(lines)
    assert found.source is not None
    assert (found.source.kind, found.source.name) == (kind, name)
    assert found.source.covers


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((), "the device has no sensor of power or energy"),
        (("hwmon /x/power1_input amdgpu PPT",), "the device has no sensor of power or energy"),
        (("rubbish", "rails relative yes"), "the device has no sensor of power or energy"),
        ((DENIED,), "its power rails may be read by root alone, and perfetto traces none"),
        (("pmic none",), "the device has no sensor of power or energy"),
        (
            ("pmic denied",),
            "vcgencmd cannot ask the firmware for its power chip: add the user to the group video",
        ),
        (
            ("battery /sys/class/power_supply denied",),
            "whether its battery has a gauge may be seen by root alone",
        ),
        (
            (INA, INA.replace("power1", "power2")),
            "which of its 2 power sensors include others is unknown: ina226 power1, ina226 power2",
        ),
        (
            (INA + "VDD_GPU_SOC", INA.replace("power1", "power3") + "VIN_SYS_5V0"),
            "which of its 2 power sensors include others is unknown: ina226 VDD_GPU_SOC, ina226 VIN_SYS_5V0",
        ),
        (("battery /x/BAT0 denied",), "the current of BAT0 may be read by root alone"),
        (
            ("battery /x/BAT0 Charging",),
            "BAT0 is charging, so that its current is not what the device takes; unplug it,"
            " and reach it by Wi-Fi",
        ),
        ((BATTERY, "battery /x/BAT1 Discharging"), "it has several batteries: battery, BAT1"),
        (
            (DENIED, "battery /x/BAT0 denied"),
            "its power rails may be read by root alone, and perfetto traces none; the current of BAT0 may be"
            " read by root alone",
        ),
    ],
)
def test_why_there_is_none_is_told(lines: tuple[str, ...], reason: str) -> None:
    found = choose_sensors(lines)
    assert found.source is None
    assert found.reason == reason
