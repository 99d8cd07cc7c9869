"""`harness run` on real devices through the command line: lower, push, run ARM code, measure, report."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.system.files import hash_file
from harness.system.paths import cache_folder
from measured_cells import check_cell
from small_data import write_idx, write_weights

pytestmark = pytest.mark.slow

SMALL = ("--width", "0.25", "--resolution", "32", "--processes", "2")


def cells_by_precision(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {cell["variant"]["precision"]: cell for cell in document["cells"]}


def check_report(report: str) -> None:
    folder = Path(report).parent
    assert {"index.html", "report.md", "cells.csv"} <= {path.name for path in folder.iterdir()}
    assert "<svg" in (folder / "index.html").read_text()
    assert list(folder.glob("*.png"))


def files_on_host_device() -> dict[Path, int]:
    """Where `host` gets bundle and artifacts pushed, and when each file was written."""
    folder = cache_folder() / "devices/host"
    files = (path for pattern in ("bundle-*/*", "artifacts/*") for path in folder.glob(pattern))
    return {path: path.stat().st_mtime_ns for path in files}


@pytest.mark.device
def test_the_host_is_measured(run_harness: Callable[..., Any], tmp_path: Path) -> None:
    ended = run_harness("run", "--device", "host", *SMALL, "--min-time", "0.2", "--threads", "1,2", "--json")
    assert ended.exit_code == 0, ended.stderr
    cells = ended.document["cells"]
    assert sorted((c["variant"]["precision"], c["plan"]["threads"]) for c in cells) == [
        ("fp32", 1),
        ("fp32", 2),
        ("int8", 1),
        ("int8", 2),
    ]
    for cell in cells:
        check_cell(cell)
        assert cell["device"]["clock"] == "real"
    check_report(ended.document["report"])
    kept = {hash_file(program) for program in tmp_path.glob("results/*/artifacts/*.pte")}
    assert kept == {cell["artifact"]["sha256"] for cell in cells}


@pytest.mark.device
def test_inferences_of_the_host_begin_at_the_rate_that_is_asked_for(run_harness: Callable[..., Any]) -> None:
    """Nothing is asserted of the machine's speed: it may be busy."""
    options = (*SMALL, "--precision", "int8", "--rate", "50", "--min-time", "0.2", "--iterations", "5")
    ended = run_harness("run", "--device", "host", *options, "--json")
    assert ended.exit_code == 0, ended.stderr
    (cell,) = ended.document["cells"]
    check_cell(cell)
    pace, period_ns = cell["pace"], 20_000_000
    assert (cell["plan"]["rate_hz"], pace["period_ns"]) == (50.0, period_ns)
    steady = sum(len(process["latencies_ns"]) for process in cell["processes"])
    assert pace["periods"] == steady + pace["skipped"]
    assert 0 <= pace["skipped"] <= pace["missed"] <= pace["periods"]
    assert 0 <= pace["lateness_median_ns"] <= pace["lateness_p99_ns"] <= pace["lateness_max_ns"]
    for process in cell["processes"]:
        slots = [start // period_ns for start in process["starts_ns"]]
        assert slots == sorted(set(slots))
    report = Path(ended.document["report"]).parent
    columns = (report / "cells.csv").read_text().partition("\n")[0].split(",")
    assert {"rate_hz", "pace_missed_share", "pace_lateness_p99_ns"} <= set(columns)
    assert "Pace" in (report / "report.md").read_text()


@pytest.mark.device
def test_the_emulator_counts_the_same_instructions_twice(run_harness: Callable[..., Any]) -> None:
    ended = run_harness("run", "--device", "emulator", *SMALL, "--json")
    assert ended.exit_code == 0, ended.stderr
    cells = cells_by_precision(ended.document)
    for cell in cells.values():
        check_cell(cell)
        assert cell["device"]["abi"] == "arm64-v8a"
        assert cell["device"]["clock"] == "emulated"
        assert cell["verdict"]["status"] == "suspect"
        assert "emulated" in {reason["code"] for reason in cell["verdict"]["reasons"]}
        counts = {process["instructions_per_inference"] for process in cell["processes"]}
        assert len(counts) == 1
        assert cell["instructions_per_inference"] in counts
    assert cells["int8"]["instructions_per_inference"] < cells["fp32"]["instructions_per_inference"]
    check_report(ended.document["report"])


@pytest.mark.device
def test_the_arm_machine_is_measured_by_every_route_and_agrees_with_the_emulator(
    run_harness: Callable[..., Any],
) -> None:
    routes = ("arm-vm", "arm-vm:adb", "arm-vm:ssh")
    devices = ",".join(("emulator", *routes))
    sweep = ("--width", "0.25", "--resolution", "64", "--precision", "int8")
    ended = run_harness("run", "--device", devices, *sweep, "--json", timeout_s=600)
    assert ended.exit_code == 0, ended.stderr
    cells = {cell["device"]["name"]: cell for cell in ended.document["cells"]}
    assert set(cells) == {"emulator", *routes}
    for cell in cells.values():
        check_cell(cell)
    transports = {name: cells[name]["device"]["transport"] for name in routes}
    assert transports == {"arm-vm": "adb-direct", "arm-vm:adb": "adb", "arm-vm:ssh": "ssh"}
    emulated = cells["emulator"]["instructions_per_inference"]
    for name in routes:
        assert cells[name]["device"]["clock"] == "virtual"
        assert cells[name]["device"]["cores"][0]["name"] == "Cortex-A76"
        counts = [process["instructions_per_inference"] for process in cells[name]["processes"]]
        assert max(counts) - min(counts) <= 1e-4 * min(counts)
        assert abs(counts[0] - emulated) <= 0.01 * emulated


@pytest.mark.device
def test_a_machine_with_pages_of_16_kb_passes_parity_and_starts_cold(run_harness: Callable[..., Any]) -> None:
    brief = (*SMALL[:-1], "1", "--min-time", "0", "--cold")
    ended = run_harness("run", "--device", "arm-vm:16k", *brief, "--json")
    assert ended.exit_code == 0, ended.stderr
    cells = cells_by_precision(ended.document)
    assert set(cells) == {"fp32", "int8"}
    for cell in cells.values():
        check_cell(cell, processes=1)
        assert cell["device"]["page_size_bytes"] == 16384
        memory = cell["memory"]
        resident = [memory[f"{phase}_bytes"] for phase in ("rss_start", "rss_loaded", "peak_rss")]
        assert resident == sorted(resident)
        assert all(size % 16384 == 0 for size in resident)
        assert 0 < memory["detail"]["private_dirty_end_bytes"] <= memory["detail"]["pss_end_bytes"]
        (cold,) = cell["cold"]["processes"]
        assert (cold["resident_pages"], cold["unavailable"]) == (0, None)
        assert cold["resident_before_pages"] > 0


@pytest.mark.device
def test_a_second_run_lowers_and_pushes_nothing(run_harness: Callable[..., Any], tmp_path: Path) -> None:
    one = ("run", "--device", "host", "--width", "0.25", "--resolution", "32", "--precision", "fp32")
    quick = ("--processes", "1", "--min-time", "0.05")
    assert run_harness(*one, *quick, "--out", tmp_path / "first").exit_code == 0
    pushed = files_on_host_device()
    assert any(path.suffix == ".pte" for path in pushed)
    again = run_harness(*one, *quick, "--out", tmp_path / "second")
    assert again.exit_code == 0
    # Nothing of it was written again; other tests may push theirs meanwhile.
    assert pushed.items() <= files_on_host_device().items()
    assert "lowered" not in again.stderr
    assert "report: " in again.stdout


@pytest.mark.device
def test_half_precision_runs_where_the_core_has_it_and_is_refused_elsewhere(
    run_harness: Callable[..., Any],
) -> None:
    """XNNPACK would compute it in 32 bits on a Cortex-A53, and say nothing."""
    sweep = ("--width", "0.25", "--resolution", "32", "--processes", "1", "--json")
    devices = ("--device", "emulator:cortex-a76,emulator:cortex-a53")
    ended = run_harness("run", *devices, "--precision", "fp32,fp16", *sweep)
    assert ended.exit_code == 4
    assert "skipped: mobilenet_v1_0.25_32_fp16 (device emulator:cortex-a53)" in ended.stderr
    cells = {(cell["device"]["name"], cell["variant"]["precision"]): cell for cell in ended.document["cells"]}
    assert set(cells) == {
        ("emulator:cortex-a76", "fp32"),
        ("emulator:cortex-a76", "fp16"),
        ("emulator:cortex-a53", "fp32"),
    }
    for cell in cells.values():
        check_cell(cell, processes=1)
    counts = {key: cell["instructions_per_inference"] for key, cell in cells.items()}
    assert counts["emulator:cortex-a76", "fp16"] < 0.8 * counts["emulator:cortex-a76", "fp32"]

    ended = run_harness("run", "--device", "emulator:cortex-a53", "--precision", "fp16", *sweep)
    assert ended.exit_code == 4
    assert "no FP16 arithmetic (FEAT_FP16) on this device's CPU" in ended.stderr
    assert ended.document["cells"] == []


@pytest.mark.device
def test_a_core_that_computes_something_else_is_caught(
    run_harness: Callable[..., Any], tmp_path: Path
) -> None:
    """QEMU's `max` core gives another int8 result than every real core's model."""
    weights = write_weights(tmp_path / "w.safetensors")
    images = write_idx(tmp_path / "few", 10)
    ended = run_harness(
        *("run", "--device", "emulator:max", "--weights", weights, "--precision", "fp32,int8"),
        *("--processes", "1", "--accuracy", images, "--json", "--out", "r"),
    )
    assert ended.exit_code == 1
    assert "logits of 10 of 10 images differ from PyTorch's; first mismatch: on the device" in ended.stderr
    assert "output differs from the eager model" in ended.stderr
    assert "> tolerance" in ended.stderr
    assert "the program is right on this machine" in ended.stderr
    cells = cells_by_precision(ended.document)
    assert cells["fp32"]["parity"]["passed"]
    assert cells["fp32"]["parity"]["first_mismatch_at"] is None
    assert [cells[precision]["accuracy"]["first_mismatch_at"] for precision in ("fp32", "int8")] == [
        None,
        "device",
    ]
    assert not cells["int8"]["parity"]["passed"]
    assert cells["int8"]["parity"]["first_mismatch_at"] == "device"
    assert cells["int8"]["verdict"]["status"] == "invalid"
    (detail,) = [
        reason["detail"]
        for reason in cells["int8"]["verdict"]["reasons"]
        if reason["code"] == "parity_failed"
    ]
    assert "first mismatch: on the device" in detail
    assert "first mismatch: on the device" in (tmp_path / "r" / "report" / "index.html").read_text()


@pytest.mark.device
def test_tensorflows_padding_is_one_delegate_and_its_cost_is_told(run_harness: Callable[..., Any]) -> None:
    sweep = ("--width", "0.25", "--resolution", "32", "--padding", "symmetric,tf_same", "--processes", "1")
    ended = run_harness("run", "--device", "emulator", *sweep, "--out", "r")
    assert ended.exit_code == 0, ended.stderr
    costs = [line for line in ended.stdout.splitlines() if "compared with symmetric" in line]
    assert [line.split(" costs")[0] for line in costs] == ["0.25/32 tf_same fp32", "0.25/32 tf_same int8"]
