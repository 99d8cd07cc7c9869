import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.analysis.sample_shape import outlier_marks, split_modes, trend


def test_trend_agrees_with_kendalls_exact_test_and_the_theil_sen_slope() -> None:
    values = np.random.default_rng(2).normal(10, 1, 12) + 0.1 * np.arange(12)
    found = trend(values.tolist())
    assert found.p_value == pytest.approx(stats.kendalltau(np.arange(12), values, method="exact").pvalue)
    slope = stats.theilslopes(values).slope
    assert found.relative_change == pytest.approx(slope * 11 / np.median(values))


@given(st.lists(st.integers(min_value=1, max_value=5), max_size=12))
def test_trend_of_tied_values_is_a_probability(values: list[float]) -> None:
    found = trend(values)
    assert 0 < found.p_value <= 1
    assert found.p_value == 1 or len(set(values)) > 1


def test_two_speeds_are_split_at_the_gap() -> None:
    found = split_modes([100, 101, 99, 100, 101, 120, 121, 119, 120])
    assert found.explained > 0.98
    assert found.separation == pytest.approx(0.2, abs=0.01)
    assert found.smaller_share == pytest.approx(4 / 9)


def test_one_speed_is_explained_no_better_than_a_normal_distribution_is() -> None:
    values = np.random.default_rng(0).normal(100, 3, 5000)
    assert split_modes(values).explained == pytest.approx(0.7, abs=0.03)
    assert split_modes([5.0, 5.0, 5.0]) == (0, 0, 0)
    assert split_modes([5.0]) == (0, 0, 0)


def test_rare_interruptions_are_not_a_second_speed() -> None:
    values = np.concatenate([np.random.default_rng(0).normal(100, 1, 980), np.full(20, 400.0)])
    assert split_modes(values).explained < 0.8


def test_outliers_are_marked_in_place() -> None:
    marks = outlier_marks([100, 101, 99, 100, 250, 101, 99, 20])
    assert marks.tolist() == [False, False, False, False, True, False, False, True]


def test_a_clock_without_spread_marks_only_what_really_differs() -> None:
    assert outlier_marks([20_040_000] * 9 + [20_040_500]).sum() == 0
    assert outlier_marks([20_040_000] * 9 + [22_000_000]).sum() == 1
