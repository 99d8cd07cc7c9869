"""Condensed cells: a history of them is that of the whole cells, whose samples they lack."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest
from msgspec.structs import replace

from builders import (
    SHELL,
    make_cell,
    make_cold,
    make_device,
    make_energy_cell,
    make_energy_run,
    make_paced_cell,
    make_process,
    make_sustained_cell,
    make_sustained_run,
)
from harness.analysis.condensed_cells import Condenser
from harness.analysis.history import trace
from harness.records import Cell, Conditions, HeldClock, Temperature, Verdict
from harness.records.judgements import Reason
from past_runs import PastRun, past_run
from synthetic import simulate_cell, simulate_cells


def condensed(runs: Sequence[PastRun]) -> list[PastRun]:
    condenser = Condenser()
    return [(run, tuple(map(condenser.condense, cells))) for run, cells in runs]


def night(number: int, *cells: Cell) -> PastRun:
    return past_run(number, *cells)


def faster_from(number: int, cell: Cell, changed: Cell) -> list[PastRun]:
    """Ten nights; from one on another cell, whose figures are 20 % smaller."""
    assert changed.latency is not None
    level = changed.latency.median_ns
    smaller = replace(level, estimate=0.8 * level.estimate, low=0.8 * level.low, high=0.8 * level.high)
    changed = replace(changed, latency=replace(changed.latency, median_ns=smaller))
    return [night(one, changed if one >= number else cell) for one in range(10)]


def with_processes(cell: Cell, **changes: object) -> Cell:
    return replace(cell, processes=tuple(replace(one, **changes) for one in cell.processes))


CELL = simulate_cell(make_device(), simulate_cells()[0].variant)
FULL = make_energy_cell(
    make_energy_run(),
    make_sustained_cell(make_sustained_run((60, 10.0), (120, 12.5), khz=(1_800_000, 1_440_000)), CELL),
)
FULL = replace(FULL, cold=make_cold(60, 61, 62, 63, 64, 65))
CHANGED = {
    "nothing": CELL,
    "governors": with_processes(CELL, conditions_before=Conditions(governors=("performance",))),
    "temperatures": with_processes(
        CELL,
        conditions_before=Conditions(
            temperatures=(
                Temperature(zone="cpu-thermal", index=0, celsius=61.5),
                Temperature(zone="gpu-thermal", index=1, celsius=70.0),
            )
        ),
    ),
    "battery's temperature": with_processes(CELL, conditions_before=Conditions(battery_celsius=41.0)),
    "clocks": replace(
        CELL,
        held_clocks=(HeldClock(cores="0-3", held_khz=1_200_000, max_khz=2_400_000, source="sampler"),),
    ),
    "priority": with_processes(CELL, scheduling=replace(SHELL, nice=-10)),
    "one process": replace(
        CELL, processes=(*CELL.processes[:-1], replace(CELL.processes[-1], scheduling=replace(SHELL, nice=5)))
    ),
    "order of rounds": replace(CELL, processes=CELL.processes[::-1]),
    "versions": replace(CELL, artifact=replace(CELL.artifact, versions={"executorch": "9.9"})),
    "plan": replace(CELL, plan=replace(CELL.plan, min_seconds=7.0)),
    "verdict": replace(
        CELL,
        verdict=Verdict(
            status="suspect", reasons=(Reason(code="hot", severity="suspect", affects="time", detail="hot"),)
        ),
    ),
    "no processes": replace(CELL, processes=()),
    "energy, minutes and cold starts": FULL,
    "no energy, minutes or cold starts": make_energy_cell(
        "the meter died",
        make_sustained_cell("the device restarted", replace(CELL, cold=make_cold(60, kept_pages=1))),
    ),
}


@pytest.mark.parametrize("changed", CHANGED.values(), ids=CHANGED)
def test_a_history_of_condensed_cells_is_that_of_the_whole_ones(changed: Cell) -> None:
    runs = faster_from(6, CELL, changed)
    traced = trace(runs)
    assert traced.trends
    assert trace(condensed(runs)) == traced


def test_the_paced_p99_is_known_without_the_samples() -> None:
    kept, slower = make_paced_cell(30.0), make_paced_cell(30.0, 20_000_000)
    runs = [night(number, slower if number >= 6 else kept) for number in range(12)]
    traced = trace(runs)
    assert {trend.name for trend in traced.trends if trend.figure == "paced p99" and trend.changes}
    assert trace(condensed(runs)) == traced


def test_the_change_and_what_differs_there_are_still_named() -> None:
    (trend, *_) = trace(condensed(faster_from(6, CELL, CHANGED["priority"]))).trends
    (change,) = trend.changes
    assert "nice: 0 before, -10 after" in change.also_changed


def test_equal_parts_of_many_cells_are_in_memory_once() -> None:
    copies = [msgspec.json.decode(msgspec.json.encode(CELL), type=Cell) for _ in range(3)]
    first, *others = map(Condenser().condense, copies)
    assert all(one.device is not two.device for one, two in pairwise(copies))
    for other in others:
        assert other.device is first.device
        assert other.artifact is first.artifact
        assert other.processes[0].conditions_before is first.processes[0].conditions_before


def test_samples_are_gone_and_processes_that_were_scheduled_alike_are_one() -> None:
    cell = make_cell(processes=tuple(make_process(round_) for round_ in range(5)))
    kept = Condenser().condense(cell)
    assert len(kept.processes) == 1
    assert kept.processes[0].latencies_ns == ()


def test_of_energy_minutes_and_cold_starts_only_the_figures_are_kept() -> None:
    kept = Condenser().condense(FULL)
    assert kept.energy is not None
    assert kept.energy.run is not None
    assert {one.watts for one in (kept.energy.run.idle_before, kept.energy.run.load)} == {()}
    assert kept.sustained is not None
    assert (kept.sustained.run, kept.sustained.seconds) == (None, 180)
    assert kept.cold is not None
    assert kept.cold.processes == ()
    assert len(msgspec.json.encode(kept)) < len(msgspec.json.encode(FULL)) / 5
