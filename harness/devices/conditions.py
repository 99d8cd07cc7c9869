"""The device's state that could distort a measurement, read by `probe.sh` just before and after it."""

import re
from collections.abc import Callable
from typing import TypeVar

from harness.devices.battery import (
    battery_celsius,
    battery_microamperes,
    battery_microvolts,
    battery_percent,
    battery_status,
    is_too_small,
)
from harness.devices.device import Device
from harness.devices.probe import PROBE_TIMEOUT_S, Probed, parse_khz, parse_probe
from harness.devices.thermal_hal import as_temperatures, read_thermal_sensors
from harness.devices.thermal_zones import celsius_of, find_families, is_temperature
from harness.errors import CommandFailed
from harness.records import Conditions, FrequencyTime, Temperature
from harness.transports.verified import run_verified

# As probe.sh marks a core without a value: one that is offline, or denied.
NO_VALUE = "_"
# Where a reading has another name or unit than the fact in Conditions.
_FACT_OF = {
    "memory_available_kib": "memory_available_bytes",
    "battery_decicelsius": "battery_celsius",
    "battery_microamperes": "battery_current_microamperes",
    "battery_millivolts": "battery_microvolts",
}
# What Linux says of a battery whose state it does not know.
_UNKNOWN_STATUS = "Unknown"
# THERMAL_STATUS_SHUTDOWN of Android's thermal HAL.
HIGHEST_THERMAL_STATUS = 6

_SENSOR_KEY = re.compile(r"(?P<kind>zone|hwmon)\.(?P<index>[0-9]{1,4})(\.[0-9]{1,4})?")

Value = TypeVar("Value")


def read_conditions(device: Device, probe_script: str) -> Conditions:
    """Read conditions with the device's own copy of `probe.sh`; a failing probe is recorded as unreadable."""
    try:
        argv = ["sh", probe_script, "conditions"]
        answer = run_verified(device.transport, argv, timeout_s=PROBE_TIMEOUT_S).check()
    except CommandFailed as error:
        return Conditions(unreadable={"all": error.what})
    return parse_conditions(parse_probe(answer.text))


def parse_conditions(probed: Probed) -> Conditions:
    """Turn the probe's lines into conditions; garbage counts as unreadable."""
    unreadable = dict(probed.unreadable)
    status = probed.number("thermal_status")
    sensors = read_thermal_sensors(probed, unreadable)
    conditions = Conditions(
        uptime_seconds=_not_negative(probed.decimal("uptime_seconds")),
        frequencies_khz=_per_core(probed, "frequencies_khz", parse_khz, unreadable),
        governors=_per_core(probed, "governors", _governor, unreadable),
        temperatures=_temperatures(probed, unreadable) or as_temperatures(sensors or ()),
        load_average_1min=_not_negative(probed.decimal("load_average_1min")),
        memory_available_bytes=probed.kibibytes("memory_available_kib"),
        thermal_status=None if status is None or status > HIGHEST_THERMAL_STATUS else status,
        battery_percent=battery_percent(probed),
        battery_celsius=battery_celsius(probed),
        battery_status=battery_status(probed),
        battery_current_microamperes=battery_microamperes(probed),
        battery_microvolts=battery_microvolts(probed),
        thermal_sensors=sensors,
        throttled_flags=probed.number("throttled_flags"),
        wakefulness=probed.values.get("wakefulness"),
        time_in_state=_time_in_state(probed),
        unreadable=unreadable,
    )
    for key, text in probed.values.items():
        if key == "battery_status" and text == _UNKNOWN_STATUS:
            unreadable[key] = "the battery does not report it"
        elif getattr(conditions, _FACT_OF.get(key, key), text) is None:
            unreadable[key] = f"{_what_it_is(key, probed)}: {text[:40]!r}"
    if conditions.time_in_state is None:
        unreadable.setdefault("time_in_state", "not a value in any policy")
    if conditions.temperatures is None:
        unreadable.setdefault("temperatures", "no zone reports a temperature")
    return conditions


def _what_it_is(key: str, probed: Probed) -> str:
    current = probed.decimal(key) if key == "battery_microamperes" else None
    return "not a value" if current is None or not is_too_small(current) else "not clearly in µA"


def _not_negative(number: float | None) -> float | None:
    return None if number is None or number < 0 else number


def _per_core(
    probed: Probed, key: str, parse: Callable[[str], Value | None], unreadable: dict[str, str]
) -> tuple[Value | None, ...] | None:
    """A value for each core, by its index; `_` is a core without one. None where no core has one."""
    texts = probed.values[key].split(",") if key in probed.values else []
    values = tuple(map(parse, texts))
    if all(value is None for value in values):
        return None
    for core, (text, value) in enumerate(zip(texts, values, strict=True)):
        if value is None and text != NO_VALUE:
            unreadable[f"{key}.cpu{core}"] = f"not a value: {text[:40]!r}"
    return values


def _governor(text: str) -> str | None:
    return text if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,30}", text) else None


def _time_in_state(probed: Probed) -> tuple[FrequencyTime, ...] | None:
    """cpufreq's statistics (Documentation/cpu-freq/cpufreq-stats.rst): ticks are 10 ms on every kernel."""
    found = []
    for key in probed.values:
        kind, _, rest = key.partition(".")
        policy, _, khz = rest.partition(".")
        ticks = probed.number(key)
        if kind == "time_in_state" and parse_khz(khz) and ticks is not None:
            found.append(FrequencyTime(policy=policy, khz=int(khz), ticks=ticks))
    return tuple(found) or None


def _temperatures(probed: Probed, unreadable: dict[str, str]) -> tuple[Temperature, ...] | None:
    """The zones in the order of their indices; a figure that cannot be a temperature goes to `unreadable`.

    Where there are no zones, or none of the cores, the chips of hwmon.
    """
    found = []
    readings = [text.partition(" ") for key, text in probed.values.items() if _SENSOR_KEY.fullmatch(key)]
    families = find_families((name, number) for number, _, name in readings)
    for key, text in probed.values.items():
        match = _SENSOR_KEY.fullmatch(key)
        if match is None:
            continue
        number, _, name = text.partition(" ")
        celsius = celsius_of(number, name, families)
        if celsius is not None:
            found.append(Temperature(zone=name or key, index=int(match["index"]), celsius=celsius))
        elif is_temperature(name, number):
            kind = match["kind"].replace("zone", "zone ")
            unreadable[f"{kind}{match['index']} ({name})"] = f"not a temperature: {number[:40]!r}"
    return tuple(sorted(found, key=lambda one: one.index or 0)) or None
