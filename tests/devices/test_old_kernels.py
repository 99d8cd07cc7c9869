"""Kernels before cpufreq had a folder for each policy, and before /proc/cpuinfo described each core."""

from pathlib import Path

import pytest
from recorded_devices import SHELLS, probe, write_tree

from harness.devices.conditions import parse_conditions
from harness.devices.cores import read_cores, unreadable_of_cores

CPUS = "sys/devices/system/cpu"
every_shell = pytest.mark.parametrize("shell", SHELLS, ids=" ".join)


def _policy(first: int, cores: str, khz: int, max_khz: int) -> dict[str, str]:
    folder = f"{CPUS}/cpu{first}/cpufreq"
    return {
        f"{folder}/related_cpus": f"{cores}\n",
        f"{folder}/affected_cpus": f"{cores}\n",
        f"{folder}/scaling_cur_freq": f"{khz}\n",
        f"{folder}/scaling_governor": "interactive\n",
        f"{folder}/cpuinfo_max_freq": f"{max_khz}\n",
        f"{folder}/stats/time_in_state": f"384000 10\n{max_khz} 5\n",
    }


def _cores(count: int, online: str) -> dict[str, str]:
    folders = {f"{CPUS}/cpu{index}/topology/core_id": f"{index}\n" for index in range(count)}
    return {f"{CPUS}/present": f"0-{count - 1}\n", f"{CPUS}/online": f"{online}\n", **folders}


@every_shell
def test_cores_without_a_folder_have_the_frequency_of_the_policy_that_lists_them(
    tmp_path: Path, shell: list[str]
) -> None:
    # mitwo-dev/android_device_xiaomi_aries#14: cpufreq's folder exists for the first core of a cluster only.
    write_tree(tmp_path, _cores(8, "0-7") | _policy(0, "0 1 2 3", 1200000, 1300000))
    write_tree(tmp_path, _policy(4, "4 5 6 7", 1800000, 2000000))
    (tmp_path / CPUS / "cpu5/cpufreq").symlink_to(tmp_path / CPUS / "cpu4/cpufreq")
    conditions = parse_conditions(probe(tmp_path, "conditions", shell))
    assert conditions.frequencies_khz == (1200000,) * 4 + (1800000,) * 4
    assert conditions.governors == ("interactive",) * 8
    read = [(one.policy, one.khz) for one in conditions.time_in_state or ()]
    assert read == [("policy0", 384000), ("policy0", 1300000), ("policy4", 384000), ("policy4", 2000000)]
    cores = read_cores(probe(tmp_path, "facts", shell))
    assert [core.max_frequency_khz for core in cores] == [1300000] * 4 + [2000000] * 4


@every_shell
def test_there_a_cluster_that_is_off_line_has_no_frequency(tmp_path: Path, shell: list[str]) -> None:
    write_tree(tmp_path, _cores(8, "0-3") | _policy(0, "0 1 2 3", 1200000, 1300000))
    conditions = parse_conditions(probe(tmp_path, "conditions", shell))
    assert conditions.frequencies_khz == (1200000,) * 4 + (None,) * 4
    assert not [fact for fact in conditions.unreadable if fact.startswith("frequencies_khz")]


def test_a_core_that_a_virtual_machine_hides_has_no_name(tmp_path: Path) -> None:
    block = "processor\t: 0\nCPU implementer\t: 0x00\nCPU part\t: 0x000\n\n"
    midr = {f"{CPUS}/cpu0/regs/identification/midr_el1": "0x0000000000000000\n"}
    write_tree(tmp_path, _cores(1, "0") | midr | {"proc/cpuinfo": block})
    assert [core.name for core in read_cores(probe(tmp_path, "facts", ["sh"]))] == [None]


# As Linux 3.10 prints it on a Snapdragon 410, shortened: the fields are those of the core that reads them.
OLD_CPUINFO = """Processor\t: AArch64 Processor rev 0 (aarch64)
processor\t: 0
processor\t: 1
processor\t: 2
processor\t: 3
Features\t: fp asimd aes pmull sha1 sha2 crc32
CPU implementer\t: 0x41
CPU architecture: AArch64
CPU part\t: 0xd03

Hardware\t: Qualcomm Technologies, Inc MSM8916
"""


@every_shell
def test_one_description_names_all_cores_that_are_alike(tmp_path: Path, shell: list[str]) -> None:
    write_tree(tmp_path, _cores(4, "0-3") | {"proc/cpuinfo": OLD_CPUINFO})
    cores = read_cores(probe(tmp_path, "facts", shell))
    assert [core.name for core in cores] == ["Cortex-A53"] * 4


@every_shell
def test_one_description_names_none_of_cores_that_differ(tmp_path: Path, shell: list[str]) -> None:
    write_tree(tmp_path, _cores(4, "0-3") | {"proc/cpuinfo": OLD_CPUINFO})
    write_tree(tmp_path, _policy(0, "0 1", 1200000, 1300000) | _policy(2, "2 3", 1200000, 2000000))
    cores = read_cores(probe(tmp_path, "facts", shell))
    assert [core.name for core in cores] == [None] * 4
    assert unreadable_of_cores(cores)["core names"] == "of cores 0-3"
