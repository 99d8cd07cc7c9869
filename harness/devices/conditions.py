"""The device's state that could distort a measurement, read by `probe.sh` just before and after it."""

import re
from collections.abc import Callable
from typing import TypeVar

from harness.devices.device import Device
from harness.devices.probe import PROBE_TIMEOUT_S, Probed, parse_probe
from harness.devices.thermal_zones import celsius_of, is_temperature
from harness.errors import CommandFailed
from harness.records import Conditions, FrequencyTime, Temperature
from harness.transports.verified import run_verified

# As probe.sh marks a core without a value: one that is offline, or denied.
NO_VALUE = "_"

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
    decicelsius = probed.number("battery_decicelsius")
    conditions = Conditions(
        uptime_seconds=probed.decimal("uptime_seconds"),
        frequencies_khz=_per_core(probed, "frequencies_khz", _khz, unreadable),
        governors=_per_core(probed, "governors", _governor, unreadable),
        temperatures=_temperatures(probed, unreadable),
        load_average_1min=probed.decimal("load_average_1min"),
        memory_available_bytes=probed.kibibytes("memory_available_kib"),
        thermal_status=probed.number("thermal_status"),
        battery_percent=probed.number("battery_percent"),
        battery_celsius=None if decicelsius is None else decicelsius / 10,
        throttled_flags=probed.number("throttled_flags"),
        wakefulness=probed.values.get("wakefulness"),
        time_in_state=_time_in_state(probed),
        unreadable=unreadable,
    )
    for key, text in probed.values.items():
        if getattr(conditions, key, text) is None:
            unreadable[key] = f"not a value: {text[:40]!r}"
    return conditions


def _per_core(
    probed: Probed, key: str, parse: Callable[[str], Value | None], unreadable: dict[str, str]
) -> tuple[Value | None, ...] | None:
    """A value for each core, by its index; `_` is a core without one. None where no core has one."""
    values: list[Value | None] = []
    for core, text in enumerate(probed.values[key].split(",") if key in probed.values else ()):
        values.append(parse(text))
        if values[-1] is None and text != NO_VALUE:
            unreadable[f"{key}.cpu{core}"] = f"not a value: {text[:40]!r}"
    return tuple(values) if any(value is not None for value in values) else None


def _khz(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 16 else None


def _governor(text: str) -> str | None:
    return text if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,30}", text) else None


def _time_in_state(probed: Probed) -> tuple[FrequencyTime, ...] | None:
    """cpufreq's statistics (Documentation/cpu-freq/cpufreq-stats.rst): ticks are 10 ms on every kernel."""
    found = []
    for key in probed.values:
        kind, _, rest = key.partition(".")
        policy, _, khz = rest.partition(".")
        ticks = probed.number(key)
        if kind == "time_in_state" and khz.isdecimal() and len(khz) < 12 and ticks is not None:
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
