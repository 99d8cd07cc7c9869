"""A run that a signal ends keeps what it measured, leaves no process, and goes on with --resume."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from measured_cells import check_cell

pytestmark = [pytest.mark.slow, pytest.mark.device]


def test_ctrl_c_keeps_what_was_measured_and_resume_goes_on(
    run_harness: Callable[..., Any], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    sweep = ("--width", "0.25", "--resolution", "32,64", "--precision", "fp32")
    plan = ("--processes", "6", "--min-time", "0.4")
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "run", "--device", "host", *sweep, *plan, "--out", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and len(list(folder.glob("cells/*.json"))) < 2:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert f"--resume {folder}" in stderr

    saved = {path.name: json.loads(path.read_text()) for path in folder.glob("cells/*.json")}
    assert len(saved) == 2
    assert all(1 <= len(cell["processes"]) < 6 for cell in saved.values())

    ended = run_harness("run", "--resume", folder, "--json")
    assert ended.exit_code == 0, ended.stderr
    assert len(ended.document["cells"]) == 2
    for path in folder.glob("cells/*.json"):
        cell = json.loads(path.read_text())
        check_cell(cell, processes=6)
        before = saved[path.name]["processes"]
        assert cell["processes"][: len(before)] == before


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_sighup_end_a_run_as_ctrl_c_does(sent: signal.Signals, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    sweep = ("--width", "0.25", "--resolution", "32", "--precision", "fp32", "--processes", "99")
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "run", "-d", "emulator", *sweep, "--out", str(folder), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and not (
        list(folder.glob("cells/*.json")) and (started := descendants(process.pid))
    ):
        time.sleep(0.02)
    os.kill(process.pid, sent)
    os.kill(process.pid, sent)  # As a shell does that its terminal has ended, too.
    printed, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    error = json.loads(printed)["error"]
    assert (error["exit_code"], error["what"]) == (130, "interrupted; what was measured is saved")
    assert f"--resume {folder}" in error["hint"]
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []


def descendants(ancestor: int) -> list[int]:
    """The processes that a process has started, and those that these have, by field 4 of /proc/PID/stat."""
    parents: dict[int, int] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(file.parent.name)] = int(file.read_bytes().rpartition(b")")[2].split()[1])
    found = [ancestor]
    for one in found:
        found += [pid for pid, parent in parents.items() if parent == one]
    return found[1:]
