"""Recorded devices: file trees and programs that probe.sh reads in the place of a device's own."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from phones import read_phone

from harness.devices.conditions import parse_conditions
from harness.devices.emulator.debian import SCRIPTS
from harness.devices.probe import PROBE_SCRIPT, Probed, parse_probe
from harness.records import Conditions
from harness.system.processes import Completed
from harness.transports.base import LONGEST_ANSWER
from harness.transports.local import LocalTransport
from harness.transports.verified import verified_argv

SHELLS = (["dash"], ["bash", "--posix"], ["busybox", "sh"], ["mksh"])
TREES = Path(__file__).parents[1] / "data" / "probe_trees"
PHONES = SCRIPTS / "phones"
GETPROP = """#!/bin/sh
case $1 in
ro.build.version.release) echo 14 ;;
ro.product.cpu.abilist) echo arm64-v8a,armeabi-v7a,armeabi ;;
ro.product.manufacturer) echo Google ;;
ro.product.model) echo Pixel 6 ;;
ro.soc.model) echo GS101 ;;
esac
"""
# As Android 14 prints them, shortened.
DUMPSYS = """#!/bin/sh
case $1 in
thermalservice) printf 'IsStatusOverride: false\\nThermal Status: 2\\nCached temperatures:\\n' ;;
power) printf 'POWER MANAGER\\n  mDirty=0x0\\n  mWakefulness=Awake\\n  mWakefulnessChanging=false\\n' ;;
battery) printf 'Current state:\\n  Capacity level: 3\\n  level: 57\\n  scale: 100\\n  temperature: 314\\n' ;;
esac
"""


def write_tree(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        if name.endswith("/"):  # a folder in the place of a file cannot be read, not even by root
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        if name.startswith("bin/"):
            path.chmod(0o755)


def lay_tree(name: str, root: Path) -> Path:
    """Lay a tree of tests/data/probe_trees, or a phone that the ARM machine can be, under `root`.

    A line is a path, a tab, escaped content. `[0-3]` in a path makes four files. A path that ends in `/`
    exists and cannot be read.
    """
    table = TREES / f"{name}.tsv"
    write_tree(root, dict(read_phone(table if table.exists() else PHONES / f"{table.stem}.tsv")))
    return root


def probe(root: Path, what: str, shell: list[str]) -> Probed:
    answer = subprocess.run(
        [*shell, str(PROBE_SCRIPT), what, str(root)],
        env={**os.environ, "HARNESS_PROBE_ROOT": str(root)},
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert answer.stderr == ""
    return parse_probe(answer.stdout)


def write_pixel(root: Path) -> Path:
    """The tree of a Pixel 6: two big, two middle, four little cores; one readable thermal zone."""
    cores = {0: (0xD05, 1803000), 4: (0xD41, 2253000), 6: (0xD44, 2802000)}
    files = {
        "bin/getprop": GETPROP,
        "bin/dumpsys": DUMPSYS,
        "proc/meminfo": "MemTotal:        7810160 kB\nMemFree:  1 kB\nMemAvailable:    3500000 kB\n",
        "proc/uptime": "1234.56 99.00\n",
        "proc/loadavg": "1.25 0.50 0.20 1/900 4242\n",
        "proc/sys/kernel/random/boot_id": "5f2d2a8e-3d0b-4c1c-9c55-0a4a0d7b0001\n",
        "sys/devices/system/cpu/online": "0-7\n",
        "sys/class/thermal/thermal_zone0/type": "BIG\n",
        "sys/class/thermal/thermal_zone0/temp": "41500\n",
    }
    for index in range(8):
        part, khz = cores[max(first for first in cores if first <= index)]
        folder = f"sys/devices/system/cpu/cpu{index}"
        files[f"{folder}/regs/identification/midr_el1"] = f"0x{0x41000000 | part << 4:016x}\n"
        files[f"{folder}/cpufreq/cpuinfo_max_freq"] = f"{khz}\n"
        files[f"{folder}/cpufreq/scaling_cur_freq"] = f"{khz // 2}\n"
        files[f"{folder}/cpufreq/scaling_governor"] = "sched_pixel\n"
        if index in cores:
            policy = f"sys/devices/system/cpu/cpufreq/policy{index}"
            files[f"{policy}/stats/time_in_state"] = f"300000 5000000000\n{khz} 12\n"
    write_tree(root, files)
    return root


def arm_tree(parts: list[tuple[int, int]], governor: str) -> dict[str, str]:
    """The cores of a device: part number and maximum kHz of each."""
    files = {"sys/devices/system/cpu/online": f"0-{len(parts) - 1}\n"}
    for index, (part, khz) in enumerate(parts):
        folder = f"sys/devices/system/cpu/cpu{index}"
        files[f"{folder}/regs/identification/midr_el1"] = f"0x{0x41000000 | part << 4:016x}\n"
        files[f"{folder}/cpufreq/cpuinfo_max_freq"] = f"{khz}\n"
        files[f"{folder}/cpufreq/scaling_cur_freq"] = f"{khz}\n"
        files[f"{folder}/cpufreq/scaling_governor"] = f"{governor}\n"
    return files


class FixedAnswer(LocalTransport):
    """Answers every command with the same text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
        longest_bytes: int = LONGEST_ANSWER,
    ) -> Completed:
        return super().run(verified_argv(["printf", "%s", self.text]), timeout_s=timeout_s)


def conditions_of(root: Path, shell: list[str]) -> Conditions:
    """What the probe reads of the tree, as the harness understands it."""
    return parse_conditions(probe(root, "conditions", shell))


def dumpsys_program(**services: str) -> str:
    """A `dumpsys` that prints these texts."""
    cases = "".join(f"{name}) cat <<'END'\n{text}\nEND\n;;\n" for name, text in services.items())
    return f"#!/bin/sh\ncase $1 in\n{cases}esac\n"
