"""Tails of the binomial and of Student's distribution against scipy's."""

import random

import pytest
from scipy.special import bdtrc, stdtr
from scipy.stats import binomtest

from harness.analysis.tails import binomial_tail, student_t_cdf


@pytest.mark.parametrize("freedom", range(1, 30))
def test_students_t_agrees(freedom: int) -> None:
    for value in (-40.0, -3.0, -1.0, -1e-6, 0.0, 0.3, 2.0, 11.0):
        assert student_t_cdf(value, freedom) == pytest.approx(stdtr(freedom, value), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("trials", [1, 2, 5, 30, 200, 50_000])
def test_the_binomial_tail_agrees(trials: int) -> None:
    shares = random.Random(trials)
    for share in (0.5, 1e-9, shares.random(), shares.random()):
        for wanted in {1, trials // 3 + 1, trials // 2 + 1, trials}:
            assert binomial_tail(wanted, trials, share) == pytest.approx(
                bdtrc(wanted - 1, trials, share), rel=1e-8, abs=1e-300
            )


def test_the_ends_of_the_binomial_tail_are_certain() -> None:
    assert [binomial_tail(0, 9, 0.3), binomial_tail(3, 9, 1.0)] == [1.0, 1.0]
    assert [binomial_tail(10, 9, 0.3), binomial_tail(1, 9, 0.0)] == [0.0, 0.0]


@pytest.mark.parametrize(("more", "less"), [(1, 0), (3, 3), (9, 2), (700, 640)])
def test_twice_the_tail_is_mcnemars_exact_test(more: int, less: int) -> None:
    both = more + less
    assert min(1.0, 2 * binomial_tail(more, both, 0.5)) == pytest.approx(binomtest(more, both).pvalue)
