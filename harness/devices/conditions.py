"""The device's state that could distort a measurement, read by `probe.sh` just before and after it."""

from harness.devices.device import Device
from harness.devices.probe import PROBE_TIMEOUT_S, Probed, parse_probe
from harness.devices.thermal_zones import celsius_of, is_temperature
from harness.errors import CommandFailed
from harness.records import Conditions, FrequencyTime, Temperature
from harness.transports.verified import run_verified


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
        frequencies_khz=_numbers(probed, "frequencies_khz"),
        governors=tuple(probed.values["governors"].split(",")) if "governors" in probed.values else None,
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


def _numbers(probed: Probed, key: str) -> tuple[int, ...] | None:
    parts = probed.values.get(key, "").split(",")
    return tuple(map(int, parts)) if all(part.isdecimal() and len(part) < 16 for part in parts) else None


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
