"""A session waits until the device is cool, and records where it did not become so."""

from dataclasses import replace
from pathlib import Path

import pytest
from session_bench import Bench

from builders import make_plan
from harness.errors import Interrupted
from harness.measuring.cell_state import CellRequest
from harness.measuring.first_session import FirstSession
from harness.records import Cell
from harness.system.threads import Cancellation
from harness.transports.local import LocalTransport


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, LocalTransport())


@pytest.fixture
def thermal_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zone at 40 °C; each process of the bench heats it to 60 °C, and after 2 s it is at 41 °C."""
    monkeypatch.setattr("harness.measuring.cooling.POLL_S", 0.05)
    zone = tmp_path / "root" / "sys/class/thermal/thermal_zone0/temp"
    zone.parent.mkdir(parents=True)
    zone.write_text("40000\n")
    monkeypatch.setenv("HARNESS_PROBE_ROOT", str(tmp_path / "root"))
    return zone


def measure(bench: Bench, **changes: object) -> Cell:
    plan = make_plan(warmup_iterations=1, **changes)
    bench.session().measure([CellRequest(v, plan) for v in bench.futures], (), seed=0)
    return bench.saved[-1]


@pytest.mark.usefixtures("thermal_zone")
def test_a_device_cools_down_before_the_next_process(bench: Bench) -> None:
    bench.add(0.25)
    bench.measure(processes=2)
    first, second = bench.saved[-1].processes
    assert first.cooled_seconds == 0.0
    assert second.cooled_seconds is not None
    assert second.cooled_seconds > 0
    (before,) = second.conditions_before.temperatures or ()
    assert before.celsius == 41.0
    assert "waiting for the device to cool down" in bench.progress


@pytest.mark.usefixtures("thermal_zone")
def test_a_later_session_of_a_run_begins_as_cool_as_the_first(bench: Bench) -> None:
    first = FirstSession()
    for width in (0.25, 0.5):
        request = CellRequest(bench.add(width), make_plan(processes=1, warmup_iterations=1))
        replace(bench.session(), first_session=first).measure([request], (), seed=0)
    (later,) = bench.last()[0.5].processes
    assert later.cooled_seconds is not None
    assert later.cooled_seconds > 0
    (before,) = later.conditions_before.temperatures or ()
    assert before.celsius == 41.0


def test_the_first_process_waits_for_the_absolute_temperature_limit(bench: Bench, thermal_zone: Path) -> None:
    bench.add(0.25)

    def cool(text: str) -> None:
        bench.progress.append(text)
        if bench.progress.count("waiting for the device to cool down") == 3:
            thermal_zone.write_text("34000\n")

    session = replace(bench.session(), progress=cool)
    plan = make_plan(processes=1, warmup_iterations=1, max_temp_celsius=35.0)
    session.measure([CellRequest(v, plan) for v in bench.futures], (), seed=0)
    (process,) = bench.saved[-1].processes
    assert process.cooled_seconds == pytest.approx(0.15)
    (before,) = process.conditions_before.temperatures or ()
    assert before.celsius == 34.0
    assert "above_max_temp" not in {reason.code for reason in bench.saved[-1].verdict.reasons}


@pytest.mark.usefixtures("thermal_zone")
def test_a_temperature_limit_that_is_not_reached_is_logged_and_makes_the_cell_suspect(bench: Bench) -> None:
    bench.add(0.25)
    cell = measure(bench, processes=1, max_temp_celsius=35.0, max_cooling_seconds=0.1)
    assert cell.processes[0].cooled_seconds == pytest.approx(0.1)
    assert "the device is still at 40.0 °C after cooling for 0.1 s; --max-temp is 35 °C" in bench.log
    details = {reason.code: reason.detail for reason in cell.verdict.reasons}
    assert details["above_max_temp"] == (
        "1 of 1 processes began above --max-temp 35 °C, at up to 40.0 °C, after 0.1 s of cooling"
    )


def test_a_temperature_limit_without_a_readable_temperature_is_logged_once(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_PROBE_ROOT", str(tmp_path / "nothing"))
    bench.add(0.25)
    cell = measure(bench, processes=2, max_temp_celsius=35.0)
    assert [process.cooled_seconds for process in cell.processes] == [None, None]
    text = "--max-temp has no effect: no temperature can be read on this device"
    assert bench.log.count(text) == 1


@pytest.mark.usefixtures("thermal_zone")
def test_cancelling_ends_the_wait_for_a_hot_device(bench: Bench) -> None:
    bench.add(0.25)
    cancellation = Cancellation()

    def cancel_while_cooling(text: str) -> None:
        if text == "waiting for the device to cool down":
            cancellation.cancel()

    session = replace(bench.session(), progress=cancel_while_cooling, cancellation=cancellation)
    plan = make_plan(processes=1, max_temp_celsius=35.0)
    with pytest.raises(Interrupted):
        session.measure([CellRequest(v, plan) for v in bench.futures], (), seed=0)
    assert bench.saved == []
