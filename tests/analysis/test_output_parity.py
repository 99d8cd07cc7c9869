"""Own programs: a device's outputs against those of this machine, output by output."""

import numpy as np
import pytest

from harness.analysis.output_parity import compare_outputs
from harness.errors import MeasurementError
from harness.records import Dtype, Parity, TensorSpec


def spec(dtype: Dtype = "float32", size: int = 4) -> TensorSpec:
    return TensorSpec(dtype=dtype, sizes=(size,), dim_order=(0,))


def compared(output: object, reference: object, dtype: Dtype = "float32") -> Parity:
    one, other = np.asarray(output, dtype), np.asarray(reference, dtype)
    return compare_outputs(one.tobytes(), other.tobytes(), [spec(dtype, one.size)])


def test_floats_may_differ_by_a_ten_thousandth_of_the_largest_value() -> None:
    assert compared([1.0, 2.0, 10.0], [1.0, 2.0009, 10.0]).passed
    wrong = compared([1.0, 2.0, 10.0], [1.0, 2.0011, 10.0])
    assert not wrong.passed
    assert wrong.tolerance == pytest.approx(1e-3)
    assert wrong.max_abs_error == pytest.approx(1.1e-3, rel=1e-3)


def test_half_precision_may_differ_by_what_the_fp16_network_may() -> None:
    assert compared([1.0, 10.0], [1.4, 10.0], "float16").passed
    assert not compared([1.0, 10.0], [1.6, 10.0], "float16").passed


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "bool"])
def test_integers_and_booleans_must_be_equal(dtype: Dtype) -> None:
    assert compared([0, 1, 1], [0, 1, 1], dtype).passed
    assert not compared([0, 1, 1], [0, 1, 0], dtype).passed


def test_integers_that_a_float_cannot_tell_apart_differ() -> None:
    assert not compared([2**53], [2**53 + 1], "int64").passed


def test_infinities_and_nan_must_be_in_the_same_places() -> None:
    assert compared([np.inf, -np.inf, np.nan, 1.0], [np.inf, -np.inf, np.nan, 1.0]).passed
    assert not compared([np.inf, 1.0], [-np.inf, 1.0]).passed
    assert not compared([np.nan, 1.0], [1.0, 1.0]).passed
    assert not compared([np.inf, 1.0], [np.nan, 1.0]).passed


def test_an_output_of_zeros_is_equal_to_itself_alone() -> None:
    assert compared([0.0, 0.0], [0.0, 0.0]).passed
    assert not compared([0.0, 1e-9], [0.0, 0.0]).passed


def test_the_worst_output_decides() -> None:
    floats, integers = np.ones(4, np.float32), np.arange(4)
    specs = [spec(), spec("int64")]
    right = floats.tobytes() + integers.tobytes()
    assert compare_outputs(right, right, specs).passed
    parity = compare_outputs(right, floats.tobytes() + (integers + 5).tobytes(), specs)
    assert (parity.passed, parity.max_abs_error) == (False, 5.0)


def test_outputs_of_another_length_are_refused() -> None:
    with pytest.raises(MeasurementError, match="the outputs have 12 bytes, the reference 16"):
        compare_outputs(bytes(12), bytes(16), [spec()])
