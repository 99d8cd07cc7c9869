"""The device's state that could distort a measurement, read by `probe.sh` just before and after it."""

import re
from collections.abc import Callable
from typing import TypeVar

from harness.devices.device import Device
from harness.devices.probe import PROBE_TIMEOUT_S, Probed, parse_khz, parse_probe
from harness.devices.thermal_zones import HIGHEST_CELSIUS, LOWEST_CELSIUS, celsius_of, is_temperature
from harness.errors import CommandFailed
from harness.records import Conditions, FrequencyTime, Temperature
from harness.transports.verified import run_verified

# As probe.sh marks a core without a value: one that is offline, or denied.
NO_VALUE = "_"
# Where a reading has another name or unit than the fact in Conditions.
_FACT_OF = {"memory_available_kib": "memory_available_bytes", "battery_decicelsius": "battery_celsius"}
# THERMAL_STATUS_SHUTDOWN of Android's thermal HAL.
HIGHEST_THERMAL_STATUS = 6

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
    conditions = Conditions(
        uptime_seconds=_not_negative(probed.decimal("uptime_seconds")),
        frequencies_khz=_per_core(probed, "frequencies_khz", parse_khz, unreadable),
        governors=_per_core(probed, "governors", _governor, unreadable),
        temperatures=_temperatures(probed, unreadable),
        load_average_1min=_not_negative(probed.decimal("load_average_1min")),
        memory_available_bytes=probed.kibibytes("memory_available_kib"),
        thermal_status=None if status is None or status > HIGHEST_THERMAL_STATUS else status,
        battery_percent=_percent(probed),
        battery_celsius=_battery_celsius(probed),
        throttled_flags=probed.number("throttled_flags"),
        wakefulness=probed.values.get("wakefulness"),
        time_in_state=_time_in_state(probed),
        unreadable=unreadable,
    )
    for key, text in probed.values.items():
        if getattr(conditions, _FACT_OF.get(key, key), text) is None:
            unreadable[key] = f"not a value: {text[:40]!r}"
    if conditions.time_in_state is None:
        unreadable.setdefault("time_in_state", "not a value in any policy")
    if conditions.temperatures is None:
        unreadable.setdefault("temperatures", "no zone reports a temperature")
    return conditions


def _not_negative(number: float | None) -> float | None:
    return None if number is None or number < 0 else number


def _percent(probed: Probed) -> int | None:
    """A battery's level is of its scale, which is 100 nearly everywhere."""
    level, scale = probed.number("battery_percent"), probed.number("battery_scale")
    if level is None or scale == 0:
        return None
    percent = round(100 * level / (scale or 100))
    return percent if percent <= 100 else None


def _battery_celsius(probed: Probed) -> float | None:
    """In tenths; devices without a sensor in the battery report 0 or the end of a table."""
    tenths = probed.decimal("battery_decicelsius")
    return tenths / 10 if tenths and LOWEST_CELSIUS < tenths / 10 < HIGHEST_CELSIUS else None


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
    """The zones in the order of their indices; a figure that cannot be a temperature goes to `unreadable`."""
    found = []
    for key, text in probed.values.items():
        kind, _, index = key.partition(".")
        if kind != "zone" or not index.isdecimal() or len(index) > 4:
            continue
        number, _, name = text.partition(" ")
        celsius = celsius_of(number, name)
        if celsius is not None:
            found.append(Temperature(zone=name or key, index=int(index), celsius=celsius))
        elif is_temperature(name, number):
            unreadable[f"zone {index} ({name})"] = f"not a temperature: {number[:40]!r}"
    return tuple(sorted(found, key=lambda one: one.index or 0)) or None
