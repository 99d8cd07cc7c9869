"""The sensors of Android's thermal HAL, as `dumpsys thermalservice` prints them."""

import re
from collections.abc import Iterable

from harness.devices.probe import Probed
from harness.devices.thermal_zones import HIGHEST_CELSIUS, LOWEST_CELSIUS
from harness.records import Temperature
from harness.records.devices import ThermalSensor
from harness.system.text import excerpt

# As android.os.Temperature.toString prints it; names may hold anything.
_SENSOR = re.compile(
    r"\{mValue=(?P<value>-?[0-9]{1,9}(\.[0-9]{1,12})?(E-?[0-9]{1,2})?|NaN|-?Infinity)"
    r", mType=(?P<type>-?[0-9]{1,3}), mName=(?P<name>.{0,200}), mStatus=(?P<status>[0-6])\}"
)
# android.hardware.thermal.TemperatureType. The battery's current limiter (BCL) reports mV, mA and percent.
_TYPES = {
    **{-1: "UNKNOWN", 0: "CPU", 1: "GPU", 2: "BATTERY", 3: "SKIN", 4: "USB_PORT", 5: "POWER_AMPLIFIER"},
    **{9: "NPU", 10: "TPU", 11: "DISPLAY", 12: "MODEM", 13: "SOC", 14: "WIFI", 15: "CAMERA"},
    **{16: "FLASHLIGHT", 17: "SPEAKER", 18: "AMBIENT", 19: "POGO"},
}
_NO_TEMPERATURES = (6, 7, 8)


def read_thermal_sensors(probed: Probed, unreadable: dict[str, str]) -> tuple[ThermalSensor, ...] | None:
    """The sensors in the HAL's order; a figure that cannot be a temperature goes to `unreadable`."""
    found = []
    for key, text in probed.values.items():
        if not key.startswith("thermal_hal."):
            continue
        match = _SENSOR.fullmatch(text)
        if match is None:
            unreadable[key] = f"not a sensor of the thermal HAL: {text[:80]!r}"
            continue
        number, name = int(match["type"]), excerpt(match["name"])
        if number in _NO_TEMPERATURES:
            continue
        kind = _TYPES.get(number, f"type {number}")
        celsius = float(match["value"].replace("Infinity", "inf"))
        if celsius and LOWEST_CELSIUS < celsius < HIGHEST_CELSIUS:
            status = int(match["status"])
            found.append(ThermalSensor(name=name, type=kind, celsius=celsius, status=status))
        else:
            unreadable[f"thermal sensor {name} ({kind})"] = f"not a temperature: {match['value']!r}"
    return tuple(found) or None


def as_temperatures(sensors: Iterable[ThermalSensor]) -> tuple[Temperature, ...] | None:
    """The sensors in the place of thermal zones, for devices that deny these."""
    found = (Temperature(zone=f"{one.name} ({one.type})", celsius=one.celsius) for one in sensors)
    return tuple(found) or None
