"""The lines of a ladder, and the budget that admits each of its steps."""

import pytest
from msgspec.structs import replace
from picked_cells import MS, cell_of, pick, suspect

from harness.analysis.budget import Budget
from harness.analysis.ladder import Step, climb
from harness.analysis.ladder_text import LONGEST, describe_ladder, limit_of, shorten
from harness.cli.units import parse_count, parse_time
from harness.records import Cell
from synthetic import EMULATOR, simulate_cells

GRID = [
    cell_of(0.25, 128, ms=1.2, worst_ms=1.25),
    cell_of(0.5, 128, ms=3.1, worst_ms=3.2011),
    cell_of(0.5, 160, ms=4.7, worst_ms=4.8),
    cell_of(0.25, 224, ms=6.0),
]


def steps_of(cells: list[Cell]) -> tuple[Step, ...]:
    return climb(cells, Budget(), {})


def test_each_line_says_what_a_step_costs_and_gains_over_the_step_below() -> None:
    assert describe_ladder(steps_of(GRID)) == [
        "what a budget buys (published accuracy, not measured here):",
        "  from 1.25 ms: 0.25/128 int8, 39.9%",
        "  from 3.21 ms: 0.5/128 int8, 54.9%, +15.0 points for 2 ms",
        "  from 4.8 ms: 0.5/160 int8, 57.7%, +2.8 points for 1.6 ms",
    ]


def test_the_budget_of_a_step_admits_it_and_a_smaller_one_does_not() -> None:
    for step in steps_of(GRID):
        limit_ns = parse_time(limit_of(step))
        best = pick(GRID, max_latency_ns=limit_ns).best
        assert best
        assert best.key == step.candidate.key
        fewer = pick(GRID, max_latency_ns=limit_ns * 0.99).best
        assert fewer is None or fewer.key != step.candidate.key


def test_an_emulated_device_has_a_ladder_of_instructions() -> None:
    cells = simulate_cells(EMULATOR, widths=(0.25, 0.5), resolutions_px=(128,), precisions=("int8",))
    steps = climb(cells, Budget(), {})
    assert " M instructions: " in describe_ladder(steps)[1]
    assert all(parse_count(limit_of(step)) >= step.cost for step in steps)


def test_without_any_accuracy_steps_are_larger_networks() -> None:
    small, large = (cell_of(0.3, 96, ms=1), cell_of(0.6, 96, ms=2))
    cells = [
        replace(cell, artifact=replace(cell.artifact, macs=macs))
        for cell, macs in ((small, 5_000_000), (large, 9_000_000))
    ]
    assert describe_ladder(steps_of(cells)) == [
        "what a budget buys (no accuracy is known; by size of the network):",
        "  from 1.01 ms: 0.3/96 int8, 5 M MACs",
        "  from 2.02 ms: 0.6/96 int8, 9 M MACs",
    ]


def test_a_suspect_step_among_valid_ones_and_its_placement_are_named() -> None:
    cells = [cell_of(0.25, 128, ms=1), suspect(cell_of(0.5, 128, ms=2, threads=2, cores="4-5"))]
    assert describe_ladder(steps_of(cells))[-1] == (
        "  from 2.02 ms: 0.5/128 int8, 2 threads on big cores (4-5), 54.9%, +15.0 points for 1 ms, suspect"
    )


def test_a_long_ladder_keeps_its_ends_and_its_largest_steps() -> None:
    gains = (0.02, 0.04) * 6
    cells = [
        cell_of(0.5, 128, ms=1 + i, measured=0.3 + sum(gains[:i]), classes=10 + i) for i in range(len(gains))
    ]
    shown = shorten(steps_of(cells))
    assert len(shown) == LONGEST
    assert (shown[0].cost, shown[-1].cost) == pytest.approx((1.01 * MS, 12 * 1.01 * MS))
    assert sum(step.gain_pp or 0 for step in shown) == pytest.approx(100 * sum(gains[:-1]))


def test_without_steps_there_is_no_line() -> None:
    assert describe_ladder(()) == []


def test_a_suspect_step_is_named_so_beside_an_answer_that_is_valid() -> None:
    cells = [suspect(cell_of(0.5, 128, ms=2, threads=2)), cell_of(0.5, 128, ms=5)]
    (only,) = describe_ladder(steps_of(cells))[1:]
    assert only == "  from 2.02 ms: 0.5/128 int8, 2 threads, 54.9%, suspect"
