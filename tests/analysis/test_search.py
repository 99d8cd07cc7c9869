"""Searches over simulated grids: what is measured next, what is ruled out, and what is refused."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from builders import failed, with_verdict
from harness.analysis.budget import Budget, find_misses
from harness.analysis.search import Choice, check_clock, check_searchable, choose_next
from harness.analysis.selection import pick
from harness.errors import UsageError
from harness.records import Cell, Variant, Weights
from synthetic import EMULATOR, PHONE, simulate_cells

MS = 1_000_000
CELLS = {cell.variant: cell for cell in simulate_cells(PHONE)}


def search(budget: Budget, cells: dict[Variant, Cell] = CELLS) -> tuple[list[Cell], Choice]:
    measured: list[Cell] = []
    while (choice := choose_next(tuple(cells), measured, budget)).next:
        measured += [cells[variant] for variant in choice.next]
    return measured, choice


def shipped(cells: Sequence[Cell], budget: Budget) -> Variant | None:
    (answer,) = pick(cells, budget).answers
    return answer.best.cell.variant if answer.best else None


@pytest.mark.parametrize("ms", [0.5, 1.3, 2, 4, 8, 15, 20, 40, 70, 200])
def test_a_search_names_what_the_whole_grid_names_from_a_third_of_it(ms: float) -> None:
    budget = Budget(max_latency_ns=ms * MS)
    measured, choice = search(budget)
    assert shipped(measured, budget) == shipped(tuple(CELLS.values()), budget) == choice.best
    assert len(measured) <= 11
    assert len(measured) + len(choice.ruled_out) == len(CELLS)


def test_several_limits_are_kept_together() -> None:
    budget = Budget(max_latency_ns=20 * MS, max_memory_bytes=13_000_000, max_size_bytes=3_000_000)
    measured, choice = search(budget)
    assert choice.best == shipped(tuple(CELLS.values()), budget)
    assert len(measured) < 16


def test_each_precision_begins_in_the_middle_of_its_shapes() -> None:
    choice = choose_next(tuple(CELLS), (), Budget(max_latency_ns=20 * MS))
    assert [variant.precision for variant in choice.next] == ["fp32", "int8"]
    assert choice.ruled_out == ()


def test_variants_below_the_minimum_accuracy_are_never_measured() -> None:
    measured, choice = search(Budget(max_latency_ns=1 * MS, min_accuracy=0.6))
    assert choice.best is None
    assert all("0.25" not in cell.variant.name for cell in measured)


def only(variant_name: str) -> Cell:
    return next(cell for variant, cell in CELLS.items() if variant.name == variant_name)


@pytest.mark.parametrize(
    "distort",
    [
        failed,
        lambda cell: with_verdict(cell, "suspect", "throttled", "the clock fell"),
    ],
    ids=["failed", "throttled"],
)
def test_a_cell_that_something_distorted_rules_nothing_out(distort: Any) -> None:
    cell = distort(only("mobilenet_v1_0.25_128_fp32"))
    assert choose_next(tuple(CELLS), [cell], Budget(max_latency_ns=0.5 * MS)).ruled_out == ()


def test_a_variant_over_the_limit_rules_out_the_larger_ones_of_its_precision_alone() -> None:
    cell = only("mobilenet_v1_0.5_160_fp32")
    ruled_out = choose_next(tuple(CELLS), [cell], Budget(max_latency_ns=0.5 * MS)).ruled_out
    assert len(ruled_out) == 3 * 3 - 1
    assert {variant.precision for variant in ruled_out} == {"fp32"}


def test_a_search_without_a_limit_on_a_cost_is_refused() -> None:
    with pytest.raises(UsageError, match="needs a limit on what an inference costs"):
        check_searchable(tuple(CELLS), Budget(min_accuracy=0.5))


def test_variants_that_cannot_be_ranked_together_are_refused_by_name() -> None:
    odd = Variant(width=0.6, resolution_px=160, precision="int8")
    with pytest.raises(UsageError, match=r"there is none for mobilenet_v1_0\.6_160_int8"):
        check_searchable((*CELLS, odd), Budget(max_latency_ns=MS))
    check_searchable((odd,), Budget(max_latency_ns=MS))
    with pytest.raises(UsageError, match="none of the variants has a published accuracy"):
        check_searchable((odd,), Budget(max_latency_ns=MS, min_accuracy=0.5))


def test_variants_without_an_accuracy_are_ranked_by_size() -> None:
    cells = {
        (variant := replace(cell.variant, classes=10)): replace(cell, variant=variant)
        for cell in CELLS.values()
    }
    budget = Budget(max_latency_ns=12 * MS)
    measured, choice = search(budget, cells)
    assert choice.best == shipped(tuple(cells.values()), budget)
    assert len(measured) <= 16


def trained(cells: dict[Variant, Cell], digest: str) -> dict[Variant, Cell]:
    weights = Weights(source=f"{digest}.pt", sha256=digest * 64)
    variants = {variant: replace(variant, weights=weights) for variant in cells}
    return {variants[variant]: replace(cell, variant=variants[variant]) for variant, cell in cells.items()}


@pytest.mark.parametrize(
    "budget", [Budget(max_latency_ns=12 * MS), Budget(max_latency_ns=2 * MS, min_accuracy=0.7)]
)
def test_of_trained_weights_all_that_the_limits_admit_is_measured(budget: Budget) -> None:
    cells = trained(CELLS, "a") | trained(CELLS, "b")
    measured, choice = search(budget, cells)
    assert choice.best is None
    costs_alone = Budget(max_latency_ns=budget.max_latency_ns)
    fitting = {variant for variant, cell in cells.items() if not find_misses(cell, None, costs_alone)}
    assert fitting
    assert fitting <= {cell.variant for cell in measured}
    assert len(choice.ruled_out) >= len(cells) // 3
    assert not fitting & set(choice.ruled_out)


def test_a_search_of_trained_weights_needs_a_limit_and_no_published_accuracy() -> None:
    odd = Variant(width=0.6, resolution_px=160, precision="int8")
    check_searchable((*CELLS, odd), Budget(max_latency_ns=MS, min_accuracy=0.5), ranked=False)
    with pytest.raises(UsageError, match="needs a limit on what an inference costs"):
        check_searchable(tuple(CELLS), Budget(min_accuracy=0.5), ranked=False)


def test_times_of_an_emulated_clock_decide_nothing() -> None:
    cells = simulate_cells(EMULATOR, precisions=("int8",))[:1]
    with pytest.raises(UsageError, match="its times decide no search"):
        check_clock(cells, Budget(max_latency_ns=MS))
    check_clock(cells, Budget(max_instructions=1))
