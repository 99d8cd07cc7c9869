"""What tests of a model's own input scaling compare."""

import pytest

from harness.accuracy.preprocessing import Preprocessing


def assert_scaling(preprocessing: Preprocessing, mean: float, std: float) -> None:
    """The same mean and standard deviation in each channel."""
    assert preprocessing.mean == pytest.approx((mean,) * 3, abs=1e-6)
    assert preprocessing.std == pytest.approx((std,) * 3, rel=1e-6)
