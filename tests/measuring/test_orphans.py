"""What a killed harness left on the device is taken only by the run that asked for exactly that."""

import hashlib
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from session_bench import Bench

from builders import make_plan
from harness.measuring.cell_state import CellRequest
from harness.records import Cell
from harness.runner.orphan import Request, decode_request, encode_request
from harness.system.processes import Completed
from harness.transports.base import LONGEST_ANSWER
from harness.transports.local import LocalTransport

PLAN = make_plan(processes=2, warmup_iterations=1)
REQUEST = Request(
    run="f" * 64,
    boot_id="a boot",
    variant="mobilenet_v1",
    threads=1,
    round=3,
    argv=("runner", "--model", "a"),
    started_at="2026-11-24T10:00:00.123+00:00",
    cooled_seconds=None,
)


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the harness runs any more, no handler and no clean-up of ours either."""


class Dying(LocalTransport):
    """The harness is killed just when a process was started for the n-th time; that process goes on."""

    def __init__(self, process: int) -> None:
        self.left = process
        self.fronts: list[subprocess.Popen[bytes]] = []

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
        longest_bytes: int = LONGEST_ANSWER,
    ) -> Completed:
        if "--conditions" in argv:
            self.left -= 1
            if self.left == 0:
                self.fronts.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL))
                raise Killed
        return super().run(argv, timeout_s=timeout_s, stdin=stdin, longest_bytes=longest_bytes)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, Dying(2))
    made.add(0.25)
    yield made
    for front in made.transport.fronts:  # type: ignore[attr-defined]
        front.wait(timeout=20)


def measure(bench: Bench, *, run: str = "this run", earlier: tuple[Cell, ...] = (), **plan: Any) -> None:
    session = replace(bench.session(), run=run)
    asked = msgspec.structs.replace(PLAN, **plan)
    session.measure([CellRequest(v, asked) for v in bench.futures], earlier, seed=0)


def kill_in_the_second_process(bench: Bench) -> Cell:
    """The cell as it was saved, with one process."""
    with pytest.raises(Killed):
        measure(bench)
    (cell,) = bench.saved
    bench.saved.clear()
    bench.progress.clear()
    return cell


def measured(bench: Bench) -> int:
    return sum(", process" in text for text in bench.progress)


def job_of(bench: Bench) -> Path:
    return bench.folder / "device" / "jobs" / "current"


def test_the_process_that_went_on_is_taken_and_not_measured_again(bench: Bench) -> None:
    saved = kill_in_the_second_process(bench)
    asked = decode_request((job_of(bench) / "request").read_bytes())
    measure(bench, earlier=(saved,))
    cell = bench.saved[-1]
    assert "taking the result of the process that kept running on the device" in bench.log
    assert measured(bench) == 0
    assert [process.round for process in cell.processes] == [0, 1]
    assert cell.processes[0] == saved.processes[0]
    assert asked is not None
    assert cell.processes[1].started_at == asked.started_at
    assert cell.processes[1].conditions_after.uptime_seconds
    assert not job_of(bench).exists()


def test_one_that_still_runs_is_waited_for(bench: Bench) -> None:
    saved = kill_in_the_second_process(bench)
    deadline = time.monotonic() + 20
    while not (job_of(bench) / "status").exists():
        assert time.monotonic() < deadline
    (job_of(bench) / "status").unlink()
    with subprocess.Popen(["sh", "-c", 'sleep 1; echo 0 >"$1/status"', "x", str(job_of(bench))]):
        measure(bench, earlier=(saved,))
    assert measured(bench) == 0


@pytest.mark.parametrize(
    "change", ["run", "no run", "round", "plan", "argv", "boot", "crashed", "damaged report", "no request"]
)
def test_what_is_in_doubt_is_measured_from_its_beginning(bench: Bench, change: str) -> None:
    saved = kill_in_the_second_process(bench)
    for front in bench.transport.fronts:  # type: ignore[attr-defined]
        front.wait(timeout=20)
    job = job_of(bench)
    request = decode_request((job / "request").read_bytes())
    assert request is not None
    changes: dict[str, dict[str, Any]] = {
        "round": {"round": 0},
        "argv": {"argv": request.argv[:-2]},
        "boot": {"boot_id": "another"},
    }
    changed = msgspec.structs.replace(request, **changes.get(change, {}))
    (job / "request").write_bytes(encode_request(changed))
    if change == "crashed":
        (job / "status").write_text("139\n")
    if change == "damaged report":
        (job / "report.json").write_text("{}")
    if change == "no request":
        (job / "request").unlink()
    runs = {"run": "another run", "no run": ""}
    plan = {"min_iterations": PLAN.min_iterations + 1} if change == "plan" else {}
    measure(bench, run=runs.get(change, "this run"), earlier=() if plan else (saved,), **plan)
    cell = bench.saved[-1]
    assert [process.round for process in cell.processes] == [0, 1]
    assert measured(bench) == (2 if change == "plan" else 1)
    assert cell.processes[-1].started_at != request.started_at
    # It had ended: only its folder was left.
    assert not any("that an earlier run left running" in text for text in bench.log)


def test_a_process_that_still_runs_for_another_run_is_ended_and_that_is_told(bench: Bench) -> None:
    job = job_of(bench)
    job.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as running:
        stat = Path(f"/proc/{running.pid}/stat").read_text()
        (job / "pid").write_text(f"{running.pid}\n")
        (job / "pid_started").write_text(f"{stat.rpartition(')')[2].split()[19]}\n")
        bench.transport.left = 99  # type: ignore[attr-defined]
        measure(bench)
        assert running.wait(timeout=20) == -15
    assert "ended a process that an earlier run left running" in bench.log


def test_a_job_whose_folder_is_gone_is_no_orphan(bench: Bench) -> None:
    saved = kill_in_the_second_process(bench)
    for front in bench.transport.fronts:  # type: ignore[attr-defined]
        front.wait(timeout=20)
    shutil.rmtree(job_of(bench))
    measure(bench, earlier=(saved,))
    assert measured(bench) == 1


def test_a_request_comes_back_as_it_was() -> None:
    assert decode_request(encode_request(REQUEST)) == REQUEST


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(encode_request(REQUEST)) - 1), st.integers(0, 7))
def test_no_flipped_bit_of_a_request_goes_unnoticed(byte: int, bit: int) -> None:
    content = bytearray(encode_request(REQUEST))
    content[byte] ^= 1 << bit
    assert decode_request(bytes(content)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"round": "3"},
        {"round": 2**70},
        {"argv": [["deep"]]},
        {"surprise": 1},
        {"started_at": "\x1b[2J"},
        {"cooled_seconds": 1e300},
        {"run": None},
    ],
    ids=str,
)
def test_a_hostile_request_is_none(changes: dict[str, object]) -> None:
    body = msgspec.json.encode({**msgspec.to_builtins(REQUEST), **changes})
    assert decode_request(hashlib.sha256(body).hexdigest().encode() + b"\n" + body) is None


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_none(content: bytes) -> None:
    assert decode_request(content) is None
