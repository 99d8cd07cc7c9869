"""The runs that are named to measure what a prediction lacks."""

from itertools import product

import pytest

from harness.analysis.next_run import lists_to_add, run_command, spread
from harness.analysis.placements import Placement, placement_of, shape_of, variant_of
from harness.records import Variant
from synthetic import PHONE, simulate_cell

PLAIN = Placement("int8", 1, None, None, None, False, None, "symmetric", 1000, "1.5.1")
WIDTHS, SIDES = (0.25, 0.5, 0.75, 1.0), (128, 160, 192, 224)


def test_the_command_names_only_what_differs_from_the_defaults() -> None:
    assert run_command("pixel", PLAIN, (0.5,), (160,)) == (
        *("harness", "run", "--device", "pixel", "--width", "0.5", "--resolution", "160"),
        *("--precision", "int8"),
    )


def test_the_command_names_the_whole_placement() -> None:
    placement = Placement("fp32", 2, "4-7", 29.97, "packed-cache", True, "top-app", "tf_same", 10, None)
    assert run_command("pixel", placement, (0.5, 1.0), (160,))[-17:] == (
        *("--precision", "fp32", "--threads", "2", "--cores", "4-7", "--rate", "29.97"),
        *("--backend-options", "packed-cache", "--tune-device", "--task-profile", "top-app"),
        *("--padding", "tf_same", "--classes", "10"),
    )


def test_a_cell_and_a_variant_of_its_placement_agree() -> None:
    cell = simulate_cell(PHONE, Variant(width=0.5, resolution_px=160, precision="int8"), threads=2)
    assert placement_of(cell) == PLAIN._replace(threads=2)
    assert variant_of(placement_of(cell), shape_of(cell.variant)) == cell.variant


@pytest.mark.parametrize(
    ("measured", "missing", "expected"),
    [
        ((), 9, ((0.25, 0.75, 1.0), (128, 192, 224))),
        ((), 4, ((0.25, 1.0), (128, 224))),
        ((), 99, (WIDTHS, SIDES)),
        (tuple(product(WIDTHS[:3], SIDES)), 1, ((0.25, 1.0), (128, 224))),
        (tuple(product(WIDTHS, SIDES)), 1, (WIDTHS, SIDES)),
    ],
)
def test_the_smallest_run_that_adds_enough_spans_the_grid(
    measured: tuple[tuple[float, int], ...],
    missing: int,
    expected: tuple[tuple[float, ...], tuple[int, ...]],
) -> None:
    assert lists_to_add(measured, WIDTHS, SIDES, missing) == expected


def test_values_are_spread_with_both_ends() -> None:
    assert spread(WIDTHS, 2) == (0.25, 1.0)
    assert spread((1, 2, 3, 4, 5), 3) == (1, 3, 5)
    assert spread(SIDES, 4) == SIDES
