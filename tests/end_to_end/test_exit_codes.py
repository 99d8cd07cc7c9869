"""The contract's exit codes, one real command each; with --json one document, also for an error."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from builders import make_run
from harness.devices.host_lock import hold_device
from harness.devices.target import Target
from harness.records import Cell
from harness.records.run_folder import write_cell, write_run
from harness_command import HarnessCommand
from synthetic import EMULATOR, PHONE, simulate_cells


def save(folder: Path, cells: tuple[Cell, ...]) -> Path:
    write_run(folder, make_run(cells))
    for cell in cells:
        write_cell(folder, cell)
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return save(tmp_path / "base", simulate_cells(EMULATOR, widths=(0.25,), resolutions_px=(128,)))


def test_0_is_done(run_harness: HarnessCommand, base: Path) -> None:
    ended = run_harness("compare", base, base, "--json")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.document["result"] == "no worse"


def test_1_is_ran_and_failed(run_harness: HarnessCommand, tmp_path: Path) -> None:
    folder = save(tmp_path / "phone", simulate_cells(PHONE, resolutions_px=(128,)))
    damaged = sorted((folder / "cells").iterdir())[0]
    damaged.write_text("{")
    ended = run_harness("export", folder, "--format", "csv", "--out", "cells.csv", "--json")
    assert ended.exit_code == 1
    (error,) = ended.document["errors"]
    assert error["exit_code"] == 1
    assert damaged.name in error["what"]
    assert (tmp_path / "cells.csv").exists()


@pytest.mark.parametrize("content", [b"", b"no archive"], ids=["empty", "no archive"])
def test_2_is_a_file_that_is_no_bundle(run_harness: HarnessCommand, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "damaged.tar.gz").write_bytes(content)
    ended = run_harness("bundle", "import", "damaged.tar.gz", "--json")
    assert ended.exit_code == 2
    assert error_of(ended.document)["exit_code"] == 2
    assert "damaged.tar.gz is damaged" in error_of(ended.document)["what"]
    assert "harness bundle export" in error_of(ended.document)["hint"]


def test_1_is_no_variant_within_the_budget(run_harness: HarnessCommand, base: Path) -> None:
    ended = run_harness("pick", base, "--max-instructions", "1k", "--json")
    assert (ended.exit_code, ended.stderr) == (1, "")
    assert ended.document["best"] is None
    assert len(ended.document["rejected"]) == 2
    assert all("are over" in reason for one in ended.document["rejected"] for reason in one["reasons"])


def test_1_is_no_variant_that_starts_in_time(run_harness: HarnessCommand, tmp_path: Path) -> None:
    phone = save(tmp_path / "phone", simulate_cells(PHONE, widths=(0.25,), resolutions_px=(128,)))
    late = run_harness("pick", phone, "--max-startup", "1us", "--json")
    assert late.exit_code == 1
    assert all(one["reasons"][0].startswith("start-up ") for one in late.document["rejected"])
    soon = run_harness("pick", phone, "--max-startup", "1m", "--json")
    assert soon.exit_code == 0
    assert soon.document["best"]["startup"] is not None


def test_2_is_wrong_usage(run_harness: HarnessCommand) -> None:
    ended = run_harness("run", "--json", "--device", "host", "--width", "0")
    assert ended.exit_code == 2
    assert error_of(ended.document)["exit_code"] == 2
    assert "above 0" in error_of(ended.document)["what"]


def test_3_is_inconclusive(run_harness: HarnessCommand, tmp_path: Path) -> None:
    first, second = (
        save(
            tmp_path / f"run-{seed}",
            simulate_cells(PHONE, widths=(0.25,), resolutions_px=(128,), seed=seed),
        )
        for seed in (0, 1)
    )
    ended = run_harness("compare", first, second, "--margin", "0.1%", "--json")
    assert (ended.exit_code, ended.stderr) == (3, "")
    assert ended.document["result"] == "inconclusive"


def test_4_is_a_device_that_cannot_be_used(run_harness: HarnessCommand) -> None:
    ended = run_harness("run", "--json", "--device", "nosuch")
    assert ended.exit_code == 4
    assert error_of(ended.document) == {
        "what": "there is no device 'nosuch'",
        "hint": error_of(ended.document)["hint"],
        "device": "nosuch",
        "variant": "",
        "exit_code": 4,
    }
    assert "host, emulator, arm-vm" in error_of(ended.document)["hint"]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_130_is_interrupted(sent: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "devices.toml").write_text('[devices.held]\nkind = "android"\naddress = "127.0.0.1:1"\n')
    environment = os.environ | {"HARNESS_CACHE": str(tmp_path / "cache")}
    words = ("run", "-d", "held", "-w", "0.25", "-r", "32", "--out", "r", "--json")
    with (
        hold_device(Target("held", "android", "adb", "127.0.0.1:1"), print),
        subprocess.Popen(
            [sys.executable, "-m", "harness", *words],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        assert process.stderr
        answer = ""
        while f"waiting for process {os.getpid()} of" not in answer and (line := process.stderr.readline()):
            answer += line
        os.kill(process.pid, sent)
        printed, rest = process.communicate(timeout=60)
    assert process.returncode == 130, answer + rest
    error = error_of(json.loads(printed))
    assert (error["exit_code"], error["what"]) == (130, "interrupted; what was measured is saved")
    assert "--resume r" in error["hint"]
    assert "Traceback" not in answer + rest


def error_of(document: dict[str, Any]) -> dict[str, Any]:
    assert document.keys() == {"error"}
    error: dict[str, Any] = document["error"]
    return error
