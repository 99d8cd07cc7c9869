"""Cores that are offline or denied, and folders that cannot be listed: what else is there is read."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded_devices import SHELLS, arm_tree, lay_tree, probe, write_tree

from builders import STEADY_MEDIANS, make_cell, make_processes
from harness.analysis.clusters import find_clusters
from harness.devices.conditions import parse_conditions
from harness.devices.cores import read_cores
from harness.devices.probe import PROBE_SCRIPT, parse_probe
from harness.system.cpu_list import format_cpu_list
from harness.system.paths import DEVICE_SCRIPTS

CPUS = "sys/devices/system/cpu"
THERMAL = "sys/class/thermal"
SAMPLER_SCRIPT = DEVICE_SCRIPTS / "sampler.sh"


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("offline", [(6, 7), (1, 6, 7), (0,)])
def test_a_clock_that_fell_is_throttled_whatever_is_offline(
    tmp_path: Path, shell: list[str], offline: tuple[int, ...]
) -> None:
    for name in ("mido_before", "mido_throttled"):
        root = lay_tree(name, tmp_path / name)
        for core in offline:
            shutil.rmtree(root / f"{CPUS}/cpu{core}/cpufreq", ignore_errors=True)
            (root / f"{CPUS}/cpu{core}").mkdir(exist_ok=True)
        online = [core for core in range(6) if core not in offline]
        (root / f"{CPUS}/online").write_text(format_cpu_list(online) + "\n")
    before, after = (
        parse_conditions(probe(tmp_path / name, "conditions", shell))
        for name in ("mido_before", "mido_throttled")
    )
    assert before.frequencies_khz == tuple(2016000 if core in online else None for core in range(8))
    assert after.frequencies_khz == tuple(1036800 if core in online else None for core in range(8))
    assert before.governors == tuple("performance" if core in online else None for core in range(8))
    assert not [name for name in before.unreadable if name.startswith(("frequencies", "governors"))]
    processes = make_processes(
        *STEADY_MEDIANS, cpus_allowed="0-5", conditions_before=before, conditions_after=after
    )
    reasons = {reason.code: reason.detail for reason in make_cell(processes=processes).verdict.reasons}
    assert "fell from 2016 to 1037 MHz" in reasons["throttled"]


def test_an_online_core_that_is_denied_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    root = lay_tree("mido_before", tmp_path)
    (root / f"{CPUS}/cpu2/cpufreq/scaling_cur_freq").unlink()
    conditions = parse_conditions(probe(root, "conditions", ["sh"]))
    assert conditions.frequencies_khz == (2016000, 2016000, None, 2016000, 2016000, 2016000, None, None)
    assert {name for name in conditions.unreadable if name.startswith("frequencies")} == {
        "frequencies_khz.cpu2"
    }


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, as those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="harness-probe-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_cores_in_a_folder_that_cannot_be_listed_are_read(open_folder: Path, shell: list[str]) -> None:
    """As another user where this is root, which may list every folder."""
    root = lay_tree("termux", open_folder / "root")
    zone, policy = f"{THERMAL}/thermal_zone7", f"{CPUS}/cpufreq/policy4/stats/time_in_state"
    write_tree(root, {f"{zone}/type": "cpu-1-0\n", f"{zone}/temp": "41000\n", policy: "2841600 5\n"})
    script, sampler = (shutil.copy(file, open_folder) for file in (PROBE_SCRIPT, SAMPLER_SCRIPT))
    unlistable = [root / name for name in (THERMAL, f"{CPUS}/cpufreq", CPUS)]
    for folder in unlistable:
        folder.chmod(0o311)
    (open_folder / "job").mkdir()
    (open_folder / "job").chmod(0o777)
    other_user = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is not installed")
        other_user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        for folder in unlistable:
            folder.chmod(0o711)

    def run(*words: Path | str) -> str:
        environment = {**os.environ, "HARNESS_PROBE_ROOT": str(root)}
        return subprocess.run(
            [*other_user, *shell, *words],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        ).stdout

    try:
        facts, conditions = (parse_probe(run(script, *words)) for words in (("facts", "/"), ("conditions",)))
        # Of a process that has ended, only the header is written.
        run(sampler, open_folder / "job", "none", "conditions", "1", "0")
    finally:
        for folder in reversed(unlistable):
            folder.chmod(0o755)
    cores = read_cores(facts)
    assert [core.name for core in cores] == ["Cortex-A55"] * 4 + ["Cortex-A77"] * 4
    assert find_clusters(cores) == {
        "all": tuple(range(8)),
        "little": (0, 1, 2, 3),
        "big": (4, 5, 6, 7),
    }
    read = parse_conditions(conditions)
    assert read.frequencies_khz == (1785600,) * 4 + (2841600,) * 4
    assert read.governors == ("schedutil",) * 8
    assert [(zone.index, zone.zone) for zone in read.temperatures or ()] == [(7, "cpu-1-0")]
    assert [(one.policy, one.ticks) for one in read.time_in_state or ()] == [("policy4", 5)]
    sampled = (open_folder / "job/samples").read_text().splitlines()
    assert [line for line in sampled if line.startswith("core")] == [f"core {core}" for core in range(8)]
    assert "zone 7 cpu-1-0" in sampled


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_every_core_of_a_server_is_read(tmp_path: Path, shell: list[str]) -> None:
    write_tree(tmp_path, arm_tree([(0xD0C, 3000000)] * 160, "performance"))
    conditions = parse_conditions(probe(tmp_path, "conditions", shell))
    assert conditions.frequencies_khz == (3000000,) * 160
    assert conditions.governors == ("performance",) * 160


def test_cores_that_a_virtual_machine_could_get_are_not_listed(tmp_path: Path) -> None:
    write_tree(tmp_path, arm_tree([(0xD0C, 3000000)] * 2, "performance"))
    write_tree(tmp_path, {f"{CPUS}/present": "0-1\n", f"{CPUS}/possible": "0-239\n"})
    conditions = parse_conditions(probe(tmp_path, "conditions", ["sh"]))
    assert conditions.frequencies_khz == (3000000,) * 2


def test_where_no_core_can_be_found_nothing_is_an_empty_text(tmp_path: Path) -> None:
    conditions = parse_conditions(probe(tmp_path, "conditions", ["sh"]))
    assert (conditions.frequencies_khz, conditions.governors) == (None, None)
    assert {"frequencies_khz", "governors"} <= set(conditions.unreadable)
