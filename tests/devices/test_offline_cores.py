"""Cores that are offline, denied or in a folder that cannot be listed: the other cores are read."""

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

CPUS = "sys/devices/system/cpu"


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
    script = shutil.copy(PROBE_SCRIPT, open_folder)
    (root / CPUS).chmod(0o311)
    other_user = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is not installed")
        other_user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        (root / CPUS).chmod(0o711)
    try:
        facts, conditions = (
            parse_probe(
                subprocess.run(
                    [*other_user, *shell, script, *words],
                    env={**os.environ, "HARNESS_PROBE_ROOT": str(root)},
                    capture_output=True,
                    text=True,
                    check=True,
                    timeout=20,
                ).stdout
            )
            for words in (("facts", "/"), ("conditions",))
        )
    finally:
        (root / CPUS).chmod(0o755)
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
