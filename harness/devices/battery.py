"""What a device's battery reports, from Linux's power_supply or Android's `dumpsys battery`."""

from harness.devices.probe import Probed
from harness.devices.thermal_zones import HIGHEST_CELSIUS, LOWEST_CELSIUS
from harness.records.devices import BatteryStatus

# Linux's words (power_supply_sysfs.c) and Android's numbers (BatteryManager.BATTERY_STATUS_…); `Unknown` and
# 1 say nothing.
_STATUS: dict[str, BatteryStatus] = {
    **{"charging": "charging", "discharging": "discharging"},
    **{"not charging": "not charging", "full": "full"},
    **{"2": "charging", "3": "discharging", "4": "not charging", "5": "full"},
}
# Far beyond any phone, laptop or board.
_MOST_MICROAMPERES = 100_000_000
# By the kernel's documentation a battery's current is in µA; some drivers report mA. No device that is awake
# takes less than this.
LEAST_MICROAMPERES = 5_000
# Batteries have 1 V to 100 V, which tells the unit: Linux's is microvolts and Android's millivolts, but there
# are kernels with millivolts (nofearnohappy/kernel_6.0_hermes#8), and phones on MediaTek's chips with whole
# volts (dijia1124/PlusPlusBattery#5, home-assistant/android#4286).
_VOLT = 1_000_000
_MOST_VOLTS = 100


def battery_percent(probed: Probed) -> int | None:
    """A battery's level is of its scale, which is 100 nearly everywhere."""
    level, scale = probed.number("battery_percent"), probed.number("battery_scale")
    if level is None or scale == 0:
        return None
    percent = round(100 * level / (scale or 100))
    return percent if percent <= 100 else None


def battery_celsius(probed: Probed) -> float | None:
    """In whole tenths; devices without a sensor in the battery report 0 or the end of a table."""
    tenths = probed.decimal("battery_decicelsius")
    if not tenths or not tenths.is_integer():
        return None
    return tenths / 10 if LOWEST_CELSIUS < tenths / 10 < HIGHEST_CELSIUS else None


def battery_status(probed: Probed) -> BatteryStatus | None:
    """Whether the battery charges."""
    return _STATUS.get(probed.values.get("battery_status", "").strip().lower())


def battery_microamperes(probed: Probed) -> int | None:
    """The current into the battery, or out of it where it is negative; None where its unit is not clear."""
    current = probed.decimal("battery_microamperes")
    if current is None or not current.is_integer() or is_too_small(current):
        return None
    return int(current) if abs(current) <= _MOST_MICROAMPERES else None


def is_too_small(current: float) -> bool:
    """Whether a current is too small to be in µA for sure: it may be in mA, or that of a charged battery."""
    return current.is_integer() and 0 < abs(current) < LEAST_MICROAMPERES


def battery_microvolts(probed: Probed) -> int | None:
    """In microvolts, whatever the unit of the report."""
    voltage = probed.number("battery_millivolts")
    if voltage is None:
        voltage = probed.number("battery_microvolts")
    scaled = [(voltage or 0) * unit for unit in (1, 1000, _VOLT)]
    return next((one for one in scaled if _VOLT <= one < _MOST_VOLTS * _VOLT), None)
