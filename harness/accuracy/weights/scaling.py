"""The arithmetic that a model itself applies to its input, as the mean and deviation of our preprocessing."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.accuracy.preprocessing import Channels, Preprocessing

Arithmetic = Literal["add", "multiply", "subtract", "divide"]
_MAX_FACTOR = 1e6


@dataclass(frozen=True)
class Step:
    """One operation with a constant: of one value or three, whose last dimension is the channels."""

    arithmetic: Arithmetic
    constant: NDArray[np.float64]
    constant_first: bool = False


@dataclass(frozen=True)
class Scaling:
    """The mean and standard deviation that a picture's values in 0 to 1 are scaled by."""

    mean: Channels
    std: Channels
    remarks: tuple[str, ...] = ()


def default_scaling() -> Scaling:
    """TensorFlow's usual one, to [-1, 1]."""
    default = Preprocessing(resolution_px=1)
    return Scaling(default.mean, default.std)


def combine(
    steps: Iterable[Step], *, scale: float = 1.0, offset: float = 0.0, takes_bytes: bool = False
) -> Scaling:
    """The steps, in their order, of an input of `value * scale + offset`.

    The input's values are 0 to 255, or 0 to 1 where a mean of 1 or less or a factor above 1 shows it;
    with `takes_bytes` they can only be 0 to 255.

    Raises:
        ValueError: the result is not one positive factor and one offset for each channel.
    """
    factors, offsets = np.full(3, scale), np.full(3, offset)
    for step in steps:
        factors, offsets = _apply(step, factors, offsets)
    if not ((factors > 0) & (factors < _MAX_FACTOR) & (abs(offsets) < _MAX_FACTOR)).all():
        raise ValueError(f"the model scales its input by {factors.tolist()} and {offsets.tolist()}")
    mean, std = -offsets / factors, 1 / factors
    of_units = not takes_bytes and bool(((factors > 1) | ((factors > 0.5) & (mean > 0) & (mean <= 1))).any())
    if of_units:
        remark = "the arithmetic at the model's input fits values of 0 to 1, and is taken as that"
        return Scaling(_three(mean), _three(std), (remark,))
    return Scaling(_three(mean / 255), _three(std / 255))


def _apply(
    step: Step, factors: NDArray[np.float64], offsets: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    constant = _channels(step.constant)
    match step.arithmetic:
        case "multiply":
            return factors * constant, offsets * constant
        case "add":
            return factors, offsets + constant
        case "subtract":
            return (-factors, constant - offsets) if step.constant_first else (factors, offsets - constant)
        case "divide":
            if step.constant_first:
                raise ValueError("the model divides by its input")
            if not constant.all():
                raise ValueError("the model divides its input by 0")
            return factors / constant, offsets / constant


def _channels(constant: NDArray[np.float64]) -> NDArray[np.float64]:
    if constant.size != 1 and (constant.size != 3 or constant.shape[-1] != 3):
        raise ValueError(f"the model scales its input by a constant of shape {constant.shape}")
    if not np.isfinite(constant).all():
        raise ValueError("the model scales its input by NaN or infinity")
    return np.broadcast_to(constant.reshape(-1), (3,))


def _three(values: NDArray[np.float64]) -> Channels:
    red, green, blue = (0.0 + value for value in values.tolist())  # 0.0, not -0.0
    return red, green, blue
