"""Stated probabilities: their limits, and how they follow the spread of processes and images."""

import numpy as np
import pytest
from msgspec.structs import replace

from builders import make_cell, make_processes
from harness.analysis.budget import Budget
from harness.analysis.chance import chance_median_at_most, chance_within, resampled_medians


def test_equal_values_leave_no_doubt() -> None:
    assert chance_median_at_most([5.0] * 6, 5.0) == 1
    assert chance_median_at_most([5.0] * 6, 4.999) == 0


@pytest.mark.parametrize("count", [2, 4, 5, 6, 20])
def test_the_probability_rises_with_the_limit_from_zero_to_one(count: int) -> None:
    values = np.exp(np.random.default_rng(count).normal(0, 0.01, count))
    chances = [
        chance_median_at_most(values.tolist(), limit) for limit in (0.5, 0.98, 0.99, 1.0, 1.01, 1.02, 2.0)
    ]
    assert chances == sorted(chances)
    assert chances[0] < 0.01
    assert chances[-1] > 0.99


def test_a_limit_at_the_estimate_is_even_odds() -> None:
    values = [0.98, 0.99, 1.0, 1.01, 1.02, 1.005, 0.995]
    assert chance_median_at_most(values, 1.0) == pytest.approx(0.5, abs=0.05)


def test_few_values_are_less_sure_than_many_of_the_same_spread() -> None:
    few = chance_median_at_most([0.99, 1.0, 1.01], 1.01)
    many = chance_median_at_most([0.99, 1.0, 1.01] * 5, 1.01)
    assert few < many


def test_the_chances_of_several_limits_multiply() -> None:
    cell = make_cell(processes=make_processes(9_900_000, 10_000_000, 10_100_000, 10_050_000, 9_950_000))
    latency = chance_within(cell, None, Budget(max_latency_ns=10_040_000))
    startup = chance_within(cell, None, Budget(max_startup_ns=44_050_000))
    both = chance_within(cell, None, Budget(max_latency_ns=10_040_000, max_startup_ns=44_050_000))
    assert latency is not None
    assert startup is not None
    assert 0 < latency < 1
    assert 0 < startup < 1
    assert both == pytest.approx(latency * startup)


def test_without_limits_or_without_a_figure_there_is_no_probability() -> None:
    cell = make_cell()
    assert chance_within(cell, None, Budget()) is None
    assert chance_within(replace(cell, processes=(), latency=None), None, Budget(max_latency_ns=1.0)) is None
    assert chance_within(cell, None, Budget(min_accuracy=0.5)) is None


@pytest.mark.parametrize("count", [5, 6, 9, 10])
def test_the_medians_of_resamples_have_the_probabilities_that_drawing_them_gives(count: int) -> None:
    low, high, weights = resampled_medians(count)
    assert weights.sum() == pytest.approx(1)
    generator = np.random.default_rng(count)
    values = np.sort(generator.normal(size=count))
    drawn = np.median(generator.choice(values, (20_000, count)), axis=-1)
    for target in values[1:-1] + 1e-9:
        exact = weights[(values[low] + values[high]) / 2 <= target].sum()
        assert exact == pytest.approx(np.mean(drawn <= target), abs=0.015)
