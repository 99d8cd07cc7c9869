"""The trace that Perfetto opens: what ran when, nested as a reader nests it, with clocks and temperatures."""

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from builders import (
    QUIET,
    make_cell,
    make_cold,
    make_device,
    make_energy_cell,
    make_energy_run,
    make_process,
    make_run,
    make_sustained_cell,
    make_sustained_run,
)
from harness.records import (
    Beginning,
    Cell,
    ConditionsSample,
    OperatorTime,
    ProcessReport,
    Profile,
    SampledConditions,
)
from reports.report import write_report
from reports.trace import trace_events, write_trace
from reports.trace_devices import traced_devices

SCHEMA = json.loads((Path(__file__).parents[1] / "data" / "schemas" / "chrome_trace.json").read_text())
SAMPLED = SampledConditions(
    period_seconds=0.5,
    cores=(4,),
    zones=("cpu",),
    samples=(
        ConditionsSample(uptime_seconds=100.5, frequencies_khz=(1_800_000,), celsius=(41.0,)),
        ConditionsSample(uptime_seconds=101.0, frequencies_khz=(None,), celsius=(42.5,)),
    ),
)


def process(uptime: float | None, number: int = 0, **facts: Any) -> ProcessReport:
    return make_process(
        round=number,
        started_at=f"2026-01-01T00:00:{number:02}Z",
        conditions_before=replace(QUIET, uptime_seconds=uptime),
        conditions_after=replace(QUIET, uptime_seconds=None if uptime is None else uptime + 2),
        **facts,
    )


def traced(*cells: Cell, most_slices: int = 10_000) -> list[dict[str, Any]]:
    return list(trace_events(traced_devices([(make_run(cells), cells)]), most_slices))


def slices(events: Iterable[dict[str, Any]], name: str = "") -> list[dict[str, Any]]:
    return [one for one in events if one["ph"] == "X" and one["name"].startswith(name)]


def counted(events: Iterable[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    return [(one["ts"], one["args"]["value"]) for one in events if one["ph"] == "C" and one["name"] == name]


@pytest.fixture
def cell() -> Cell:
    """All that a trace can have."""
    operators = (
        OperatorTime(name="conv", kind="first convolution", mean_ns=3e5, share=0.75),
        OperatorTime(name="linear\x1b[31m", kind="classifier", mean_ns=1e5, share=0.25),
    )
    paced = process(
        200.0, 1, warmup_ns=(3, 4), warmup_cut=1, latencies_ns=(900, 800), starts_ns=(0, 5_000, 10_000)
    )
    measured = make_cell(processes=(process(100.0, 0, cooled_seconds=3.5, sampled=SAMPLED), paced))
    minutes = make_sustained_run(
        (60, 10.0), khz=(1_800_000,), started_at="2026-01-01T00:01:00Z", cooled_seconds=60.0
    )
    return replace(make_sustained_cell(minutes, measured), profile=Profile(iterations=9, operators=operators))


def test_the_file_is_chromes_format(cell: Cell, tmp_path: Path) -> None:
    other = replace(cell, device=make_device(name="other\u202e", model="<script>"))
    cells = (cell, other)
    write_trace(traced_devices([(make_run(cells), cells)]), tmp_path / "trace.json")
    document = json.loads((tmp_path / "trace.json").read_text())
    jsonschema.validate(document, SCHEMA)
    assert {one["pid"] for one in document["traceEvents"]} == {1, 2}
    assert not any(mark in (tmp_path / "trace.json").read_text() for mark in ("\u202e", "\x1b", "\\u001b"))


def test_every_thread_is_nested_as_a_reader_computes_it(cell: Cell) -> None:
    """In nanoseconds, cut off: slices that touch overlap by one where a product is not exact."""
    chance = random.Random(0)
    odd = tuple(chance.randrange(10_000, 20_000) for _ in range(20_000))
    cell = replace(cell, processes=(*cell.processes, process(90_000.0, 2, latencies_ns=odd)))
    threads: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for one in slices(traced(cell, most_slices=100_000)):
        begin, end = int(one["ts"] * 1000), int(one["ts"] * 1000) + int(one["dur"] * 1000)
        threads.setdefault((one["pid"], one["tid"]), []).append((begin, end))
    assert len(threads) == 2
    for spans in threads.values():
        open_ends: list[int] = []
        for begin, end in sorted(spans, key=lambda span: (span[0], -span[1])):
            while open_ends and open_ends[-1] <= begin:
                open_ends.pop()
            assert not open_ends or end <= open_ends[-1], (begin, end, open_ends)
            open_ends.append(end)


def test_a_process_begins_at_its_uptime_and_holds_what_was_timed() -> None:
    facts = {"canary_ns": 1_500_000}
    events = traced(make_cell(processes=(process(100.0, 0, **facts), process(130.0, 1, **facts))))
    first, second = slices(events, "process")
    assert (first["ts"], second["ts"]) == (0.0, 30e6)
    assert first["args"]["placed by"] == "uptime"
    one = make_process()
    inside = [event["name"] for event in slices(events) if 0 <= event["ts"] < 30e6]
    assert inside[1:5] == ["canary", "load", "initialize", "first inference"]
    assert len(slices(events, "inference")) == 2 * len(one.latencies_ns)
    assert len(slices(events, "warm-up")) == 2 * len(one.warmup_ns)
    assert slices(events, "inference")[0]["dur"] == pytest.approx(one.latencies_ns[0] / 1e3, abs=0.003)


def test_paced_inferences_begin_when_they_began() -> None:
    paced = process(1.0, warmup_ns=(), latencies_ns=(900, 800), starts_ns=(0, 5_000))
    first, second = slices(traced(make_cell(processes=(paced,))), "inference")
    assert second["ts"] - first["ts"] == pytest.approx(5.0)


def test_a_restart_and_a_missing_uptime_are_laid_after_what_was_before() -> None:
    processes = (process(500.0, 0), process(10.0, 1, cooled_seconds=7.0), process(None, 2))
    events = traced(make_cell(processes=processes))
    first, second, third = slices(events, "process")
    assert second["ts"] == pytest.approx(first["ts"] + first["dur"] + 7e6, abs=1)
    assert third["ts"] == pytest.approx(second["ts"] + second["dur"], abs=1)
    assert third["args"]["placed by"] == "the process before: no uptime was read"
    (cooling,) = slices(events, "cooling")
    assert cooling["ts"] + cooling["dur"] == pytest.approx(second["ts"], abs=1)


def test_clocks_and_temperatures_are_counters_at_their_uptimes(cell: Cell) -> None:
    events = traced(cell)
    start = slices(events, "process 0")[0]["ts"]
    clocks, degrees = counted(events, "core 4, MHz"), counted(events, "cpu, °C")
    assert (start + 0.5e6, 1800.0) in clocks
    assert (start + 0.5e6, 41.0) in degrees
    assert (start + 1.0e6, 42.5) in degrees
    assert not [value for at, value in clocks if at == start + 1.0e6]


def test_a_sustained_run_is_a_slice_with_a_counter_of_its_seconds(cell: Cell) -> None:
    events = traced(cell)
    (run,) = slices(events, "sustained run")
    assert run["dur"] == pytest.approx(60e6, abs=1)
    seconds = counted(events, f"{cell.name}: median of a second, ms")
    assert len(seconds) == 60
    at, milliseconds = seconds[0]
    assert at == run["ts"]
    assert milliseconds == pytest.approx(10.0, rel=0.01)


def test_operators_lie_end_to_end_on_a_thread_that_says_what_they_are(cell: Cell) -> None:
    events = traced(cell)
    first, second = (one for one in slices(events) if one["tid"] == 2)
    assert (first["name"], first["args"]) == ("conv", {"kind": "first convolution", "share": 0.75})
    last = max(slices(events, "process"), key=lambda one: float(one["ts"]))
    assert first["ts"] == pytest.approx(last["ts"] + last["dur"], abs=0.01)
    assert second["ts"] - first["ts"] == pytest.approx(300.0)
    names = [one["args"]["name"] for one in events if one["name"] == "thread_name"]
    assert names[1].endswith(": operators, means of a profile")


def test_cold_starts_lie_after_the_processes_on_a_thread_that_says_so(cell: Cell) -> None:
    events = traced(replace(cell, cold=make_cold(30, 40)))
    last = max(slices(events, "process"), key=lambda one: float(one["ts"]))
    (operators,) = slices(events, "linear")
    first, second = slices(events, "cold start")
    assert first["tid"] == second["tid"] == 3
    assert first["ts"] == pytest.approx(operators["ts"] + operators["dur"], abs=0.01)
    assert first["ts"] > last["ts"]
    assert (second["ts"] - first["ts"], second["dur"]) == (pytest.approx(30e3), pytest.approx(40e3, abs=1))
    assert first["args"]["cold"] is True
    inside = [one["name"] for one in slices(events) if one["tid"] == 3]
    assert inside[1:4] == ["load", "initialize", "first inference"]


def test_cold_starts_and_operators_lie_where_their_processes_began(cell: Cell) -> None:
    """The first cold start began 40 s after the first process, and the profile 30 s after it."""

    def began(uptime: float | None, second: int) -> Beginning:
        return Beginning(started_at=f"2026-01-01T00:01:{second}Z", uptime_seconds=uptime)

    cold = make_cold(30, 40, 50)
    processes = tuple(
        replace(one, began=began(uptime, second))
        for one, uptime, second in zip(cold.processes, (140.0, 141.0, None), (41, 42, 43), strict=True)
    )
    measured = replace(make_cell(processes=(process(100.0), process(110.0, 1))), cold=cold)
    assert cell.profile
    events = traced(
        replace(
            measured,
            cold=replace(cold, processes=processes),
            profile=replace(cell.profile, began=began(130.0, 30)),
        )
    )
    first, second, third = slices(events, "cold start")
    assert (first["ts"], second["ts"]) == (pytest.approx(40e6), pytest.approx(41e6))
    # Its uptime could not be read.
    assert third["ts"] == pytest.approx(second["ts"] + second["dur"], abs=1)
    inside = [one["ts"] for one in slices(events, "load") if one["tid"] == first["tid"]]
    assert inside == [first["ts"], second["ts"], third["ts"]]
    operators = [one["ts"] for name in ("conv", "linear") for one in slices(events, name)]
    assert operators == [pytest.approx(30e6), pytest.approx(30e6 + 300)]
    names = [one["args"]["name"] for one in events if one["name"] == "thread_name"]
    assert names[2].endswith(": cold starts")


def test_energy_is_three_windows_at_their_uptimes_and_a_counter_of_power(cell: Cell) -> None:
    run = make_energy_run()
    measured = replace(cell, energy=make_energy_cell(run).energy)
    events = traced(measured)
    windows = {one["name"]: one for one in slices(events, "energy")}
    assert list(windows) == ["energy: idle before", "energy: load", "energy: idle after"]
    began = slices(events, "process 0")[0]["ts"] - 100e6
    for window, name in (
        (run.idle_before, "idle before"),
        (run.load, "load"),
        (run.idle_after, "idle after"),
    ):
        found = windows[f"energy: {name}"]
        assert found["ts"] == pytest.approx(began + window.began_uptime_seconds * 1e6)
        assert found["dur"] == pytest.approx(window.seconds * 1e6, abs=1)
    power = counted(events, f"{cell.name}: power, W")
    assert [watts for _, watts in power] == [*run.idle_before.watts, *run.load.watts, *run.idle_after.watts]


def test_cells_of_two_runs_and_of_a_base_have_names_of_their_runs(cell: Cell) -> None:
    other = make_cell(processes=(process(300.0, 9),))
    runs = [(replace(make_run((one,)), id=name), (one,)) for name, one in (("a", cell), ("b", other))]
    alone = list(trace_events(traced_devices(runs[:1], [(runs[0][0], (other,))])))
    assert _threads(alone)[:2] == [cell.name, f"{cell.name}, base"]
    (at,) = {one["tid"] for one in slices(alone, "process 0, round 9")}
    assert at == 2
    both = list(trace_events(traced_devices(runs, [(runs[1][0], (other, other))])))
    assert _threads(both)[:4] == [
        f"{cell.name}, run a",
        f"{cell.name}, run b",
        f"{cell.name}, base of run b",
        f"{cell.name}, base of run b (2)",
    ]


def _threads(events: Iterable[dict[str, Any]]) -> list[str]:
    return [one["args"]["name"] for one in events if one["name"] == "thread_name"]


def test_processes_of_one_second_are_in_the_order_of_their_uptimes() -> None:
    """The base's process began first, and its cell comes second: no restart of the device."""
    early, late = (
        replace(process(uptime, 0), started_at="2026-01-01T00:00:00Z") for uptime in (100.0, 100.4)
    )
    events = traced(make_cell(processes=(late,)), make_cell(device=make_device(), processes=(early,)))
    assert sorted(one["ts"] for one in slices(events, "process")) == [0.0, pytest.approx(0.4e6)]


def test_beyond_its_share_of_slices_a_process_has_one_for_the_rest() -> None:
    many = process(1.0, warmup_ns=(), latencies_ns=(1000,) * 500)
    events = traced(make_cell(processes=(many,)), most_slices=100)
    assert len(slices(events, "inference")) == 100
    (rest,) = slices(events, "400 more inferences")
    assert rest["dur"] == pytest.approx(400.0, abs=0.01)


def test_the_report_writes_it_on_request_links_it_and_removes_it_later(tmp_path: Path) -> None:
    cells = (make_cell(),)
    runs = [(make_run(cells), cells)]
    page = write_report(runs, tmp_path, trace=True).read_text()
    assert 'href="trace.json"' in page
    jsonschema.validate(json.loads((tmp_path / "trace.json").read_text()), SCHEMA)
    page = write_report(runs, tmp_path).read_text()
    assert "trace.json" not in page
    assert not (tmp_path / "trace.json").exists()
    (tmp_path / "trace.json").write_text("mine")
    write_report(runs, tmp_path)
    assert (tmp_path / "trace.json").read_text() == "mine"
