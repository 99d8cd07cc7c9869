"""Rounds over cells: their order, what is saved when, and what one failure does to the others."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from session_bench import Bench

from builders import make_plan
from fakes import FlakyTransport
from harness.errors import ConnectionLost, MeasurementError
from harness.measuring.cell_state import CellRequest
from harness.measuring.first_session import FirstSession
from harness.records import Beginning, Cell
from harness.runner import report_checks
from harness.transports.local import LocalTransport


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, LocalTransport())


def test_rounds_visit_every_cell_once_in_a_seeded_random_order(bench: Bench) -> None:
    for width in (0.25, 0.5, 0.75, 1.0):
        bench.add(width)
    bench.measure(seed=7)
    order = [cell.variant.shape[0] for cell in bench.saved]
    rounds = [order[:4], order[4:8], order[8:]]
    assert all(sorted(visited) == [0.25, 0.5, 0.75, 1.0] for visited in rounds)
    assert len({tuple(visited) for visited in rounds}) > 1
    first = list(order)
    bench.saved.clear()
    bench.measure(seed=7)
    assert [cell.variant.shape[0] for cell in bench.saved] == first


def test_each_process_is_saved_as_soon_as_it_is_measured(bench: Bench) -> None:
    bench.add(0.25)
    bench.measure(processes=3)
    assert [len(cell.processes) for cell in bench.saved] == [1, 2, 3]
    assert [process.round for process in bench.saved[-1].processes] == [0, 1, 2]


def test_a_runner_that_fails_makes_only_its_own_cell_invalid(bench: Bench) -> None:
    bench.add(0.25)
    bench.add(0.5, end="3")
    bench.add(0.75, end="SIGSEGV")
    bench.measure()
    cells = bench.last()
    assert cells[0.25].failure is None
    assert len(cells[0.25].processes) == 3
    failed, killed = cells[0.5].failure, cells[0.75].failure
    assert failed is not None
    assert failed.what == "the runner failed (3): bad model: made up"
    assert killed is not None
    assert "signal 11" in killed.what
    for width in (0.5, 0.75):
        assert cells[width].verdict.status == "invalid"
        assert cells[width].latency is None
    assert Counter(cell.variant.shape[0] for cell in bench.saved) == {0.25: 3, 0.5: 1, 0.75: 1}


def test_a_wrong_output_fails_parity_and_the_verdict(bench: Bench) -> None:
    bench.add(0.25, output="1.0,2.1")
    bench.measure()
    cell = bench.last()[0.25]
    assert cell.parity is not None
    assert not cell.parity.passed
    assert cell.parity.max_abs_error == pytest.approx(0.1)
    assert cell.verdict.status == "invalid"
    assert "parity_failed" in {reason.code for reason in cell.verdict.reasons}


def test_a_variant_that_was_not_lowered_leaves_the_others_alone(bench: Bench) -> None:
    bench.add(0.25)
    bench.add(0.5, error=True)
    bench.measure()
    assert set(bench.last()) == {0.25}


def test_an_unexpected_error_of_one_cell_leaves_the_others_alone(bench: Bench) -> None:
    bench.add(0.25)
    vanished = bench.add(0.5)
    bench.futures[vanished].result().program.unlink()
    bench.measure()
    cells = bench.last()
    assert len(cells[0.25].processes) == 3
    failure = cells[0.5].failure
    assert failure is not None
    assert failure.what.startswith("No such file or directory: ")


def test_a_cell_whose_figures_cannot_be_saved_fails_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep(cell: Cell) -> None:
        if cell.variant.shape[0] == 0.5 and cell.processes:
            raise MeasurementError("a figure cannot be saved: made up")
        bench.saved.append(cell)

    monkeypatch.setattr(bench, "keep", keep)
    bench.add(0.25)
    bench.add(0.5)
    bench.measure()
    cells = bench.last()
    assert len(cells[0.25].processes) == 3
    failure = cells[0.5].failure
    assert failure is not None
    assert failure.what == "a figure cannot be saved: made up"


def test_an_earlier_cell_goes_on_from_its_processes(bench: Bench) -> None:
    bench.add(0.25)
    bench.measure(processes=3)
    unfinished = bench.saved[1]
    bench.saved.clear()
    bench.measure(processes=3, earlier=(unfinished,))
    assert [len(cell.processes) for cell in bench.saved] == [2, 3]
    assert bench.saved[-1].processes[:2] == unfinished.processes


@pytest.mark.parametrize("change", ["boot_id", "artifact", "failed"])
def test_an_earlier_cell_of_another_boot_or_program_or_a_failed_one_is_measured_again(
    bench: Bench, change: str
) -> None:
    bench.add(0.25, end="3" if change == "failed" else "")
    bench.measure(processes=2)
    earlier = bench.saved[0]
    if change == "boot_id":
        earlier = msgspec.structs.replace(
            earlier, device=msgspec.structs.replace(earlier.device, boot_id="another")
        )
    if change == "artifact":
        earlier = msgspec.structs.replace(
            earlier, artifact=msgspec.structs.replace(earlier.artifact, sha256="f" * 64)
        )
    bench.saved.clear()
    bench.add(0.25)
    bench.measure(processes=2, earlier=(earlier,))
    assert [len(cell.processes) for cell in bench.saved] == [1, 2]


def test_a_second_session_pushes_nothing(bench: Bench) -> None:
    bench.add(0.25)
    bench.measure(processes=1)
    assert sum("pushing" in text for text in bench.progress) == 2
    bench.progress.clear()
    bench.measure(processes=1)
    assert not any("pushing" in text for text in bench.progress)


def test_a_finished_cell_of_an_earlier_boot_is_not_measured_again(bench: Bench) -> None:
    bench.add(0.25)
    bench.measure(processes=2)
    earlier = bench.saved[-1]
    rebooted = msgspec.structs.replace(
        earlier, device=msgspec.structs.replace(earlier.device, boot_id="another")
    )
    bench.saved.clear()
    bench.measure(processes=2, earlier=(rebooted,))
    assert bench.saved == [rebooted]


def test_a_lost_connection_while_measuring_loses_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FlakyTransport(lambda argv: "--conditions" in argv, times=3))
    bench.add(0.25)
    bench.measure(processes=3)
    assert len(bench.saved[-1].processes) == 3
    assert bench.saved[-1].failure is None


def test_a_device_that_is_gone_ends_its_session_and_keeps_what_it_has(tmp_path: Path) -> None:
    calls = Counter[str]()

    def after_the_first_process(argv: Sequence[str]) -> bool:
        calls["started"] += "--conditions" in argv
        return calls["started"] > 1

    bench = Bench(tmp_path, FlakyTransport(after_the_first_process, times=1000))
    bench.add(0.25)
    with pytest.raises(ConnectionLost):
        bench.measure(processes=3)
    assert len(bench.saved[-1].processes) == 1


def measure(bench: Bench, earlier: tuple[Cell, ...] = (), **changes: object) -> Cell:
    plan = make_plan(warmup_iterations=1, **changes)
    bench.session().measure([CellRequest(v, plan) for v in bench.futures], earlier, seed=0)
    return bench.saved[-1]


def test_rounds_go_on_until_the_median_is_known_and_the_cell_records_why_they_ended(bench: Bench) -> None:
    bench.add(0.25)
    cell = measure(bench, processes=2, max_processes=6, target_precision=0.02)
    assert (len(cell.processes), cell.stopped_by) == (2, "target_precision")
    cell = measure(bench, processes=2, max_processes=4)
    assert (len(cell.processes), cell.stopped_by) == (4, "max_rounds")


def test_a_task_profile_that_the_device_lacks_is_a_reason_and_no_failure(bench: Bench) -> None:
    bench.add(0.25)
    cell = measure(bench, processes=2, task_profile="top-app")
    found = [process.task_profile for process in cell.processes]
    assert [one and (one.name, one.took_hold) for one in found] == [("top-app", ())] * 2
    (reason,) = (one for one in cell.verdict.reasons if one.code == "task_profile_not_applied")
    assert reason.detail.startswith(
        "2 of 2 processes did not run as top-app: the device has no settaskprofile"
    )
    (detailed,) = (one for one in bench.detailed if one.memory and one.memory.detail)
    assert detailed.memory is not None
    assert detailed.memory.detail is not None
    assert detailed.memory.detail.unavailable is None


def test_time_ends_measuring_after_one_process_of_each_cell_and_resuming_goes_on(bench: Bench) -> None:
    requests = [
        CellRequest(bench.add(width), make_plan(processes=3, warmup_iterations=1, max_minutes=60.0))
        for width in (0.25, 0.5)
    ]
    session = replace(bench.session(), first_session=FirstSession(time.monotonic() - 3600))
    session.measure(requests, (), seed=0)
    ended = bench.last()
    assert {(len(cell.processes), cell.stopped_by) for cell in ended.values()} == {(1, "max_minutes")}
    bench.session().measure(requests, tuple(ended.values()), seed=0)
    for width, cell in bench.last().items():
        assert (len(cell.processes), cell.stopped_by) == (3, "max_rounds")
        assert cell.processes[:1] == ended[width].processes


def test_memory_is_read_in_a_process_of_its_own_after_the_rounds(bench: Bench) -> None:
    bench.add(0.25)
    bench.add(0.5)
    bench.measure(processes=2)
    assert len(bench.saved) == 4
    for cell in bench.detailed:
        assert len(cell.processes) == 2
        assert cell.stopped_by == "max_rounds"
        assert cell.memory is not None
        assert cell.memory.detail is not None
        assert (cell.memory.detail.pss_end_bytes, cell.memory.detail.private_dirty_initialized_bytes) == (
            9,
            6,
        )
    before = tuple(bench.detailed)
    bench.progress.clear()
    bench.measure(processes=2, earlier=before)
    assert not any("memory" in text for text in bench.progress)


def test_a_memory_pass_that_fails_leaves_the_cell_with_the_reason(bench: Bench) -> None:
    bench.add(0.25, ending=" no memory")
    bench.measure(processes=2)
    (cell,) = bench.detailed
    assert cell.failure is None
    assert cell.memory is not None
    assert cell.memory.detail is not None
    assert cell.memory.detail.pss_end_bytes is None
    assert cell.memory.detail.unavailable == "the runner failed (6): made up"


def test_a_clock_that_dips_while_a_process_runs_is_in_the_cell_and_its_verdict(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.runner.sampler.SHORTEST_PERIOD_S", 0.1)
    folder = tmp_path / "root" / "sys/devices/system/cpu/cpu0/cpufreq"
    folder.mkdir(parents=True)
    (folder / "scaling_cur_freq").write_text("1800000\n")
    (folder / "scaling_governor").write_text("performance\n")
    monkeypatch.setenv("HARNESS_PROBE_ROOT", str(tmp_path / "root"))
    bench.add(0.25)
    cell = measure(bench, processes=1, sampler=True, max_seconds=1.0)
    (process,) = cell.processes
    assert process.conditions_before.frequencies_khz == process.conditions_after.frequencies_khz
    assert process.sampled is not None
    clocks = [sample.frequencies_khz for sample in process.sampled.samples]
    assert {(900_000,), (1_800_000,)} <= set(clocks)
    details = {reason.code: reason.detail for reason in cell.verdict.reasons}
    assert details["throttled"].startswith("core 0 fell from 1800 to 900 MHz while a process ran")


def test_a_failing_sampler_leaves_the_cell_without_samples(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device has lost the script, say."""
    monkeypatch.setattr("harness.runner.start.sampler_words", lambda *_, **__: "fly")
    bench.add(0.25)
    (process,) = measure(bench, processes=1, sampler=True).processes
    assert process.latencies_ns == (4, 4, 4)
    assert process.sampled is not None
    assert "samples could not be fetched whole" in process.sampled.unreadable["samples"]


def test_cold_starts_are_processes_of_their_own(bench: Bench) -> None:
    bench.add(0.25)
    bench.add(0.5, ending=" page stays")
    plan = make_plan(processes=2, warmup_iterations=1)
    replace(bench.session(), cold=True).measure([CellRequest(v, plan) for v in bench.futures], (), seed=0)
    cells = {cell.variant.shape[0]: cell for cell in bench.detailed}
    cold, kept = cells[0.25].cold, cells[0.5].cold
    assert [len(process.latencies_ns) for process in cells[0.25].processes] == [3, 3]
    assert cold is not None
    assert cold.startup is not None
    assert (cold.startup.total_ns.estimate, len(cold.processes), cold.unavailable) == (11, 2, None)
    assert_began_after(cells[0.25], *(one.began for one in cold.processes))
    assert kept is not None
    assert kept.startup is None
    assert kept.unavailable == "2 of 2 processes were not cold: a page stayed"
    assert cells[0.5].failure is None


def test_a_cold_start_may_take_as_long_as_this_machine_was_suspended(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In suspend, the clock of time.monotonic stands still.
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(report_checks, "HOST_SLACK_S", 0.0)
    bench.add(0.25)
    plan = make_plan(processes=1, warmup_iterations=1)
    replace(bench.session(), cold=True).measure([CellRequest(v, plan) for v in bench.futures], (), seed=0)
    cold = bench.detailed[-1].cold
    assert cold is not None
    assert (cold.startup is not None, cold.unavailable) == (True, None)


def test_operators_are_timed_in_a_process_of_its_own_when_asked_for(bench: Bench) -> None:
    bench.add(0.25)
    bench.measure(processes=2)
    assert bench.detailed[-1].profile is None
    session = replace(bench.session(), profile=True)
    plan = make_plan(processes=2, warmup_iterations=1)
    session.measure([CellRequest(v, plan) for v in bench.futures], (bench.detailed[-1],), seed=0)
    cell = bench.detailed[-1]
    assert [len(process.latencies_ns) for process in cell.processes] == [3, 3]
    assert cell.profile is not None
    (operator,) = cell.profile.operators
    assert (operator.kind, operator.mean_ns, operator.share) == ("first convolution", 14.0, 1.0)
    assert cell.profile.iterations == 30
    assert_began_after(cell, cell.profile.began)


def assert_began_after(cell: Cell, *found: Beginning | None) -> None:
    """By the device's uptime and this machine's clock, after the last timed process."""
    last = cell.processes[-1]
    before = [Beginning(started_at=last.started_at, uptime_seconds=last.conditions_before.uptime_seconds)]
    began = [*before, *(one for one in found if one)]
    assert len(began) == 1 + len(found)
    assert [one.started_at for one in began] == sorted({one.started_at for one in began})
    uptimes = [one.uptime_seconds or 0.0 for one in began]
    assert uptimes == sorted(uptimes)
    assert uptimes[0] > 0
