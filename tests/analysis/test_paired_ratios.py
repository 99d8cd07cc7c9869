"""The ratio of paired values: known cases, scipy's signed-rank test, and how often the interval holds."""

import numpy as np
import pytest
from scipy.stats import wilcoxon

from harness.analysis.paired_ratios import (
    paired_beyond_chance,
    paired_ratio_bounds,
    paired_ratio_interval,
    signed_rank_tail,
)


def test_equal_sides_give_exactly_one() -> None:
    found = paired_ratio_interval([3.0, 5.0, 7.0] * 3, [3.0, 5.0, 7.0] * 3)
    assert (found.low, found.estimate, found.high, found.confidence) == (1.0, 1.0, 1.0, 0.95)


def test_what_changes_both_sides_of_a_pair_changes_no_ratio() -> None:
    base = [100.0] * 5 + [200.0] * 5
    found = paired_ratio_interval(base, [1.05 * value for value in base])
    assert found.low == pytest.approx(1.05) == found.high


def test_one_pair_of_ten_that_was_disturbed_hardly_moves_the_ratio() -> None:
    base = [100.0 + i for i in range(10)]
    found = paired_ratio_interval(base, [*base[:9], 400.0])
    assert (found.low, found.estimate) == (1.0, 1.0)
    assert found.high < 2.01


@pytest.mark.parametrize(("pairs", "confidence"), [(1, 0.0), (4, 0.875), (5, 0.9375), (6, 0.95), (20, 0.95)])
def test_few_pairs_reach_less_than_95_percent_and_say_so(pairs: int, confidence: float) -> None:
    base = [1.0 + i / 100 for i in range(pairs)]
    assert paired_ratio_interval(base, base[::-1]).confidence == confidence


def test_the_tail_is_that_of_scipys_exact_test() -> None:
    generator = np.random.default_rng(3)
    for _ in range(20):
        logs = generator.normal(0.01, 0.02, 9)
        expected = wilcoxon(logs, alternative="greater", method="exact").pvalue
        against = int((1 + np.argsort(np.argsort(np.abs(logs))))[logs < 0].sum())
        assert signed_rank_tail(9)[against] == pytest.approx(expected)


@pytest.mark.parametrize("pairs", [6, 10, 20])
def test_the_interval_holds_the_ratio_in_95_of_100_experiments(pairs: int) -> None:
    """The pairs share a drift; the noise of a side has heavy tails, as a busy machine's has."""
    generator = np.random.default_rng(pairs)
    noise = 0.01 * generator.standard_t(3, (2, 20_000, pairs))
    drift = np.linspace(1.0, 1.5, pairs)
    low, _, high, _ = paired_ratio_bounds(drift * np.exp(noise[0]), 1.02 * drift * np.exp(noise[1]))
    assert 0.945 < np.mean((low <= 1.02) & (high >= 1.02)) < 0.98


def test_many_cells_need_a_smaller_chance_than_one() -> None:
    base = [100.0] * 10
    mostly = [101.0, 102.0, 103.0, 104.0, 105.0, 106.0, 107.0, 108.0, 97.5, 98.5]
    assert paired_beyond_chance(base, mostly, 1)
    assert not paired_beyond_chance(base, mostly, 30)
    assert paired_beyond_chance(base, [101.0] * 10, 1000)
    assert not paired_beyond_chance(base, base, 1)
