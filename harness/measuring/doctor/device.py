"""Checks of an open device: free space, permissions, heat, power, hardware counters and other load."""

import re
import shlex
import time

from harness.analysis.held_clocks import FIXED_GOVERNORS
from harness.analysis.temperatures import hottest_zone, is_of_cores
from harness.analysis.validity.environment_checks import THROTTLED_NOW, THROTTLED_SINCE_BOOT
from harness.devices.conditions import parse_conditions
from harness.devices.device import Device, page_size_of
from harness.devices.device_kind import Check
from harness.devices.device_lock import find_holder
from harness.devices.energy_sources import NO_SENSOR, find_sensors
from harness.devices.kinds import KINDS
from harness.devices.probe import PROBE_SCRIPT, PROBE_TIMEOUT_S, Probed, parse_probe, read_facts
from harness.devices.sent_scripts import script_argv
from harness.devices.tuning import left_behind
from harness.measuring.doctor.diagnosis import Diagnosis
from harness.records import Conditions
from harness.system.text import ending
from harness.transports.verified import run_verified

COMMAND_TIMEOUT_S = 30
METER_FIX = "measure with a meter: harness run --energy --power-command COMMAND"
FREE_BYTES = 200 * 10**6
LOWEST_BATTERY_PERCENT = 20
# Phones throttle by their skin's temperature long before a core reaches this; a Pi's firmware at 80.
HOT_CELSIUS = 75.0
# Android's thermal status: 0 none, 1 light; from 2 on the system limits performance.
# https://source.android.com/docs/core/power/thermal-mitigation
THROTTLING_STATUS = 2
# Reading hardware counters without privileges is allowed up to this level of perf_event_paranoid.
PARANOID = 2
BUSY_SHARE = 0.10
BUSY_SECONDS = 2.0

# Writes and starts a script where the runner will be; exit code 126 means that it may not be executed.
_EXECUTE = """
shell=/bin/sh
[ -x "$shell" ] || shell=/system/bin/sh
mkdir -p "$1" && cd "$1" || exit 1
printf '#!%s\\nexit 0\\n' "$shell" > doctor.$$ && chmod 755 doctor.$$ && ./doctor.$$
code=$?
rm -f doctor.$$
exit $code
"""


def examine_device(device: Device) -> tuple[Diagnosis, ...]:
    """Run all checks, also those of the device's kind; nothing is left on the device."""
    facts = read_facts(device.transport, device.folder)
    conditions = _read_conditions(device)
    checks = (
        _holder(device),
        _settings(device),
        _clock(device),
        _folder(device),
        _space(device, facts),
        _page_size(facts),
        _temperature(device, conditions),
        _thermal_status(conditions),
        _throttled(conditions),
        _battery(conditions),
        _governor(device, conditions),
        _counters(device, facts),
        None if device.info.emulated else _energy(device),
        None if device.info.emulated else _load(device),
    )
    found = [check for check in checks if check]
    found += KINDS[device.info.kind].examine(device)
    return tuple(Diagnosis(device.info.name, *check) for check in found)


def examine_at_once(device: Device) -> tuple[Diagnosis, ...]:
    """What would distort times now, from one reading of the conditions: nothing is waited for."""
    conditions = _read_conditions(device)
    checks = (
        _temperature(device, conditions),
        _thermal_status(conditions),
        _throttled(conditions),
        _battery(conditions),
        _load_average(device, conditions),
    )
    return tuple(Diagnosis(device.info.name, *check) for check in checks if check and check[1] == "unfit")


def examine_energy(device: Device) -> Diagnosis | None:
    """Why `--energy` would have no figure; None where a sensor can be read."""
    found = find_sensors(device.transport, device.info.name)
    if found.source:
        return None
    detail = f"--energy has no figure here: {found.reason}"
    return Diagnosis(device.info.name, "energy", "advice", detail, METER_FIX)


def _energy(device: Device) -> Check:
    """Most devices have no sensor, which is no fault of theirs."""
    found = find_sensors(device.transport, device.info.name)
    if found.source:
        return ("energy", "ok", f"{found.source.name}: {found.source.covers}", "")
    if found.reason == NO_SENSOR:
        return ("energy", "ok", f"{NO_SENSOR}; harness run --energy needs --power-command", "")
    return ("energy", "advice", f"--energy has no figure here: {found.reason}", METER_FIX)


def _read_conditions(device: Device) -> Conditions:
    argv = script_argv(PROBE_SCRIPT, "conditions")
    answer = run_verified(device.transport, argv, timeout_s=PROBE_TIMEOUT_S).check(device.info.name)
    return parse_conditions(parse_probe(answer.text))


def _holder(device: Device) -> Check | None:
    holder = find_holder(device)
    if holder is None:
        return None
    return (
        "in use",
        "unfit",
        f"{holder} is measuring on this device",
        "wait for that run to end, or stop it",
    )


def _settings(device: Device) -> Check | None:
    """What `--tune-device` changed in a run that was killed."""
    left = left_behind(device)
    if not left:
        return None
    fix = f"the next `harness run` restores them, or harness devices --clean {shlex.quote(device.info.name)}"
    return ("settings", "advice", f"changed by a run that was killed: {', '.join(left)}", fix)


def _clock(device: Device) -> Check:
    if device.info.emulated:
        kind = device.info.clock
        detail = f"{kind}: its times do not predict phone latency; instructions and accuracy can be used"
        return ("clock", "advice", detail, "measure on the device you ship to as well")
    return ("clock", "ok", "real", "")


def _folder(device: Device) -> Check:
    answer = device.transport.run(
        ["sh", "-c", _EXECUTE, "doctor", device.folder], timeout_s=COMMAND_TIMEOUT_S
    )
    if answer.exit_code == 0:
        return ("folder", "ok", f"{device.folder} allows writing and execution", "")
    fix = 'set another folder = "…" in devices.toml, for example below /data/local/tmp'
    if answer.exit_code == 126:
        return ("folder", "unfit", f"{device.folder} does not allow execution (mounted noexec?)", fix)
    return ("folder", "unfit", f"{device.folder} cannot be used: {ending(answer.stderr)}", fix)


def _space(device: Device, facts: Probed) -> Check | None:
    free = facts.kibibytes("free_kib")
    if free is None:
        return None
    detail = f"{free / 1e6:.0f} MB free for {device.folder}"
    if free >= FREE_BYTES:
        return ("space", "ok", detail, "")
    clean = f"harness devices --clean {shlex.quote(device.info.name)}"
    return (
        "space",
        "unfit",
        detail,
        f"free space on the device, or remove what the harness pushed: {clean}",
    )


def _page_size(facts: Probed) -> Check:
    size = page_size_of(facts)
    if size is not None:
        return ("page size", "ok", f"{size // 1024} KiB", "")
    reason = facts.unreadable.get("page_size_kib", "the device reports no size that Linux has")
    return ("page size", "advice", f"unknown: {reason}", "")


def _temperature(device: Device, conditions: Conditions) -> Check | None:
    cores, sensors = hottest_zone(conditions), conditions.temperatures
    if cores is None or not sensors:
        reason = conditions.unreadable.get("temperatures")
        if not reason or device.info.emulated:
            return None
        return ("temperature", "advice", f"unknown: {reason}", "")
    where = "cores" if is_of_cores(cores) else "no zone of the cores; hottest other zone"
    detail = f"{where} at {cores.celsius:.1f} °C ({cores.zone})"
    hottest = max(sensors, key=lambda one: one.celsius)
    if hottest.celsius > cores.celsius:
        detail += f", hottest sensor {hottest.zone} at {hottest.celsius:.1f} °C"
    if cores.celsius < HOT_CELSIUS:
        return ("temperature", "ok", detail, "")
    return (
        "temperature",
        "unfit",
        detail,
        "let the device cool down: take it out of its case and the sun, or use a fan",
    )


def _thermal_status(conditions: Conditions) -> Check | None:
    status = conditions.thermal_status
    if status is None:
        return None
    if status >= THROTTLING_STATUS:
        detail = f"Android limits performance (thermal status {status})"
        return ("thermal status", "unfit", detail, "let the device cool down; charging also heats it")
    return ("thermal status", "ok", f"{status}", "")


def _throttled(conditions: Conditions) -> Check | None:
    flags = conditions.throttled_flags
    if flags is None:
        return None
    supply = "use the official power supply and a short cable; cool the board"
    if flags & THROTTLED_NOW:
        return ("throttling", "unfit", f"the firmware reports throttling now ({flags:#x})", supply)
    if flags & THROTTLED_SINCE_BOOT:
        return (
            "throttling",
            "advice",
            f"the firmware has throttled since the last boot ({flags:#x})",
            supply,
        )
    return ("throttling", "ok", "none since the last boot", "")


def _battery(conditions: Conditions) -> Check | None:
    percent = conditions.battery_percent
    if percent is None:
        return None
    if percent < LOWEST_BATTERY_PERCENT:
        detail = f"{percent} %: phones slow their cores at a low battery"
        return ("battery", "unfit", detail, "charge the device, then unplug it")
    status = f", {conditions.battery_status}" if conditions.battery_status else ""
    return ("battery", "ok", f"{percent} %{status}", "")


def _governor(device: Device, conditions: Conditions) -> Check | None:
    governors = sorted(set(filter(None, conditions.governors or ())))
    if not governors:
        return None
    detail = ", ".join(governors)
    if all(governor in FIXED_GOVERNORS for governor in governors):
        return ("governor", "ok", detail, "")
    fix = KINDS[device.info.kind].governor_fix
    return ("governor", "advice", f"{detail}: frequencies follow the load", fix)


def _counters(device: Device, facts: Probed) -> Check | None:
    level = facts.values.get("perf_event_paranoid")
    if device.counts_instructions or level is None or not re.fullmatch(r"-?[0-9]{1,9}", level):
        return None
    if int(level) <= PARANOID:
        return ("counters", "ok", f"permitted (perf_event_paranoid {level})", "")
    detail = f"instructions are not counted (perf_event_paranoid {level})"
    return ("counters", "advice", detail, KINDS[device.info.kind].counters_fix)


def _load_average(device: Device, conditions: Conditions) -> Check | None:
    """As the verdict's reason `busy` counts it; `_load` sees more, and takes seconds."""
    load, cores = conditions.load_average_1min, len(device.info.cores)
    if load is None or not cores or load <= cores:
        return None
    detail = f"the load average is {load:.1f} on {cores} cores"
    return ("load", "unfit", detail, "stop other programs; `top` on the device lists them")


def _load(device: Device) -> Check | None:
    """How busy other programs keep the cores, from two readings of /proc/stat."""
    before = _busy_and_all_ticks(device)
    time.sleep(BUSY_SECONDS)
    after = _busy_and_all_ticks(device)
    if before is None or after is None or after[1] <= before[1]:
        return None
    share = (after[0] - before[0]) / (after[1] - before[1])
    detail = f"other programs keep the cores {share:.0%} busy"
    if share <= BUSY_SHARE:
        return ("load", "ok", detail, "")
    return ("load", "unfit", detail, "stop these programs; `top` on the device lists them")


def _busy_and_all_ticks(device: Device) -> tuple[int, int] | None:
    """Clock ticks of all cores since boot (proc(5): user nice system idle iowait irq softirq steal)."""
    answer = device.transport.run(["cat", "/proc/stat"], timeout_s=COMMAND_TIMEOUT_S)
    words = answer.text.split("\n", 1)[0].split()[1:9]
    if len(words) < 5 or not all(word.isdecimal() and len(word) < 19 for word in words):
        return None
    ticks = [int(word) for word in words]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
