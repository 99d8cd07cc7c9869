"""Where a noisy series changes its level, and where it only seems to."""

import time

import numpy as np
import pytest

from harness.analysis.change_points import (
    BOUND_SD,
    MIN_VALUES,
    exact_changes,
    find_changes,
    penalty_for,
    segment_costs,
)
from harness.analysis.intervals import Floats


def noisy(seed: int, count: int = 30, sd: float = 0.005) -> Floats:
    return np.random.default_rng(seed).normal(0, sd, count)


def changes(series: Floats, floor: float = 0.0) -> tuple[int, ...]:
    return find_changes([float(one) for one in series], noise_floor=floor)


@pytest.mark.parametrize("seed", range(5))
def test_a_step_is_found_where_it_is(seed: int) -> None:
    series = noisy(seed)
    series[17:] += 0.05
    assert changes(series) == (17,)


@pytest.mark.parametrize("seed", range(5))
def test_a_flat_series_has_no_change(seed: int) -> None:
    assert changes(noisy(seed)) == ()


def test_a_step_that_is_taken_back_is_two_changes() -> None:
    series = noisy(0)
    series[10:20] += 0.03
    assert changes(series) == (10, 20)


def test_one_outlier_of_any_size_is_no_change() -> None:
    for index in range(30):
        series = noisy(0)
        series[index] += 100.0
        assert changes(series) == (), index


def test_a_large_step_does_not_hide_a_small_one() -> None:
    series = noisy(0)
    series[10:] += 0.5
    series[20:] += 0.04
    assert changes(series) == (10, 20)


def test_a_slowly_rising_level_is_found_to_have_changed() -> None:
    assert changes(noisy(0) + np.linspace(0, 0.1, 30))


def test_what_the_measurements_are_uncertain_by_is_no_change() -> None:
    series = noisy(0, sd=0.0001)
    series[15:] += 0.002
    assert changes(series) == (15,)
    assert changes(series, floor=0.002) == ()


def test_a_short_series_has_no_change() -> None:
    series = np.zeros(MIN_VALUES - 1)
    series[3:] = 1.0
    assert changes(series, floor=0.001) == ()


def test_a_series_without_noise_changes_wherever_it_differs() -> None:
    series = np.zeros(8)
    series[7:] = 1.0
    assert changes(series) == (7,)


def test_an_exact_figure_changes_at_each_other_value() -> None:
    assert exact_changes([5, 5, 6, 6, 5]) == (2, 4)
    assert exact_changes([]) == ()
    assert exact_changes([10_000, 10_001, 10_003], tolerance=2e-4) == (2,)


def test_penalties_between_the_simulated_counts_are_interpolated() -> None:
    assert penalty_for(8) > penalty_for(9) > penalty_for(10)
    assert penalty_for(500) == penalty_for(120)


def one_by_one(series: Floats) -> Floats:
    """The definition: each segment's residuals from its own median, each bounded."""
    costs = np.zeros((series.size, series.size + 1))
    for first in range(series.size):
        for end in range(first + 1, series.size + 1):
            residuals = series[first:end] - np.median(series[first:end])
            costs[first, end] = np.minimum(residuals * residuals, BOUND_SD**2).sum()
    return costs


@pytest.mark.parametrize("level", [0.0, 3e4])
@pytest.mark.parametrize("kind", ["flat", "steps", "outliers", "constant"])
def test_costs_from_sums_are_those_of_the_definition(kind: str, level: float) -> None:
    random = np.random.default_rng(7)
    series = {
        "flat": random.normal(size=60),
        "steps": random.normal(size=60) + np.repeat([0.0, 10.0, -200.0], 20),
        "outliers": random.standard_t(1.5, size=60),
        "constant": np.ones(60),
    }[kind] + level
    np.testing.assert_allclose(segment_costs(series), one_by_one(series), rtol=1e-9, atol=1e-6)


def test_a_year_of_nights_is_partitioned_in_a_fraction_of_a_second() -> None:
    random = np.random.default_rng(3)
    series = random.normal(size=365) + np.repeat([0.0, 5.0], [200, 165])
    started = time.process_time()
    assert find_changes(series.tolist(), noise_floor=1e-3) == (200,)
    assert time.process_time() - started < 1
