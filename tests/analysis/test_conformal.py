"""Regressions with coefficients of at least 0, and intervals around them, on data whose truth is known."""

import numpy as np
import pytest

from harness.analysis.conformal import Floats, cells_needed, cut_off, fit_regression, fit_relative

RANDOM = np.random.default_rng(1)
TRUE = np.array([2e5, 0.1, 0.0])


def features_of(count: int, random: np.random.Generator = RANDOM) -> Floats:
    """A constant, multiply-accumulates over two orders of magnitude, and something that costs nothing."""
    return np.column_stack(
        [np.ones(count), 10 ** random.uniform(7, 9, count), 10 ** random.uniform(5, 6, count)]
    )


def test_an_exact_sum_is_found_again_and_predicted_exactly() -> None:
    features = features_of(12)
    regression = fit_regression(features, features @ TRUE)
    assert regression.coefficients == pytest.approx(TRUE, rel=1e-6, abs=1e-6)
    assert regression.relative_errors == pytest.approx(np.zeros(12), abs=1e-6)
    interval = regression.predict(np.array([1.0, 3e8, 2e5]), 0.9)
    assert interval.estimate == pytest.approx(3.02e7, rel=1e-6)
    assert (interval.low, interval.high) == pytest.approx((interval.estimate,) * 2, rel=1e-5)


def test_no_coefficient_is_below_zero() -> None:
    features = features_of(20)
    figures = features @ np.array([1e6, 0.1, -0.5]) + 1e6
    assert np.all(fit_relative(features, figures) >= 0)


def test_small_figures_are_fitted_as_well_as_large_ones_in_per_cent() -> None:
    features = features_of(30)
    disturbed = features @ TRUE * np.where(np.arange(30) % 2, 1.02, 0.98)
    fitted = features @ fit_relative(features, disturbed)
    assert np.max(np.abs(fitted / disturbed - 1)) < 0.05


@pytest.mark.parametrize(("confidence", "needed"), [(0.9, 9), (0.8, 4), (0.5, 1), (0.95, 19), (0.99, 99)])
def test_an_interval_needs_this_many_cells(confidence: float, needed: int) -> None:
    assert cells_needed(confidence) == needed
    assert cut_off(needed, confidence) == 1
    with pytest.raises(ValueError, match="cells give no interval"):
        cut_off(needed - 1, confidence)


def test_with_more_cells_the_outermost_ends_are_cut_off() -> None:
    assert [cut_off(count, 0.9) for count in (9, 15, 18, 19, 29, 39)] == [1, 1, 1, 2, 3, 4]


@pytest.mark.parametrize("cells", [9, 15, 19])
@pytest.mark.parametrize("noise", ["normal", "heavy tails"])
def test_intervals_cover_what_a_measurement_would_find(cells: int, noise: str) -> None:
    random = np.random.default_rng(cells)
    covered = []
    for _ in range(150):
        features = features_of(cells + 1, random)
        spread = 0.03 * (
            random.normal(size=cells + 1) if noise == "normal" else random.standard_t(2, cells + 1)
        )
        figures = features @ TRUE * np.exp(spread)
        interval = fit_regression(features[1:], figures[1:]).predict(features[0], 0.9)
        covered.append(interval.low <= figures[0] <= interval.high)
    # 0.9 is promised to about n / (n + 1) of the cases; the error of 150 draws is 2.4 percentage points.
    assert 0.84 <= np.mean(covered) <= 0.99


def test_the_estimate_lies_inside_its_interval() -> None:
    random = np.random.default_rng(3)
    features = features_of(9, random)
    regression = fit_regression(features, features @ TRUE * np.exp(0.2 * random.normal(size=9)))
    for point in features_of(50, random):
        interval = regression.predict(point, 0.9)
        assert interval.low <= interval.estimate <= interval.high


def test_a_kind_that_no_cell_is_of_is_predicted_as_badly_as_kinds_that_are_left_out() -> None:
    """Each kind costs something of its own, which leaving out one of its cells does not show."""
    random = np.random.default_rng(5)
    alone: list[bool] = []
    as_kinds: list[bool] = []
    for _ in range(100):
        kinds = np.repeat(np.arange(6), 4)
        features = features_of(24, random)
        figures = features @ TRUE * np.exp(0.1 * random.normal(size=6))[kinds]
        known = kinds > 0
        kin = kinds[known][:, None] == kinds[known]
        for covered, regression in (
            (alone, fit_regression(features[known], figures[known])),
            (as_kinds, fit_regression(features[known], figures[known], kin)),
        ):
            interval = regression.predict(features[0], 0.9)
            covered.append(interval.low <= figures[0] <= interval.high)
    assert np.mean(as_kinds) >= 0.8
    assert np.mean(alone) < np.mean(as_kinds) - 0.1


def test_cells_that_are_all_of_one_kind_show_nothing_of_another() -> None:
    features = features_of(9, np.random.default_rng(6))
    with pytest.raises(ValueError, match="nothing is left to fit to"):
        fit_regression(features, features @ TRUE, np.ones((9, 9), dtype=bool))
