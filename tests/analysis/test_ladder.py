"""What each further millisecond buys; `test_ladder_oracle.py` compares the steps with what `pick` ships."""

from itertools import pairwise

import numpy as np
import pytest

from builders import with_accuracy, with_verdict
from harness.analysis.budget import Budget
from harness.analysis.ladder import Step, climb
from harness.records import Cell
from synthetic import EMULATOR, PHONE, simulate_cells


def few() -> tuple[Cell, ...]:
    """Four cells, each larger one slower and more accurate."""
    cells = simulate_cells(PHONE, widths=(0.25, 0.5, 0.75, 1.0), resolutions_px=(128,), precisions=("int8",))
    return tuple(with_accuracy(cell, 0.5 + 0.05 * index) for index, cell in enumerate(cells))


def names(steps: tuple[Step, ...]) -> list[str]:
    return [step.candidate.cell.variant.name for step in steps]


def test_each_step_says_what_it_gains_and_costs_over_the_one_before() -> None:
    steps = climb(few(), Budget(), {})
    assert names(steps) == [f"mobilenet_v1_{width}_128_int8" for width in ("0.25", "0.5", "0.75", "1")]
    assert (steps[0].gain_pp, steps[0].more) == (None, None)
    for below, above in pairwise(steps):
        assert above.gain_pp == pytest.approx(5)
        assert above.more == pytest.approx(above.cost - below.cost)


def test_a_cell_that_costs_more_and_gains_nothing_is_no_step() -> None:
    first, second, *others = few()
    assert second.accuracy is not None
    worse = with_accuracy(second, 0.48)
    assert worse.variant.name not in names(climb((first, worse, *others), Budget(), {}))


def test_the_other_limits_of_the_budget_hold_for_every_step() -> None:
    cells = few()
    sizes = sorted(cell.artifact.size_bytes for cell in cells)
    steps = climb(cells, Budget(max_latency_ns=1.0, max_size_bytes=sizes[1]), {})
    assert names(steps) == ["mobilenet_v1_0.25_128_int8", "mobilenet_v1_0.5_128_int8"]


def test_an_emulated_device_climbs_in_instructions() -> None:
    cells = simulate_cells(EMULATOR, widths=(0.25, 0.5), resolutions_px=(128,), precisions=("int8",))
    steps = climb(cells, Budget(), {})
    assert [step.cost for step in steps] == [cell.instructions_per_inference for cell in cells]


def test_without_a_usable_cell_there_is_no_step() -> None:
    cells = tuple(with_verdict(cell, "invalid", "parity", "off") for cell in few())
    assert climb(cells, Budget(), {}) == ()


def test_without_an_accuracy_the_steps_are_larger_networks_and_gain_no_points() -> None:
    cells = simulate_cells(widths=(0.3, 0.35), resolutions_px=(96,), precisions=("fp32",))
    steps = climb(cells, Budget(), {})
    assert len(steps) == 2
    assert steps[1].gain_pp is None
    assert np.isfinite(steps[1].more or np.nan)
