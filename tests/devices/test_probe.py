"""probe.sh on recorded file trees and on this machine, and the strict reading of what it says."""

import os
import subprocess
from pathlib import Path

import pytest

from builders import STEADY_MEDIANS, make_cell, make_process, make_processes
from harness.devices.conditions import parse_conditions
from harness.devices.cores import (
    core_name,
    find_clusters,
    read_cores,
)
from harness.devices.device import describe
from harness.devices.probe import PROBE_SCRIPT, Probed, parse_probe
from harness.errors import DeviceUnfit
from harness.records import Conditions
from harness.system.cpu_list import format_cpu_list
from harness.system.processes import Completed
from harness.transports.local import LocalTransport
from harness.transports.verified import verified_argv

SHELLS = (["dash"], ["bash", "--posix"], ["busybox", "sh"])
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
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        if name.startswith("bin/"):
            path.chmod(0o755)


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


@pytest.fixture
def pixel(tmp_path: Path) -> Path:
    """A Pixel 6: two big, two middle, four little cores; one readable thermal zone."""
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
    write_tree(tmp_path, files)
    return tmp_path


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_phone_tells_what_it_is(pixel: Path, shell: list[str]) -> None:
    facts = probe(pixel, "facts", shell)
    assert facts.values["model"] == "Google Pixel 6"
    assert facts.values["soc"] == "GS101"
    assert facts.values["android_release"] == "14"
    assert facts.kibibytes("memory_total_kib") == 7810160 * 1024
    cores = read_cores(facts)
    assert [core.name for core in cores] == ["Cortex-A55"] * 4 + ["Cortex-A78"] * 2 + ["Cortex-X1"] * 2
    assert cores[7].max_frequency_khz == 2802000


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_phone_tells_its_conditions(pixel: Path, shell: list[str]) -> None:
    conditions = parse_conditions(probe(pixel, "conditions", shell))
    assert conditions.uptime_seconds == 1234.56
    assert conditions.load_average_1min == 1.25
    assert conditions.memory_available_bytes == 3500000 * 1024
    assert conditions.frequencies_khz == (901500,) * 4 + (1126500,) * 2 + (1401000,) * 2
    assert conditions.governors == ("sched_pixel",) * 8
    assert conditions.temperatures is not None
    assert [(t.zone, t.celsius) for t in conditions.temperatures] == [("BIG", 41.5)]
    assert conditions.thermal_status == 2
    assert conditions.battery_percent == 57
    assert conditions.battery_celsius == 31.4
    assert conditions.wakefulness == "Awake"
    assert conditions.throttled_flags is None
    assert conditions.time_in_state is not None
    assert [(one.policy, one.khz, one.ticks) for one in conditions.time_in_state][:3] == [
        ("policy0", 300000, 5000000000),
        ("policy0", 1803000, 12),
        ("policy4", 300000, 5000000000),
    ]
    assert conditions.unreadable == {}


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


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_snapdragon_that_denies_its_zones_and_statistics_is_read_as_far_as_it_goes(
    tmp_path: Path, shell: list[str]
) -> None:
    cores = [(0xD05, 1804800)] * 4 + [(0xD0D, 2419200)] * 3 + [(0xD0D, 2841600)]
    write_tree(tmp_path, {"bin/getprop": GETPROP, "bin/dumpsys": DUMPSYS, **arm_tree(cores, "schedutil")})
    # A folder in the place of a file cannot be read by root either, unlike one without permissions.
    for denied in (
        "class/thermal/thermal_zone0/temp",
        "devices/system/cpu/cpufreq/policy0/stats/time_in_state",
    ):
        (tmp_path / "sys" / denied).mkdir(parents=True)
    facts = probe(tmp_path, "facts", shell)
    clusters = find_clusters(read_cores(facts))
    assert {name: format_cpu_list(found) for name, found in clusters.items()} == {
        "little": "0-3",
        "big": "4-6",
        "prime": "7",
        "all": "0-7",
    }
    conditions = parse_conditions(probe(tmp_path, "conditions", shell))
    assert conditions.temperatures is None
    assert conditions.time_in_state is None
    assert conditions.thermal_status == 2
    assert conditions.governors == ("schedutil",) * 8
    assert {"temperatures", "time_in_state"} <= set(conditions.unreadable)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_raspberry_pi_5_tells_its_one_cluster_and_where_its_clock_was(
    tmp_path: Path, shell: list[str]
) -> None:
    stats = "sys/devices/system/cpu/cpufreq/policy0/stats/time_in_state"
    tree = {
        **arm_tree([(0xD0B, 2400000)] * 4, "ondemand"),
        "bin/vcgencmd": "#!/bin/sh\necho throttled=0x0\n",
        "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
        "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
        "sys/class/thermal/thermal_zone0/temp": "48850\n",
        stats: "1500000 9000\n2400000 400\n",
    }
    write_tree(tmp_path, tree)
    facts = probe(tmp_path, "facts", shell)
    assert facts.values["model"].startswith("Raspberry Pi 5 Model B")
    assert find_clusters(read_cores(facts)) == {"all": (0, 1, 2, 3)}
    before = parse_conditions(probe(tmp_path, "conditions", shell))
    assert (before.throttled_flags, before.thermal_status, before.battery_percent) == (0, None, None)
    write_tree(tmp_path, {stats: "1500000 9050\n2400000 550\n"})
    after = parse_conditions(probe(tmp_path, "conditions", shell))
    process = make_process(conditions_before=before, conditions_after=after)
    assert [(one.khz, one.ticks) for one in process.time_in_state] == [(1500000, 50), (2400000, 150)]


def test_a_server_of_equal_cores_without_cpufreq_tells_what_it_has(tmp_path: Path) -> None:
    tree = {name: text for name, text in arm_tree([(0xD0C, 0)] * 64, "none").items() if "cpufreq" not in name}
    write_tree(
        tmp_path, {**tree, "sys/class/dmi/id/product_name": "Altra\n", "proc/loadavg": "0.0 0 0 1/9 9\n"}
    )
    facts = probe(tmp_path, "facts", ["sh"])
    assert facts.values["model"] == "Altra"
    cores = read_cores(facts)
    assert {core.name for core in cores} == {"Neoverse-N1"}
    assert format_cpu_list(find_clusters(cores)["all"]) == "0-63"
    conditions = parse_conditions(probe(tmp_path, "conditions", ["sh"]))
    assert conditions.load_average_1min == 0.0
    assert {"frequencies_khz", "governors", "temperatures", "time_in_state"} <= set(conditions.unreadable)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("cpuinfo", "half_precision"),
    [
        ("processor\t: 0\nFeatures\t: fp asimd evtstrm aes crc32 atomics fphp asimdhp cpuid\n", True),
        ("processor\t: 0\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid\n", False),
        ("processor\t: 0\nflags\t\t: fpu sse4_2 fma avx f16c bmi1 avx2 bmi2\n", True),
        ("processor\t: 0\nflags\t\t: fpu sse4_2 avx f16c\n", False),
        ("processor\t: 0\nflags\t\t: fpu avx avx2\n", False),
        ("processor\t: 0\n", None),
    ],
    ids=["Cortex-A76", "Cortex-A72", "Haswell", "Ivy Bridge", "AVX2 alone", "unknown"],
)
def test_cores_tell_whether_they_compute_in_halves(
    tmp_path: Path, shell: list[str], cpuinfo: str, half_precision: bool | None
) -> None:
    write_tree(tmp_path, {"proc/cpuinfo": cpuinfo})
    facts = probe(tmp_path, "facts", shell)
    text = "".join(f"{key}={value}\n" for key, value in facts.values.items())
    info, _ = describe(Told(text), name="it", kind="x", folder="/x")  # type: ignore[arg-type]
    assert info.half_precision is half_precision
    assert ("half_precision" in facts.unreadable) == (half_precision is None)


def test_an_under_voltage_that_was_latched_before_is_told_from_one_that_is_new(tmp_path: Path) -> None:
    flags = tmp_path / "flags"
    write_tree(tmp_path, {"bin/vcgencmd": f"#!/bin/sh\ncat {flags}\n"})

    def read(text: str) -> Conditions:
        flags.write_text(f"throttled={text}\n")
        return parse_conditions(probe(tmp_path, "conditions", ["sh"]))

    latched, throttling = read("0x50000"), read("0x50005")
    for after, codes in ((latched, set()), (throttling, {"throttled"})):
        processes = make_processes(*STEADY_MEDIANS, conditions_before=latched, conditions_after=after)
        found = {reason.code for reason in make_cell(processes=processes).verdict.reasons}
        assert found & {"throttled"} == codes


def test_a_pi_whose_firmware_does_not_answer_is_unreadable_there(tmp_path: Path) -> None:
    write_tree(tmp_path, {"bin/vcgencmd": "#!/bin/sh\necho VCHI initialization failed\nexit 255\n"})
    conditions = parse_conditions(probe(tmp_path, "conditions", ["sh"]))
    assert conditions.throttled_flags is None
    assert "throttled_flags" in conditions.unreadable


def test_a_raspberry_pi_tells_its_throttling(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "bin/vcgencmd": "#!/bin/sh\necho throttled=0x50005\n",
            "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
            "sys/class/thermal/thermal_zone0/temp": "61831\n",
        },
    )
    conditions = parse_conditions(probe(tmp_path, "conditions", ["sh"]))
    assert conditions.throttled_flags == 0x50005
    assert conditions.temperatures is not None
    assert conditions.temperatures[0].celsius == 61.831
    assert probe(tmp_path, "facts", ["sh"]).values["model"].startswith("Raspberry Pi 4 Model B")


def test_what_cannot_be_read_is_none_with_its_reason(tmp_path: Path) -> None:
    conditions = parse_conditions(probe(tmp_path, "conditions", ["sh"]))
    assert conditions.frequencies_khz is None
    assert conditions.temperatures is None
    assert set(conditions.unreadable) >= {
        "uptime_seconds",
        "load_average_1min",
        "memory_available_kib",
        "temperatures",
    }


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_an_empty_dumpsys_is_unreadable_and_the_rest_goes_on(pixel: Path, shell: list[str]) -> None:
    write_tree(pixel, {"bin/dumpsys": "#!/bin/sh\n"})
    conditions = parse_conditions(probe(pixel, "conditions", shell))
    assert (conditions.thermal_status, conditions.battery_percent, conditions.wakefulness) == (None,) * 3
    assert set(conditions.unreadable) == {
        "thermal_status",
        "battery_percent",
        "battery_decicelsius",
        "wakefulness",
    }
    assert conditions.load_average_1min == 1.25


def test_garbage_in_a_file_counts_as_unreadable(pixel: Path) -> None:
    folder = "sys/devices/system/cpu/cpu3/cpufreq"
    write_tree(
        pixel,
        {
            f"{folder}/scaling_cur_freq": "<unknown>\n",
            "proc/loadavg": "many\n",
            "sys/class/thermal/thermal_zone0/temp": "-274000\n",
        },
    )
    conditions = parse_conditions(probe(pixel, "conditions", ["sh"]))
    assert conditions.frequencies_khz is None
    assert conditions.load_average_1min is None
    assert conditions.temperatures is None
    assert "not a value" in conditions.unreadable["frequencies_khz"]
    assert "not a value" in conditions.unreadable["load_average_1min"]


def test_hostile_lines_are_ignored_or_made_harmless() -> None:
    probed = parse_probe(
        "model=\x1b[2Jevil\x07\nrm -rf /\n=x\nA=b\nkernel=" + "9" * 10_000 + "\n!soc=\x1b]0;x\n"
    )
    assert "\x1b" not in probed.values["model"]
    assert set(probed.values) == {"model", "kernel"}
    assert len(probed.values["kernel"]) == 500
    assert probed.number("kernel") is None


def test_this_machine_describes_itself(tmp_path: Path) -> None:
    info, free_bytes = describe(
        LocalTransport(), name="host", kind="host", folder=str(tmp_path / "new" / "x")
    )
    assert info.cores
    assert info.memory_total_bytes is not None
    assert info.memory_total_bytes > 2**28
    assert free_bytes is not None
    assert free_bytes > 2**20


class Told:
    """A transport that answers every command with the same text."""

    name = "fake"

    def __init__(self, text: str) -> None:
        self.text = text

    def run(self, argv: object, *, timeout_s: float, stdin: bytes = b"") -> Completed:
        return LocalTransport().run(verified_argv(["printf", "%s", self.text]), timeout_s=timeout_s)

    push = pull = close = None


@pytest.mark.parametrize(
    "text",
    [
        "machine=armv7l\n",
        "machine=aarch64\nuserland_bits=32\n",
        "machine=aarch64\nandroid_abis=armeabi-v7a,armeabi\n",
        "machine=riscv64\n",
        "",
    ],
)
def test_a_device_without_a_bundle_is_refused(text: str) -> None:
    with pytest.raises(DeviceUnfit, match="no runner for this device"):
        describe(Told(text), name="old", kind="android", folder="/data/local/tmp")  # type: ignore[arg-type]


def test_a_folder_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(DeviceUnfit, match="cannot be written"):
        describe(Told("machine=aarch64\nfolder_writable=no\n"), name="pi", kind="x", folder="/x")  # type: ignore[arg-type]


def test_an_unknown_core_keeps_its_numbers() -> None:
    assert core_name(0x410FD0B1) == "Cortex-A76"
    assert core_name(0x610F0220) == "0x61:0x022"
