"""Least squares with coefficients of at least 0; scipy's agree, and are 140 MB to install."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def least_squares_above_0(matrix: Floats, target: Floats) -> Floats:
    """The k coefficients x of at least 0 with the smallest |matrix @ x - target|, of n x k and n values.

    The active sets of Lawson & Hanson, "Solving Least Squares Problems", 1974, chapter 23.

    Raises:
        ArithmeticError: the sets did not settle.
    """
    count = matrix.shape[1]
    each = np.arange(count)
    free, solution = np.zeros(count, dtype=bool), np.zeros(count)
    tolerance = 10 * max(matrix.shape) * np.finfo(float).eps * np.abs(matrix).sum(axis=0).max()
    for _ in range(100 * count):
        gradient = matrix.T @ (target - matrix @ solution)
        steepest = [one for one in np.argsort(-gradient) if not free[one] and gradient[one] > tolerance]
        # Of columns that repeat each other, rounding may give the new one less than 0: it is left out.
        trials = ((one, _solve(matrix, target, free | (each == one))) for one in steepest)
        added, trial = next(((one, trial) for one, trial in trials if trial[one] > 0), (None, solution))
        if added is None:
            return solution
        free[added] = True
        while (below := free & (trial <= 0)).any():
            # As far as the first coefficient that reaches 0; it stays there.
            share = (solution[below] / (solution[below] - trial[below])).min()
            solution = solution + share * (trial - solution)
            free &= solution > tolerance
            solution[~free] = 0
            trial = _solve(matrix, target, free)
        solution = trial
    raise ArithmeticError(f"non-negative least squares of {count} columns did not settle")


def _solve(matrix: Floats, target: Floats, free: NDArray[np.bool_]) -> Floats:
    """Ordinary least squares over the columns that are `free`; the others are 0."""
    solution = np.zeros(matrix.shape[1])
    solution[free] = np.linalg.lstsq(matrix[:, free], target)[0]
    return solution
