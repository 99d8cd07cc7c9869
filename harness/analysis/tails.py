"""Tails of the binomial and of Student's distribution: scipy's agree, and are 140 MB to install."""

import math

import numpy as np


def binomial_tail(wanted: int, trials: int, share: float) -> float:
    """The probability of at least `wanted` successes in `trials`, each with the probability `share`."""
    if wanted <= 0:
        return 1.0
    if wanted > trials or share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    odds = math.log(share) - math.log1p(-share)
    first = (
        math.lgamma(trials + 1)
        - math.lgamma(wanted + 1)
        - math.lgamma(trials - wanted + 1)
        + wanted * odds
        + trials * math.log1p(-share)
    )
    # Each term from the one before, as logarithms: none of them is too small for a float on the way.
    successes = np.arange(wanted, trials)
    steps = np.log((trials - successes) / (successes + 1)) + odds
    return min(1.0, float(np.exp(first + np.concatenate(([0.0], np.cumsum(steps)))).sum()))


def student_t_quantile(probability: float, freedom: int) -> float:
    """The value that Student's t with `freedom` degrees of freedom exceeds with the rest of `probability`.

    Of a probability of at least 1/2; found by halving the interval that holds it.
    """
    low, high = 0.0, 1.0
    while student_t_cdf(high, freedom) < probability:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if student_t_cdf(middle, freedom) < probability else (low, middle)
    return high


def student_t_cdf(value: float, freedom: int) -> float:
    """The probability that Student's t with `freedom` degrees of freedom, at least 1, is at most `value`.

    The finite sums of Abramowitz & Stegun, "Handbook of Mathematical Functions", 1964, 26.7.3 and 26.7.4.
    """
    angle = math.atan(value / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for step in range(2 + odd, freedom + 1, 2):
        total += term
        term *= cosine**2 * (step - 1) / step
    within = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return (1 + within) / 2
