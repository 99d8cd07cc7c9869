"""The sustained run of each cell in a session: after all others, from a cool device, lost or taken over."""

import itertools
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from session_bench import Bench

from builders import QUIET, make_plan
from harness.analysis.failures import cell_errors
from harness.errors import ConnectionLost
from harness.measuring import cooling as cooling_module
from harness.measuring.cell_state import CellRequest
from harness.measuring.device_processes import DeviceProcesses
from harness.measuring.first_session import FirstSession
from harness.measuring.plans import seconds_for_long_runs, sustain_plan
from harness.measuring.sustaining import SustainPlan, counting_down, shown
from harness.records import Cell, RunRequest, Temperature
from harness.system.processes import Completed
from harness.transports.base import LONGEST_ANSWER
from harness.transports.local import LocalTransport
from harness.transports.reconnecting import DeviceRestarted

FOUR_SECONDS = SustainPlan(seconds=4, sampler=False)
PLAN = make_plan(processes=2, warmup_iterations=1)


class EndingTransport(LocalTransport):
    """Raises an error once a sustained run is to start, `after` it has run or before; nothing works then."""

    def __init__(self, error: Exception, *, after: bool = False) -> None:
        self._error = error
        self._after = after
        self._gone = False
        self.requests: list[bytes] = []

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
        longest_bytes: int = LONGEST_ANSWER,
    ) -> Completed:
        """Run it as long as there is a device."""
        if self._gone:
            raise self._error
        if b'sustain_seconds":4' in stdin:
            self.requests.append(stdin)
        if "--sustain-seconds" not in argv:
            return super().run(argv, timeout_s=timeout_s, stdin=stdin, longest_bytes=longest_bytes)
        if self._after:
            super().run(argv, timeout_s=timeout_s, stdin=stdin, longest_bytes=longest_bytes)
        self._gone = True
        raise self._error


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, LocalTransport())


def sustain(
    bench: Bench, earlier: tuple[Cell, ...] = (), plan: SustainPlan = FOUR_SECONDS
) -> dict[float, Cell]:
    session = replace(bench.session(), sustain=plan, run="a run")
    session.measure([CellRequest(v, PLAN) for v in bench.futures], earlier, seed=0)
    return {cell.variant.shape[0]: cell for cell in bench.detailed}


def test_the_run_is_one_more_process_of_each_cell_and_a_failed_one_leaves_the_cell(bench: Bench) -> None:
    bench.add(0.25)
    bench.add(0.5, ending=" made up heat")
    bench.add(0.75, ending=" too short")
    cells = sustain(bench)
    sustained = cells[0.25].sustained
    assert sustained is not None
    assert sustained.run is not None
    assert sustained.figures is not None
    assert sustained.run.median_ns == (4_000_000, 4_000_000, 8_000_000, 8_000_000)
    assert sustained.figures.retained == 0.75
    assert [len(process.latencies_ns) for process in cells[0.25].processes] == [3, 3]
    failed, short = cells[0.5].sustained, cells[0.75].sustained
    assert failed is not None
    assert failed.unavailable == "the runner failed (6): made up heat"
    assert short is not None
    assert short.unavailable is not None
    assert "was to run for 4 s, but ended after" in short.unavailable
    for width in (0.5, 0.75):
        assert cells[width].failure is None
        assert cells[width].latency is not None
        assert "sustained_unavailable" in {reason.code for reason in cells[width].verdict.reasons}
    errors = list(cell_errors([cells[width] for width in (0.25, 0.5, 0.75)]))
    assert [error.what.partition(":")[0] for error in errors] == ["no sustained figures"] * 2
    # None is run again, whether it has figures or the reason why not.
    bench.detailed.clear()
    assert sustain(bench, tuple(cells.values()))[0.25].sustained == sustained


def test_a_sustained_run_has_the_task_profile_and_how_it_was_scheduled(bench: Bench) -> None:
    plan = msgspec.structs.replace(PLAN, task_profile="background")
    session = replace(bench.session(), sustain=FOUR_SECONDS)
    session.measure([CellRequest(bench.add(0.25), plan)], (), seed=0)
    sustained = bench.detailed[-1].sustained
    assert sustained is not None
    assert sustained.run is not None
    assert sustained.run.scheduling is not None
    assert sustained.run.scheduling.cpuset == "/"
    assert sustained.run.task_profile is not None
    assert sustained.run.task_profile.name == "background"


def test_a_run_that_would_end_after_the_time_limit_is_not_begun_and_comes_with_the_next_session(
    bench: Bench,
) -> None:
    limited = make_plan(processes=3, warmup_iterations=1, max_minutes=1.0)
    requests = [CellRequest(bench.add(0.25), limited)]
    # Of the minute 57 s have passed: the rounds leave 4 s to the sustained run, which are no longer there.
    late = replace(
        bench.session(),
        sustain=FOUR_SECONDS,
        reserved_s=4.0,
        first_session=FirstSession(time.monotonic() - 57),
    )
    late.measure(requests, (), seed=0)
    cell = bench.detailed[-1]
    assert (len(cell.processes), cell.stopped_by) == (1, "max_minutes")
    assert cell.sustained is not None
    assert cell.sustained.unavailable == "not begun, because it would end after --time-limit"
    replace(bench.session(), sustain=FOUR_SECONDS, reserved_s=4.0).measure(requests, (cell,), seed=0)
    resumed = bench.detailed[-1]
    assert len(resumed.processes) == 3
    assert resumed.sustained is not None
    assert resumed.sustained.run is not None


def test_the_time_that_sustained_runs_take_is_known_for_the_cells_that_lack_one(bench: Bench) -> None:
    requests = [CellRequest(bench.add(width), PLAN) for width in (0.25, 0.5)]
    assert seconds_for_long_runs(requests, (), None, None, "real") == 0.0
    assert seconds_for_long_runs(requests, (), FOUR_SECONDS, None, "real") == 8.0
    measured = tuple(sustain(bench).values())
    assert seconds_for_long_runs(requests, measured[:1], FOUR_SECONDS, None, "real") == 4.0


def test_a_device_that_restarts_is_not_heated_again_and_keeps_what_it_measured(tmp_path: Path) -> None:
    transport = EndingTransport(DeviceRestarted("the device restarted"))
    bench = Bench(tmp_path, transport)
    bench.add(0.25)
    with pytest.raises(DeviceRestarted):
        sustain(bench)
    (cell,) = [cell for cell in bench.detailed if cell.sustained]
    assert cell.latency is not None
    assert cell.sustained is not None
    assert cell.sustained.unavailable == "the device restarted"
    # What `parallel` does next: the cells that are finished stay.
    after = Bench(tmp_path, LocalTransport())
    after.futures = bench.futures
    sustain(after, (cell,))
    assert after.detailed[-1].sustained == cell.sustained
    assert len(transport.requests) == 1


def test_a_device_that_does_not_come_back_can_be_asked_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, EndingTransport(ConnectionLost("the cable was pulled")))
    bench.add(0.25)
    with pytest.raises(ConnectionLost):
        sustain(bench)
    assert bench.detailed[-1].sustained is None
    assert bench.detailed[-1].latency is not None
    assert any("--resume takes its result, or runs it again" in line for line in bench.log)


def test_a_run_that_kept_running_is_taken_over_by_the_next_session(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LocalTransport())
    bench.add(0.25)
    bench.session().measure([CellRequest(v, PLAN) for v in bench.futures], (), seed=0)
    measured = bench.detailed[-1]
    # This machine is switched off while it runs: only the folder on the device is left.
    first = Bench(tmp_path, EndingTransport(ConnectionLost("this machine was switched off"), after=True))
    first.futures = bench.futures
    with pytest.raises(ConnectionLost):
        sustain(first, (measured,))
    assert (tmp_path / "device" / "jobs" / "current" / "report.json").exists()
    transport = EndingTransport(ConnectionLost("no second run"))
    second = Bench(tmp_path, transport)
    second.futures = bench.futures
    taken = sustain(second, (measured,))[0.25].sustained
    assert taken is not None
    assert taken.figures is not None
    assert taken.figures.retained == 0.75
    assert transport.requests == []
    assert "taking the result of the sustained run" in " ".join(second.log)


# The gate, the plan, the time left ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "gate"),
    [
        (QUIET, 60.0),
        (msgspec.structs.replace(QUIET, battery_percent=80), 45.0),
        (msgspec.structs.replace(QUIET, battery_celsius=31.0), 45.0),
    ],
)
def test_the_gate_is_absolute_and_lower_on_a_phone(conditions: object, gate: float) -> None:
    assert isinstance(conditions, type(QUIET))
    assert FOUR_SECONDS.gate_celsius(conditions) == gate
    assert replace(FOUR_SECONDS, max_temp_celsius=38.0).gate_celsius(conditions) == 38.0


def processes_reading(bench: Bench, *celsius: float | None) -> DeviceProcesses:
    """Whose device shows these temperatures, one reading after the other."""
    session = bench.session()
    readings = itertools.chain(celsius, itertools.repeat(celsius[-1]))

    class Reading(DeviceProcesses):
        def _read_conditions(self):  # type: ignore[no-untyped-def]
            now = next(readings)
            zones = None if now is None else (Temperature(zone="cpu-thermal", celsius=now),)
            return msgspec.structs.replace(QUIET, temperatures=zones)

        def _pause(self, seconds: float) -> None:
            pass

    return Reading(
        session.device,
        session._deploy()._bundle,
        progress=bench.progress.append,
        log=bench.log.append,
        cancellation=session.cancellation,
    )


def test_a_hot_device_is_waited_for_until_it_is_below_the_gate(bench: Bench) -> None:
    cooled, gate = processes_reading(bench, 80.0, 80.0, 70.0, 62.0, 59.0)._cool_to_gate(PLAN, FOUR_SECONDS)
    assert gate == 60.0
    assert cooled is not None
    assert cooled.seconds == 3 * cooling_module.POLL_S
    assert bench.log == []


def test_a_device_that_stays_hot_begins_all_the_same_and_that_is_logged(bench: Bench) -> None:
    plan = replace(FOUR_SECONDS, max_cooling_seconds=10.0)
    cooled, _ = processes_reading(bench, 80.0)._cool_to_gate(PLAN, plan)
    assert cooled is not None
    assert cooled.seconds == 10.0
    assert bench.log == ["the sustained run begins at 80.0 °C, above 60 °C, after cooling for 10 s"]


def test_a_hot_device_that_is_not_waited_for_is_told_as_well(bench: Bench) -> None:
    plan = replace(FOUR_SECONDS, max_cooling_seconds=0.0)
    cooled, gate = processes_reading(bench, 80.0)._cool_to_gate(PLAN, plan)
    assert gate == 60.0
    assert cooled is not None
    assert cooled.conditions is not None
    assert len(bench.log) == 1


def test_without_a_temperature_there_is_no_gate_and_that_is_logged(bench: Bench) -> None:
    assert processes_reading(bench, None)._cool_to_gate(PLAN, FOUR_SECONDS) == (None, None)
    assert bench.log == ["no temperature can be read on this device: the sustained run may begin warm"]


def test_clocks_are_sampled_beside_it_unless_the_user_or_the_clock_says_no() -> None:
    request = RunRequest(
        devices=("x",),
        widths=(0.25,),
        resolutions_px=(128,),
        precisions=("int8",),
        threads=(8,),
        sustain_seconds=600,
    )
    found = sustain_plan(request, "real")
    assert found == SustainPlan(seconds=600, sampler=True)
    for other in (
        sustain_plan(msgspec.structs.replace(request, sampler=False), "real"),
        sustain_plan(request, "virtual"),
    ):
        assert other is not None
        assert not other.sampler
    assert sustain_plan(msgspec.structs.replace(request, sustain_seconds=None), "real") is None


def test_the_time_left_is_told_again_and_again() -> None:
    told: list[tuple[str, float]] = []
    with counting_down(lambda text, left_s: told.append((text, left_s)), "a cell", 600, every_s=0.01):
        while len(told) < 3:
            time.sleep(0.01)
    assert told[0][0] == "a cell, 10:00 of 10:00 left"
    assert told[0][1] == pytest.approx(600, abs=5)
    assert told[0][1] > told[1][1] > told[2][1]


@pytest.mark.parametrize(("seconds", "text"), [(5, "0:05"), (65, "1:05"), (3600, "1:00:00"), (-1, "0:00")])
def test_durations_are_shown_in_minutes(seconds: float, text: str) -> None:
    assert shown(seconds) == text
