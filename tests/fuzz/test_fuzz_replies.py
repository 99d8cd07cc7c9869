"""What devices and adb reply, damaged: it is read or refused in the harness's own terms.

What is read can be saved. Lines that are only added take nothing away: the rest is still read to its value.
"""

import os
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from damaged_bytes import anywhere, change_bytes

from builders import make_plan
from harness.devices import device as device_module
from harness.devices.conditions import parse_conditions
from harness.devices.device import describe
from harness.devices.probe import PROBE_SCRIPT, parse_probe
from harness.devices.tuning import parse_settings
from harness.errors import HarnessError, ReportRejected, TransportError
from harness.measuring.passes import parse_meminfo
from harness.records import Conditions, DeviceInfo, SampledConditions, TunedSetting
from harness.runner.counters import Counted, parse_counts
from harness.runner.sampler import parse_samples
from harness.transports.adb import parse_devices
from harness.transports.local import LocalTransport

MAX_SECONDS = 10
FACTS = """machine=aarch64
kernel=5.10.157-android13
android_abis=arm64-v8a,armeabi-v7a
android_release=14
uid=2000
model=Google Pixel 6
soc=GS101
userland_bits=64
half_precision=yes
memory_total_kib=7810160
memory_limit.0=536870912
boot_id=5f2d2a8e-3d0b-4c1c-9c55-0a4a0d7b0001
perf_event_paranoid=-1
online=0-3,6
cpu0.midr=0x00000000410fd050
cpu0.max_frequency_khz=1803000
cpu1.midr=0x00000000410fd050
cpu1.capacity=250
cpu6.implementer=0x41
cpu6.part=0xd44
cpu6.max_frequency_khz=2802000
free_kib=71688600
folder_writable=yes
"""
CONDITIONS = """uptime_seconds=1234.56
load_average_1min=1.25
memory_available_kib=3500000
frequencies_khz=1803000,1803000,_,2802000
governors=sched_pixel,sched_pixel,_,performance
time_in_state.policy0.300000=5000000000
time_in_state.policy0.1803000=12
zone.0=41500 BIG
zone.1=853 tsens_tz_sensor5
zone.2=57 soc
!throttled_flags=no vcgencmd
hwmon.1.2=45100 scpi_sensors soc
thermal_status=2
thermal_hal.0={mValue=62.5, mType=0, mName=BIG, mStatus=2}
battery_percent=57
battery_decicelsius=314
battery_status=Discharging
battery_microamperes=-412000
battery_microvolts=3812000
wakefulness=Awake
"""
DEVICES = """List of devices attached
0A041FDD4003BW         device usb:1-2 product:redfin model:Pixel_5 device:redfin transport_id:1
emulator-5554          offline transport_id:2
192.168.1.7:5555       unauthorized transport_id:3
"""
SAMPLES = """cpus_allowed 0-3
core 0
core 6
zone 3 cpu-1-0
zone 4 tsens
left_out 3
sample 10.25 1800000,2802000 41000,853
sample 10.75 1800000,? 41500,_
sample 11.25 1700000,2802000 42000,855
"""
MEMINFO = """Applications Memory Usage (in Kilobytes):
** MEMINFO in pid 4242 [runner] **
        TOTAL    13370    10500     2048       12    17100        0        0        0
           TOTAL PSS:    13370            TOTAL RSS:    17100       TOTAL SWAP PSS:       12
"""
SETTINGS = """set.governor.policy0=schedutil performance
set.screen=off on
asked.fixed_performance=on
!set.governor.policy4=Permission denied
"""
COUNTS = "9123456\n57691178\n57691178\n57691178\n"
THERMAL = "IsStatusOverride: false\nThermal Status: 2\nCached temperatures:\n"
BATTERY = "Current state:\n  Capacity level: 3\n  level: 57\n  scale: 100\n  temperature: 314\n"
ODD_LINES = (
    *("", " ", "\x00", "\x1b[2J", "\ufffd\ufffd", "Welcome to this phone", "* daemon started successfully *"),
    *("=", "!=", "x", "= =", "zone.9=", "zone.9=99 vbat", "cpu7.midr=-1", "core", "sample", "sample 1 _ _"),
    *("warning: cannot open /dev/x: Permission denied", "a" * 5000, "9" * 400, "X what transport_id:4"),
)
NUMBERS = ("-1", "0", "1e300", "nan", "9" * 18, "9" * 40, "0x" + "f" * 16, "", "_")
PLAN = make_plan(threads=1, warmup_iterations=2, counted_iterations=3)


def damage(text: str, chance: random.Random) -> bytes:
    """Lines dropped, repeated, swapped, joined or with other numbers; then perhaps some bytes changed."""
    lines = text.split("\n")
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(lines))
        match chance.randrange(6):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, chance.choice(lines))
            case 2:
                lines.insert(at, chance.choice(ODD_LINES))
            case 3:
                lines[at] += chance.choice(("\r", "\t", " ", "=", ",", ",".join("9" * 400)))
            case 4:
                number = chance.choice(NUMBERS)
                start, mark, _ = lines[at].rpartition(chance.choice(("=", " ", ",")))
                lines[at] = start + mark + number
            case 5:
                lines[at] = lines[at][: chance.randrange(len(lines[at]) + 1)]
        if not lines:
            return b""
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    if content and chance.random() < 0.4:
        content = change_bytes(content, chance, anywhere(chance))
    return content


def saved(record: Any, kind: Any) -> None:
    """A record that was read can be written and read again."""
    assert msgspec.json.decode(msgspec.json.encode(record), type=kind) == record


def read_conditions(content: bytes) -> Conditions:
    conditions = parse_conditions(parse_probe(content.decode("utf-8", "replace")))
    saved(conditions, Conditions)
    return conditions


def read_samples(content: bytes) -> SampledConditions:
    sampled = parse_samples(content, 0.5)
    saved(sampled, SampledConditions)
    return sampled


def read_settings(content: bytes) -> tuple[TunedSetting, ...]:
    settings = parse_settings(parse_probe(content.decode("utf-8", "replace")))
    saved(settings, tuple[TunedSetting, ...])
    return settings


def read_counts(content: bytes) -> Counted:
    counts = parse_counts(content, PLAN)
    assert all(0 < count < 2**53 for count in (counts.init, *counts.inferences))
    return counts


def read_total(content: bytes) -> int | None:
    total = parse_meminfo(content)
    assert total is None or 0 < total < 2**53
    return total


READERS: dict[str, tuple[str, Callable[[bytes], object]]] = {
    "conditions": (CONDITIONS, read_conditions),
    "adb devices": (DEVICES, lambda content: parse_devices(content.decode("utf-8", "replace"))),
    "samples": (SAMPLES, read_samples),
    "meminfo": (MEMINFO, read_total),
    "settings": (SETTINGS, read_settings),
    "counts": (COUNTS, read_counts),
}


@pytest.mark.parametrize("name", READERS)
def test_damaged_replies_are_read_or_refused(name: str, fuzz_runs: int) -> None:
    text, read = READERS[name]
    for seed in range(fuzz_runs):
        chance = random.Random(f"{name} {seed}")
        start = time.monotonic()
        try:
            read(damage(text, chance))
        except (ReportRejected, TransportError):
            pass
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
        assert time.monotonic() - start < MAX_SECONDS, f"seed {seed}"


def test_damaged_facts_describe_a_device_or_are_refused(
    fuzz_runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = ""
    monkeypatch.setattr(device_module, "read_facts", lambda transport, folder: parse_probe(reply))
    for seed in range(fuzz_runs):
        reply = damage(FACTS, random.Random(f"facts {seed}")).decode("utf-8", "replace")
        try:
            info, free = describe(LocalTransport(), name="pixel", kind="android", folder="/data/local/tmp/x")
        except HarnessError:
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
        saved(info, DeviceInfo)
        assert free is None or 0 <= free <= 2**53


def with_odd_lines(text: str, chance: random.Random) -> bytes:
    """The reply with lines added that belong to none."""
    lines = text.split("\n")
    for _ in range(chance.randint(1, 4)):
        lines.insert(chance.randrange(len(lines)), chance.choice(ODD_LINES[:7]))
    return "\n".join(lines).encode()


def test_an_added_line_takes_no_good_one_with_it(fuzz_runs: int) -> None:
    conditions, devices = read_conditions(CONDITIONS.encode()), parse_devices(DEVICES)
    samples, settings = read_samples(SAMPLES.encode()), read_settings(SETTINGS.encode())
    for seed in range(fuzz_runs):
        chance = random.Random(f"added {seed}")
        assert read_conditions(with_odd_lines(CONDITIONS, chance)) == conditions, seed
        heading, listed = DEVICES.split("\n", 1)
        listing = f"{heading}\n" + with_odd_lines(listed, chance).decode()
        assert set(devices) <= set(parse_devices(listing)), seed
        assert read_samples(with_odd_lines(SAMPLES, chance)).samples == samples.samples, seed
        assert read_settings(with_odd_lines(SETTINGS, chance)) == settings, seed


def test_damaged_output_of_dumpsys_and_sysfs_leaves_the_probe(tmp_path: Path, fuzz_runs: int) -> None:
    """The real probe.sh: one run takes some 40 ms, so that it is tried a tenth as often."""
    zone = tmp_path / "sys/class/thermal/thermal_zone0"
    (tmp_path / "bin").mkdir()
    (tmp_path / "proc").mkdir()
    zone.mkdir(parents=True)
    (zone / "type").write_text("BIG\n")
    dumpsys = tmp_path / "bin/dumpsys"
    dumpsys.write_text(f'#!/bin/sh\ncat "{tmp_path}/$1" 2>/dev/null\n')
    dumpsys.chmod(0o755)
    (tmp_path / "proc/uptime").write_text("1234.56 99.00\n")
    environment = {**os.environ, "HARNESS_PROBE_ROOT": str(tmp_path)}
    for seed in range(-(-fuzz_runs // 10)):
        chance = random.Random(f"probe {seed}")
        (tmp_path / "thermalservice").write_bytes(damage(THERMAL, chance))
        (tmp_path / "battery").write_bytes(damage(BATTERY, chance))
        (zone / "temp").write_bytes(damage("41500\n", chance))
        answer = subprocess.run(
            ["sh", str(PROBE_SCRIPT), "conditions"], env=environment, capture_output=True, timeout=MAX_SECONDS
        )
        assert answer.returncode == 0, seed
        assert read_conditions(answer.stdout).uptime_seconds == 1234.56, seed
