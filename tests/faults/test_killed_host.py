"""The harness itself is killed or suspended: what went on without it is taken, and nothing is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from small_sweep import FOLDERS, Laboratory, open_laboratory

from harness.runner.orphan import Request, decode_request

pytestmark = [pytest.mark.slow, pytest.mark.device]

TAKEN = "taking the result of the process that kept running on the device"
ENDED = "ended a process that an earlier run left running"
SWEEP = ("--device", "faulty", "--width", "0.25", "--resolution", "32", "--precision", "int8")
# Seconds of the machine's virtual time, each of which takes several: long enough to be caught at work.
PLAN = ("--processes", "2", "--warmup", "1", "--iterations", "3", "--min-time", "0.25", "--max-time", "0.5")
# Long enough that the second process still runs when another harness has connected.
LONG = (*PLAN[:-4], "--min-time", "3", "--max-time", "4")
# A harness as it is, but for time-outs that are short enough to sleep through.
IMPATIENT = """
import sys
from harness.runner import job
from harness.runner import process
process.START_ALLOWANCE_S, process.SILENT_START_S = 4, 1
from harness.cli.main import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    with open_laboratory() as opened:
        yield opened


@pytest.fixture(autouse=True)
def _inventory(laboratory: Laboratory, tmp_path: Path) -> None:
    (tmp_path / "devices.toml").write_text(
        '[devices.faulty]\nkind = "android"\ntransport = "adb-direct"\n'
        f'address = "127.0.0.1:{laboratory.machine.adb_port}"\n'
    )


def start_run(folder: Path, *program: str, plan: Sequence[str] = PLAN) -> subprocess.Popen[str]:
    argv = [sys.executable, *(program or ("-m", "harness")), "run", *SWEEP, *plan, "--out", str(folder)]
    return subprocess.Popen(
        argv,
        cwd=folder.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def saved_cells(folder: Path) -> dict[str, Any]:
    return {path.name: json.loads(path.read_text()) for path in folder.glob("cells/*.json")}


def kill_in_the_second_process(
    laboratory: Laboratory, folder: Path, plan: Sequence[str] = PLAN
) -> tuple[dict[str, Any], Request]:
    """The cell saved with its first process, and what was asked of the second, which goes on."""
    with start_run(folder, plan=plan) as host:
        wait_until(lambda: bool(saved_cells(folder)))
        laboratory.wait_for_runner()
        os.kill(host.pid, signal.SIGKILL)
    (cell,) = saved_cells(folder).values()
    assert len(cell["processes"]) == 1
    answer = laboratory.root("cat", f"{FOLDERS['adb-direct']}/jobs/current/request").check()
    request = decode_request(answer.stdout)
    assert request is not None
    assert request.round == 1
    return cell, request


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("until", ["it ended", "it still runs"])
def test_a_killed_run_takes_the_process_that_went_on_without_it(
    laboratory: Laboratory, run_harness: Callable[..., Any], tmp_path: Path, until: str
) -> None:
    folder = tmp_path / "run"
    before, request = kill_in_the_second_process(laboratory, folder)
    if until == "it ended":
        wait_until(lambda: not laboratory.orphans())
    resumed = run_harness("run", "--resume", folder, "--json")
    assert resumed.exit_code == 0, resumed.stderr
    assert TAKEN in resumed.stderr
    assert "measuring this process again" not in resumed.stderr
    (cell,) = saved_cells(folder).values()
    assert cell["processes"][:1] == before["processes"]
    assert [process["started_at"] for process in cell["processes"][1:]] == [request.started_at]
    assert cell["processes"][1]["conditions_after"]["uptime_seconds"]
    assert laboratory.orphans() == ()


def test_another_run_ends_what_a_killed_one_left_and_takes_nothing_of_it(
    laboratory: Laboratory, run_harness: Callable[..., Any], tmp_path: Path
) -> None:
    _, request = kill_in_the_second_process(laboratory, tmp_path / "killed", LONG)
    ended = run_harness("run", *SWEEP, *PLAN, "--out", tmp_path / "another", "--json")
    assert ended.exit_code == 0, ended.stderr
    assert ENDED in ended.stderr
    assert TAKEN not in ended.stderr
    (cell,) = saved_cells(tmp_path / "another").values()
    assert [process["round"] for process in cell["processes"]] == [0, 1]
    assert all(process["started_at"] > request.started_at for process in cell["processes"])
    assert laboratory.orphans() == ()


def test_a_host_suspended_for_longer_than_its_time_outs_goes_on_although_the_link_was_cut(
    laboratory: Laboratory, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with start_run(folder, "-c", IMPATIENT) as host:
        laboratory.wait_for_runner()
        os.killpg(host.pid, signal.SIGSTOP)
        laboratory.root("pkill", "-9", "-x", "adbd").check()
        wait_until(lambda: not laboratory.orphans())
        time.sleep(15)
        os.killpg(host.pid, signal.SIGCONT)
        _, answer = host.communicate(timeout=240)
    assert host.returncode == 0, answer
    assert "measuring this process again" not in answer
    (cell,) = saved_cells(folder).values()
    assert cell["failure"] is None
    assert [process["round"] for process in cell["processes"]] == [0, 1]
    assert laboratory.orphans() == ()
