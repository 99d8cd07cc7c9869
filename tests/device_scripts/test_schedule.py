"""The runner on a schedule: each inference in the first slot that is left, and none of them moved."""

from collections.abc import Callable

import pytest
from runner_program import Runner

from builders import make_process
from harness.records import ProcessReport, RunnerReport
from harness.records.schedule import find_off_schedule, steady_starts
from harness.runner.bundle import Bundle, ensure_bench_bundle

TIMED = ("--warmup-iterations", "2", "--counted-iterations", "1", "--min-iterations", "10")


def as_process(report: RunnerReport) -> ProcessReport:
    return make_process(latencies_ns=report.latencies_ns, starts_ns=report.starts_ns)


def test_inferences_start_a_period_apart(any_runner: Runner) -> None:
    period_ns = 20_000_000
    report = any_runner.measure("delegated", *TIMED, "--period-ns", str(period_ns))
    assert report.starts_ns is not None
    assert len(report.starts_ns) == len(report.latencies_ns) == 10
    assert len(report.warmup_ns) == 2
    assert not list(find_off_schedule(as_process(report), period_ns))
    # Late starts and slow inferences may cost slots on a busy machine, and never move one.
    slots = [start // period_ns for start in report.starts_ns]
    assert slots == sorted(set(slots))
    assert slots[-1] >= 9


def test_back_to_back_there_is_no_schedule(runner: Runner) -> None:
    assert runner.measure("delegated", "--min-iterations", "3").starts_ns is None


def test_the_timed_duration_counts_from_the_first_slot(runner: Runner) -> None:
    report = runner.measure("delegated", "--period-ns", "10000000", "--min-seconds", "0.1")
    assert report.starts_ns is not None
    assert report.starts_ns[-1] + report.latencies_ns[-1] >= 100_000_000
    assert len(report.latencies_ns) <= 12


def test_an_inference_longer_than_the_period_costs_slots_and_the_schedule_does_not_drift(
    runner_of: Callable[[Bundle], Runner], native_bundle: Bundle
) -> None:
    """Some 40 ms at 30 a second. How long it takes depends on the machine: at least more than a period."""
    bundle = ensure_bench_bundle(native_bundle.abi, slow_down_operations=40_000_000)
    period_ns = 10_000_000
    report = runner_of(bundle).measure("delegated", *TIMED, "--period-ns", str(period_ns))
    process = as_process(report)
    assert not list(find_off_schedule(process, period_ns))
    starts = steady_starts([process], period_ns)
    assert all(start.misses(period_ns) for start in starts)
    due_ns = 0
    for start, began_ns in zip(starts, report.starts_ns or (), strict=True):
        # The k-th start belongs to the k-th slot that was left, however late the machine was.
        assert began_ns == due_ns + start.late_ns
        due_ns += start.periods * period_ns
        assert due_ns >= began_ns + start.latency_ns > due_ns - period_ns


@pytest.mark.parametrize("period", ["-1", "0.5", "nan", "1e11", "ten"])
def test_what_is_no_period_is_refused(runner: Runner, period: str) -> None:
    ended = runner.run(
        *("--model", runner.programs.path("delegated"), "--input", runner.programs.input),
        *("--report", runner.report, "--period-ns", period),
    )
    assert ended.returncode == 2
    assert "option --period-ns takes a" in ended.stderr
