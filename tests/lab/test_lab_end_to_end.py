"""A run over the hosts of a lab, on Ray's real processes and real ARM code under QEMU."""

import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harness.records.run_folder import load_run
from lab_hosts import LabHosts
from small_data import QUICK, write_idx, write_weights

pytestmark = [pytest.mark.slow, pytest.mark.device]

SWEEP = ("--width", "0.25", "--resolution", "32", "--processes", "1", "--iterations", "5", "--min-time", "0s")


def status(hosts: LabHosts) -> dict[str, Any]:
    ended = hosts.run("desk", "lab", "status", hosts.address, "--json")
    assert ended.exit_code == 0, ended.stderr
    found = ended.document
    assert isinstance(found, dict)
    return found


def instructions(folder: Path) -> dict[tuple[str, str], list[float | None]]:
    """Of each cell's processes; an emulator counts the same ones in each."""
    _, cells = load_run(folder)
    return {
        (cell.device.name, cell.variant.name): [
            process.instructions_per_inference for process in cell.processes
        ]
        for cell in cells
    }


def test_a_lab_shows_its_hosts_and_devices_and_listens_on_the_loopback_interface_alone(
    hosts: LabHosts,
) -> None:
    found = status(hosts)
    assert found["problem"] is None
    devices = {host["name"]: [device["name"] for device in host["devices"]] for host in found["hosts"]}
    assert devices == {"desk": ["emu-a", "emu-b"], "shelf": ["emu-c", "emu-d"], "door": ["emu-e"]}
    assert listening_elsewhere(hosts.ray_processes()) == []
    table = hosts.run("desk", "lab", "status").stdout
    assert all(name in table for names in devices.values() for name in names)
    assert hosts.folder.joinpath("token").stat().st_mode & 0o777 == 0o600


def test_a_run_over_hosts_gives_the_figures_of_a_run_on_one_and_lowers_each_variant_once(
    hosts: LabHosts, tmp_path: Path
) -> None:
    plain, spread = tmp_path / "plain", tmp_path / "spread"
    one = hosts.run("desk", "run", "-d", "emulator", *SWEEP, "--out", plain)
    assert one.exit_code == 0, one.stderr
    many = hosts.run(
        "desk", "run", "--lab", hosts.address, "-d", "emu-a,emu-c", *SWEEP, "--out", spread, "--json"
    )
    assert many.exit_code == 0, many.stderr
    found, expected = instructions(spread), instructions(plain)
    assert len(found) == 4
    for (device, variant), figure in found.items():
        if device == "emu-a":
            assert figure == expected["emulator", variant]
        else:
            # Longer paths, of another cache, move the stack: 8 of 625,074 instructions were seen.
            assert figure == pytest.approx(expected["emulator", variant], rel=1e-4)
    assert {cell["device"]["name"] for cell in many.document["cells"]} == {"emu-a", "emu-c"}
    # `shelf` has a cache of its own, and got the programs from here.
    kept = [entry for entry in (hosts.caches["shelf"] / "artifacts").iterdir() if entry.is_dir()]
    assert len(kept) == 2
    assert all(entry.name.startswith("received-") for entry in kept)
    again = hosts.run("desk", "run", "--lab", hosts.address, "--resume", spread)
    assert again.exit_code == 0, again.stderr
    assert instructions(spread) == found


def test_a_host_that_dies_loses_nothing_and_its_device_goes_on_at_another_host(
    hosts: LabHosts, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    joined = hosts.join("attic", "emu-x=emulator")
    assert joined.exit_code == 0, joined.stderr
    # Four processes a cell: the host dies while most of the work is still before it, also on a slow machine.
    run = hosts.begin(
        *("desk", "run", "--lab", hosts.address, "-d", "emu-x", *SWEEP),
        *("--resolution", "32,64", "--processes", "4", "--out", folder),
    )
    wait_for_cells(folder, 1, run)
    state = json.loads((hosts.caches["attic"] / "lab" / "hosts" / "attic.json").read_text())
    os.killpg(state["pid"], signal.SIGKILL)
    output, _ = run.communicate(timeout=300)
    assert run.returncode == 4, output
    assert "the lab's host attic is gone" in output
    assert f"harness run --resume {folder}" in " ".join(output.split())
    before = instructions(folder)
    assert 1 <= sum(map(len, before.values())) < 4 * 4  # A cell is saved after each of its processes.
    hosts.leave("attic")
    assert hosts.join("cellar", "emu-x=emulator").exit_code == 0
    resumed = hosts.run("desk", "run", "--resume", folder)
    stranger = hosts.run("nowhere", "run", "--resume", folder)
    assert (stranger.exit_code, "this machine is not a host of it" in stranger.stderr) == (2, True)
    assert hosts.leave("cellar").exit_code == 0
    assert resumed.exit_code == 0, resumed.stderr
    assert_went_on(folder, before, cells=4)


def test_a_resumed_run_needs_no_device_that_has_finished_and_goes_on_without_one_that_is_gone(
    hosts: LabHosts, tmp_path: Path
) -> None:
    folder, resume = tmp_path / "run", ("desk", "run", "--resume", tmp_path / "run")
    assert hosts.join("loft", "emu-y=emulator").exit_code == 0
    run = hosts.run(
        "desk", "run", "--lab", hosts.address, "-d", "emu-a,emu-y", *SWEEP, "-p", "fp32,int8", "--out", folder
    )
    assert hosts.leave("loft").exit_code == 0
    assert run.exit_code == 0, run.stderr
    before = instructions(folder)
    finished = hosts.run(*resume)
    assert finished.exit_code == 0, finished.stderr
    assert instructions(folder) == before
    for file in (folder / "cells").glob("*int8*.json"):
        file.unlink()
    resumed = hosts.run(*resume)
    assert resumed.exit_code == 4, resumed.stderr
    assert "error: no host of the lab offers the device now (device emu-y)" in resumed.stderr
    gone = ("emu-y", "mobilenet_v1_0.25_32_int8")
    assert instructions(folder) == {key: counts for key, counts in before.items() if key != gone}


def test_devices_go_to_who_asked_first_and_the_lab_says_who_uses_them(
    hosts: LabHosts, tmp_path: Path
) -> None:
    options = ("run", "--lab", hosts.address, "-d", "emu-e", *SWEEP, "-p", "fp32")
    runs = []
    for name, processes in (("first", 25), ("second", 2), ("third", 1)):
        more = ("--processes", str(processes), "--out", tmp_path / name)
        runs.append(hosts.begin("desk", *options, *more))
        wait_for_file(tmp_path / name / "run.json", runs[-1])
        time.sleep(1.5)
    used = [host["holds"] for host in status(hosts)["hosts"] if host["name"] == "door"]
    assert f"process {runs[0].pid} of " in used[0][0]["holder"]
    outputs = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], outputs
    assert f"waiting for process {runs[0].pid}" in outputs[1]
    ends = [(tmp_path / name / "cells").stat().st_mtime for name in ("first", "second", "third")]
    assert ends == sorted(ends)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_everything_at_the_hosts_too(
    sent: signal.Signals, hosts: LabHosts, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    run = hosts.begin(
        *("desk", "run", "--lab", hosts.address, "-d", "emu-a,emu-c", *SWEEP),
        *("--processes", "9", "--out", folder),
    )
    wait_for_cells(folder, 1, run)
    os.kill(run.pid, sent)
    output, _ = run.communicate(timeout=300)
    assert run.returncode == 130, output
    assert f"harness run --resume {folder}" in " ".join(output.split())
    assert instructions(folder)
    assert all(not host["holds"] for host in status(hosts)["hosts"])


def test_a_run_whose_process_is_killed_goes_on_from_its_cells(hosts: LabHosts, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = hosts.begin(
        "desk", "run", "--lab", hosts.address, "-d", "emu-c", *SWEEP, "--resolution", "32,64", "--out", folder
    )
    wait_for_cells(folder, 1, run)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    before = instructions(folder)
    resumed = hosts.run("desk", "run", "--resume", folder)
    assert resumed.exit_code == 0, resumed.stderr
    assert_went_on(folder, before, cells=4)


def test_a_pool_of_devices_shares_the_variants_and_shows_how_equal_the_devices_are(
    hosts: LabHosts, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    run = hosts.run(
        *("desk", "run", "--lab", hosts.address, "--any-of", "emu-a,emu-c", *SWEEP),
        *("--resolution", "32,64", "--out", folder, "--json"),
    )
    assert run.exit_code == 0, run.stderr
    measured = Counter(variant for _, variant in instructions(folder))
    first = "mobilenet_v1_0.25_32_fp32"
    assert measured == {first: 2, **dict.fromkeys(measured.keys() - {first}, 1)}
    assert len(measured) == 4
    (spread,) = run.document["between_devices"]
    assert (spread["figures"].keys(), spread["range_share"]) == (
        {"emu-a", "emu-c"},
        pytest.approx(0, abs=1e-3),
    )
    assert "Between devices: mobilenet_v1_0.25_32_fp32" in (folder / "report" / "index.html").read_text()
    refused = hosts.run("desk", "run", "--any-of", "emu-a", *SWEEP)
    assert (refused.exit_code, "no --lab is given" in refused.stderr) == (2, True)


def test_accuracy_is_measured_on_the_devices_of_other_hosts(hosts: LabHosts, tmp_path: Path) -> None:
    weights = write_weights(tmp_path / "w.safetensors")
    images = write_idx(tmp_path / "few", 30)
    folder = tmp_path / "run"
    lab = ("--lab", hosts.address)
    run = hosts.run(
        *("desk", "run", *lab, "-d", "emu-b,emu-c", "--weights", weights, *QUICK, "--out", folder, "--json"),
        *("--accuracy", images),
    )
    assert run.exit_code == 0, run.stderr
    measured = {cell["device"]["name"]: cell["accuracy"] for cell in run.document["cells"]}
    assert {name: one["measured_on"] for name, one in measured.items()} == {
        "emu-b": "emu-b",
        "emu-c": "emu-c",
    }
    assert all((one["images"], one["agreement_with_eager"]) == (30, 1.0) for one in measured.values())
    first = measured["emu-b"]["top1"]
    for file in (folder / "accuracy").glob("*.json"):
        file.unlink()
    again = hosts.run("desk", "evaluate", folder, "--json")
    assert again.exit_code == 0, again.stderr
    assert {cell["accuracy"]["top1"]["estimate"] for cell in again.document["cells"]} == {first["estimate"]}
    for file in (folder / "accuracy").glob("*.json"):
        file.unlink()
    busy = hosts.begin(
        *("desk", "run", *lab, "-d", "emu-c", *SWEEP, "-p", "fp32", "--processes", "15"),
        *("--out", tmp_path / "busy"),
    )
    wait_for_cells(tmp_path / "busy", 1, busy)
    waiting = hosts.begin("desk", "evaluate", folder, "--device", "emu-c")
    outputs = [one.communicate(timeout=300)[0] for one in (busy, waiting)]
    assert [one.returncode for one in (busy, waiting)] == [0, 0], outputs
    assert f"waiting for process {busy.pid} of " in outputs[1]


def assert_went_on(folder: Path, before: dict[tuple[str, str], list[float | None]], *, cells: int) -> None:
    after = instructions(folder)
    assert len(after) == cells
    assert {key: after[key][: len(counts)] for key, counts in before.items()} == before


def wait_for_cells(folder: Path, number: int, run: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 300
    while len(list((folder / "cells").glob("*.json"))) < number:
        assert time.monotonic() < deadline, "no cells"
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.05)


def wait_for_file(file: Path, run: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline, f"no {file}"
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.05)


def listening_elsewhere(processes: list[int]) -> list[str]:
    """Sockets of these processes that listen on another interface than the loopback one."""
    inodes = {
        match[1]
        for process in processes
        for link in (Path(f"/proc/{process}/fd").iterdir() if Path(f"/proc/{process}").exists() else ())
        if (match := re.fullmatch(r"socket:\[(\d+)\]", _read_link(link)))
    }
    assert inodes
    # proc_net_tcp: local address, state (0A: listening), inode; 127.0.0.1 also as an IPv6 address.
    loopback = ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")
    lines = [line.split() for name in ("tcp", "tcp6") for line in _lines(f"/proc/net/{name}")]
    mine = [fields for fields in lines if fields[3] == "0A" and fields[9] in inodes]
    assert mine
    return [fields[1] for fields in mine if fields[1].split(":")[0] not in loopback]


def _lines(file: str) -> list[str]:
    return Path(file).read_text().splitlines()[1:]


def _read_link(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""
