"""Prediction intervals around a regression, from how well it predicts each cell that it was not fitted to.

The model is linear with coefficients of at least 0: no layer makes an inference cheaper. Residuals are
relative, because a large network is measured no more precisely, in per cent, than a small one.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.analysis.least_squares import least_squares_above_0
from harness.records import Interval

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Regression:
    """Coefficients fitted to all cells; row i of `without` is fitted without the i-th and its kin.

    `errors` are the logarithms of each figure over its prediction without these.
    """

    coefficients: Floats
    without: Floats
    errors: Floats

    @property
    def relative_errors(self) -> Floats:
        """By what share of the figure each cell is mispredicted when it is left out."""
        return np.abs(np.expm1(-self.errors))

    def predict(self, features: Floats, confidence: float) -> Interval:
        """The figure of one point with its jackknife+ interval.

        Barber, Candès, Ramdas & Tibshirani, "Predictive inference with the jackknife+", Annals of
        Statistics 49, 2021, on logarithms. If the point and the cells are exchangeable, the interval covers
        the figure with a probability of at least 2 * confidence - 1 for every distribution, and of about
        `confidence` in practice.
        """
        count = len(self.errors)
        outer = cut_off(count, confidence)
        spread = np.abs(self.errors)
        centres = np.log(self.without @ features)
        estimate = float(self.coefficients @ features)
        low = float(np.exp(np.sort(centres - spread)[outer - 1]))
        high = float(np.exp(np.sort(centres + spread)[count - outer]))
        return Interval(
            estimate=estimate, low=min(low, estimate), high=max(high, estimate), confidence=confidence
        )


def cells_needed(confidence: float) -> int:
    """The smallest number of cells from which an interval of this confidence has ends."""
    return math.ceil(confidence / (1 - confidence) - _ROUNDING)


def cut_off(count: int, confidence: float) -> int:
    """Which of `count` sorted ends bounds the interval on either side, 1 for the outermost.

    Raises:
        ValueError: there are too few.
    """
    outer = math.floor((1 - confidence) * (count + 1) + _ROUNDING)
    if outer < 1:
        raise ValueError(f"{count} cells give no interval of {confidence:.0%}")
    return outer


def fit_regression(features: Floats, figures: Floats, kin: Bools | None = None) -> Regression:
    """Fit `figures` (n) by `features` (n x k), all of them above 0.

    Row i of `kin` (n x n) tells which cells are left out with the i-th; without it, none are. A point of a
    kind that no cell is of is predicted as badly as cells are whose kind is left out as a whole (CV+ in the
    article above, with kinds as the folds): beside its kin, a cell tells nothing of that.

    Raises:
        ValueError: the kin of a cell are all cells.
    """
    kin = np.eye(len(figures), dtype=bool) if kin is None else kin
    if kin.all(axis=1).any():
        raise ValueError("nothing is left to fit to")
    without = np.array([fit_relative(features[~left_out], figures[~left_out]) for left_out in kin])
    errors = np.log(figures / np.einsum("ij,ij->i", without, features))
    return Regression(fit_relative(features, figures), without, errors)


def fit_relative(features: Floats, figures: Floats) -> Floats:
    """Coefficients of at least 0 with the smallest sum of squared relative errors."""
    relative = features / figures[:, None]
    # Multiply-accumulates and a constant differ by nine orders of magnitude.
    scale = np.linalg.norm(relative, axis=0)
    fitted: Floats = least_squares_above_0(relative / scale, np.ones(len(figures))) / scale
    return fitted
