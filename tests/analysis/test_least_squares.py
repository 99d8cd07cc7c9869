"""Non-negative least squares against scipy's, also of columns that repeat each other."""

import numpy as np
import pytest
from scipy.optimize import nnls

from harness.analysis.least_squares import least_squares_above_0


@pytest.mark.parametrize("seed", range(200))
def test_no_other_coefficients_of_at_least_0_are_closer(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, columns = random.integers(1, 40), random.integers(1, 10)
    matrix = random.random((rows, columns)) if seed % 2 else random.standard_normal((rows, columns))
    if seed % 5 == 0 and columns > 2:
        matrix[:, 1] = 2 * matrix[:, 0]
    matrix /= np.linalg.norm(matrix, axis=0)
    target = random.standard_normal(rows) if seed % 3 else np.ones(rows)
    solution = least_squares_above_0(matrix, target)
    assert (solution >= 0).all()
    _, distance = nnls(matrix, target, maxiter=1000)
    assert np.linalg.norm(matrix @ solution - target) == pytest.approx(distance, abs=1e-9)


def test_the_coefficients_are_those_that_made_the_target() -> None:
    matrix = np.random.default_rng(1).random((12, 4))
    truth = np.array([3.0, 0.0, 0.5, 2.0])
    assert least_squares_above_0(matrix, matrix @ truth) == pytest.approx(truth, abs=1e-12)
