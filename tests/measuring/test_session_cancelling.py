"""Cancelling a session ends the process that runs, starts no other, and leaves no failure in a cell."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from session_bench import Bench

from builders import make_plan
from harness.errors import Interrupted
from harness.measuring.cell_state import CellRequest
from harness.system.threads import Cancellation
from harness.transports.local import LocalTransport


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, LocalTransport())


def test_cancelling_ends_the_session(bench: Bench) -> None:
    bench.add(0.25)
    cancellation = Cancellation()
    session = replace(bench.session(), save=lambda cell: cancellation.cancel(), cancellation=cancellation)
    plan = make_plan(processes=5, warmup_iterations=1)
    with pytest.raises(Interrupted):
        session.measure([CellRequest(v, plan) for v in bench.futures], (), seed=0)


def test_cancelling_from_another_thread_ends_the_process_that_runs_and_saves_no_failure(bench: Bench) -> None:
    bench.add(0.25, end="endless")
    session = bench.session()
    request = CellRequest(next(iter(bench.futures)), make_plan(processes=5, warmup_iterations=1))
    pid_file = bench.folder / "device" / "jobs" / "current" / "pid"
    with ThreadPoolExecutor() as executor:
        measuring = executor.submit(session.measure, [request], (), seed=0)
        pid = read_once_written(pid_file)
        session.cancellation.cancel()
        with pytest.raises(Interrupted):
            measuring.result(timeout=30)
    assert bench.saved == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def read_once_written(pid_file: Path) -> int:
    deadline = time.monotonic() + 30
    while not (pid_file.exists() and pid_file.read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int(pid_file.read_text())


def test_a_session_that_was_cancelled_starts_no_process(bench: Bench) -> None:
    bench.add(0.25)
    session = bench.session()
    session.cancellation.cancel()
    with pytest.raises(Interrupted):
        session.measure([CellRequest(v, make_plan(processes=1)) for v in bench.futures], (), seed=0)
    assert bench.saved == []
    assert not any(", process" in text for text in bench.progress)
