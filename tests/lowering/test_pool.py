"""Lowering in parallel processes: order, reuse, crashes and interruption."""

import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import msgspec
import pytest
from small_variants import SMALL, SMALL_INT8

from harness.errors import LoweringError
from harness.lowering import pool
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.pool import lower_all
from harness.lowering.worker import LoweringRequest, answer
from harness.records import Variant

pytestmark = pytest.mark.slow

UNKNOWN_SEED = msgspec.structs.replace(SMALL, weights=msgspec.structs.replace(SMALL.weights, seed=7))


def _copy_entry(stored: StoredArtifact, cache: Path) -> None:
    shutil.copytree(stored.program.parent, cache / "artifacts" / stored.program.parent.name)


def _worker_pids() -> list[int]:
    """Our own children that lower."""
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = [int(pid) for file in children for pid in file.read_text().split()]
    return [pid for pid in pids if b"harness.lowering.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def _wait_for_workers(count: int) -> list[int]:
    deadline = time.monotonic() + 60
    while len(pids := _worker_pids()) != count:
        assert time.monotonic() < deadline, f"{len(pids)} workers instead of {count}"
        time.sleep(0.02)
    return pids


def test_cached_variants_come_first_and_start_no_process(
    small: StoredArtifact, small_int8: StoredArtifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(pool, "start_local", refuse)
    results = list(lower_all([SMALL_INT8, SMALL, SMALL_INT8]))
    assert [(variant, isinstance(r, StoredArtifact) and r.was_cached) for variant, r in results] == [
        (SMALL_INT8, True),
        (SMALL, True),
    ]


def test_what_is_missing_is_lowered_after_what_is_cached(small: StoredArtifact, own_cache: Path) -> None:
    _copy_entry(small, own_cache)
    impossible = Variant(width=0.25, resolution_px=100, precision="fp32")
    results = list(lower_all([impossible, UNKNOWN_SEED, SMALL], workers=1))
    assert [variant for variant, _ in results] == [SMALL, impossible, UNKNOWN_SEED]
    (_, cached), (_, refused), (_, lowered) = results
    assert isinstance(cached, StoredArtifact)
    assert cached.was_cached
    # One failed variant costs nothing but itself: the same process went on to the next.
    assert isinstance(refused, LoweringError)
    assert "multiple of 32" in str(refused)
    assert isinstance(lowered, StoredArtifact)
    assert not lowered.was_cached
    assert not _worker_pids()


def test_a_killed_worker_costs_its_own_variant_only(own_cache: Path) -> None:
    results = lower_all([SMALL, UNKNOWN_SEED], workers=1)
    killer = threading.Thread(target=lambda: os.kill(_wait_for_workers(1)[0], signal.SIGKILL))
    killer.start()
    by_variant = dict(results)
    killer.join()
    assert isinstance(by_variant[SMALL], LoweringError)
    assert "killed by SIGKILL" in str(by_variant[SMALL])
    assert SMALL.name in str(by_variant[SMALL])
    assert isinstance(by_variant[UNKNOWN_SEED], StoredArtifact)


def test_a_worker_that_hangs_is_ended(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "VARIANT_TIMEOUT_S", 0.5)
    ((_, result),) = lower_all([SMALL], workers=1)
    assert isinstance(result, LoweringError)
    assert "longer than 0.5 s" in str(result)
    assert not _worker_pids()


def test_a_worker_that_says_why_it_ends_is_quoted(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "WORKER", (pool.WORKER[0], "-c", "import sys; sys.exit('no space left')"))
    ((_, result),) = lower_all([SMALL], workers=1)
    assert isinstance(result, LoweringError)
    assert "ended with exit code 1: 'no space left'" in str(result)


def test_cancelling_ends_the_workers_at_once(own_cache: Path) -> None:
    cancelled = threading.Event()
    results = lower_all([SMALL, UNKNOWN_SEED], workers=2, cancelled=cancelled)
    consumer = threading.Thread(target=lambda: list(results))
    consumer.start()
    pids = _wait_for_workers(2)
    cancelled.set()
    consumer.join(timeout=10)
    assert not consumer.is_alive()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_abandoning_the_iterator_ends_the_workers(small: StoredArtifact, own_cache: Path) -> None:
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        # A worker that answers its first request with a failure and would then wait for ever.
        script = 'print(\'{"problem": "no"}\', flush=True); import time; time.sleep(600)'
        patch.setattr(pool, "WORKER", (pool.WORKER[0], "-c", script))
        results = lower_all([SMALL, UNKNOWN_SEED], workers=2)
        _, first = next(results)
        assert isinstance(first, LoweringError)
        results.close()
    assert not _worker_pids()


def test_there_is_a_worker_for_each_core_that_memory_allows() -> None:
    assert 1 <= pool.default_workers() <= len(os.sched_getaffinity(0))


def test_a_program_that_fails_under_a_library_is_named_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        subprocess.run(["/bin/false"], check=True)

    monkeypatch.setattr("harness.lowering.worker.lower_cached", fail)
    reply = answer(LoweringRequest(SMALL))
    assert reply.problem == "false failed, which ExecuTorch starts to write a program"
    assert reply.hint.startswith("free space in /")


def test_a_cache_that_cannot_be_written_is_reported_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file"))
    reply = answer(LoweringRequest(SMALL))
    assert reply.problem == f"Not a directory: {tmp_path / 'file' / 'artifacts'}"
    assert reply.hint == "a part of the path is a file; choose another path"
