"""probe.sh on recorded devices and on this machine: what each reports of itself."""

import os
from pathlib import Path

import pytest
from recorded_devices import DUMPSYS, GETPROP, SHELLS, FixedAnswer, arm_tree, probe, write_tree

from builders import STEADY_MEDIANS, make_cell, make_process, make_processes
from harness.analysis.clusters import find_clusters
from harness.devices.conditions import parse_conditions
from harness.devices.core_names import core_name
from harness.devices.cores import read_cores
from harness.devices.device import describe
from harness.records import Conditions
from harness.system.cpu_list import format_cpu_list
from harness.transports.local import LocalTransport


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
    info, _ = describe(FixedAnswer(text), name="it", kind="x", folder="/x")
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


def test_this_machine_describes_itself(tmp_path: Path) -> None:
    info, free_bytes = describe(
        LocalTransport(), name="host", kind="host", folder=str(tmp_path / "new" / "x")
    )
    assert info.cores
    assert info.memory_total_bytes is not None
    assert info.memory_total_bytes > 2**28
    assert info.page_size_bytes == os.sysconf("SC_PAGESIZE")
    assert free_bytes is not None
    assert free_bytes > 2**20


def test_an_unknown_core_keeps_its_numbers() -> None:
    assert core_name(0x410FD0B1) == "Cortex-A76"
    assert core_name(0x690F0220) == "0x69:0x022"
