"""The harness itself is killed: what it had started is ended by the next one, which goes on."""

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

from harness.paths import cache_folder

pytestmark = [pytest.mark.slow, pytest.mark.device]

SWEEP = ("--device", "host", "--width", "0.25", "--resolution", "32,64", "--precision", "fp32")
PLAN = ("--processes", "3", "--warmup", "1", "--iterations", "3", "--min-time", "2", "--max-time", "2")


def test_a_killed_run_is_resumed_to_the_same_cells(run_harness: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    argv = [sys.executable, "-m", "harness", "run", *SWEEP, *PLAN, "--out", str(folder), "--quiet"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as host:
        orphan = pid_of_runner_after(folder, cells=2)
        os.kill(host.pid, signal.SIGKILL)
    assert Path(f"/proc/{orphan}").exists()
    saved = {path.name: json.loads(path.read_text()) for path in folder.glob("cells/*.json")}
    assert len(saved) == 2

    ended = run_harness("run", "--resume", folder, "--json")
    assert ended.exit_code == 0, ended.stderr
    assert not Path(f"/proc/{orphan}").exists()
    cells = {path.name: json.loads(path.read_text()) for path in folder.glob("cells/*.json")}
    assert set(cells) == set(saved)
    for name, cell in cells.items():
        assert cell["failure"] is None
        assert len(cell["processes"]) == 3
        kept = saved[name]["processes"]
        assert cell["processes"][: len(kept)] == kept


def pid_of_runner_after(folder: Path, *, cells: int) -> int:
    """The process being measured once that many cells are saved."""
    pid_file = cache_folder() / "devices" / "host" / "jobs" / "current" / "pid"
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if len(list(folder.glob("cells/*.json"))) >= cells and pid_file.exists():
            pid = int(pid_file.read_text())
            if Path(f"/proc/{pid}").exists():
                return pid
        time.sleep(0.05)
    raise TimeoutError("nothing was measured")
