"""The input scaling that a model does itself is read exactly, or the model is refused."""

from pathlib import Path

import numpy as np
import pytest

from harness.accuracy.weights import load_weights
from harness.accuracy.weights.scaling import Step, combine
from harness.errors import UsageError
from input_scaling import assert_scaling
from tflite_files import ADD, CAST, DEQUANTIZE, DIV, MUL, QUANTIZE, SUB, TANH, tflite_model
from weight_files import frozen_graph, slim_constants, trained_network

IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


# The arithmetic itself -----------------------------------------------------------------------------


def test_a_constant_for_each_channel_is_read() -> None:
    mean, std = (np.array(values) for values in IMAGENET)
    steps = [Step("divide", np.array(255.0)), Step("subtract", mean), Step("divide", std)]
    scaling = combine(steps)
    assert scaling.mean == pytest.approx(IMAGENET[0])
    assert scaling.std == pytest.approx(IMAGENET[1])
    assert scaling.remarks == ()


@pytest.mark.parametrize(
    "steps",
    [
        [Step("multiply", np.array(2.0)), Step("subtract", np.array(1.0))],
        [Step("subtract", np.array(0.5)), Step("divide", np.array(0.5))],
    ],
)
def test_arithmetic_for_values_of_0_to_1_is_read_as_such_and_reported(steps: list[Step]) -> None:
    scaling = combine(steps)
    assert (scaling.mean, scaling.std) == ((0.5,) * 3, (0.5,) * 3)
    assert scaling.remarks == (
        "the arithmetic at the model's input fits values of 0 to 1, and is taken as that",
    )


def test_a_mean_in_pixels_alone_is_for_values_of_0_to_255() -> None:
    scaling = combine([Step("subtract", np.array([123.675, 116.28, 103.53]))])
    assert scaling.mean == pytest.approx(IMAGENET[0])
    assert scaling.std == pytest.approx((1 / 255,) * 3)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (Step("subtract", np.array(255.0), constant_first=True), "scales its input by"),
        (Step("divide", np.array(255.0), constant_first=True), "divides by its input"),
        (Step("divide", np.array(0.0)), "divides its input by 0"),
        (Step("multiply", np.array(np.nan)), "by NaN or infinity"),
        (Step("multiply", np.ones((3, 1))), r"a constant of shape \(3, 1\)"),
        (Step("multiply", np.ones(4)), r"a constant of shape \(4,\)"),
        (Step("multiply", np.array(-1.0)), "scales its input by"),
    ],
)
def test_arithmetic_that_is_no_scaling_is_refused(step: Step, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        combine([step])


# TFLite --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "constant_first", "byte_input", "mean", "std"),
    [
        (((DIV, 127.5), (SUB, 1.0)), False, False, 0.5, 0.5),
        (((MUL, 1 / 127.5), (ADD, -1.0)), True, False, 0.5, 0.5),
        (((CAST, None), (MUL, 1 / 255)), False, True, 0.0, 1.0),
        (((CAST, None), (SUB, 127.5), (DIV, 127.5)), False, True, 0.5, 0.5),
        (((CAST, None),), False, True, 0.0, 1 / 255),
        (((QUANTIZE, None), (DEQUANTIZE, None)), False, False, 0.5, 0.5),
        (((MUL, 1 / 127.5), (ADD, -1.0), (QUANTIZE, None)), False, False, 0.5, 0.5),
        (((MUL, 2.0), (ADD, -1.0)), False, False, 0.5, 0.5),
    ],
    ids=[
        "div",
        "constant first",
        "cast",
        "cast, mean",
        "cast alone",
        "quantize",
        "scale, quantize",
        "0 to 1",
    ],
)
def test_operators_before_a_tflite_models_first_convolution_are_read(
    before: tuple[tuple[int, float | None], ...],
    constant_first: bool,
    byte_input: bool,
    mean: float,
    std: float,
    tmp_path: Path,
) -> None:
    file = tmp_path / "scaled.tflite"
    file.write_bytes(
        tflite_model(trained_network(), before=before, constant_first=constant_first, byte_input=byte_input)
    )
    loaded = load_weights(file)
    assert_scaling(loaded.preprocessing(64), mean, std)
    assert any("0 to 1" in remark for remark in loaded.remarks) == (before[0] == (MUL, 2.0))


@pytest.mark.parametrize(
    ("normalization", "mean", "std"), [((127.5, 127.5), 0.5, 0.5), ((0.0, 255.0), 0.0, 1.0)]
)
def test_the_normalization_in_a_tflite_models_metadata_is_read(
    normalization: tuple[float, float], mean: float, std: float, tmp_path: Path
) -> None:
    file = tmp_path / "metadata.tflite"
    file.write_bytes(tflite_model(trained_network(), normalization=normalization))
    assert_scaling(load_weights(file).preprocessing(64), mean, std)
    # The numbers of a quantized input are those of its scale.
    file.write_bytes(tflite_model(trained_network(), normalization=normalization, quantized=True))
    assert_scaling(load_weights(file).preprocessing(64), 128 / 255, 128 / 255)


def test_a_normalization_by_zero_in_metadata_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "metadata.tflite"
    file.write_bytes(tflite_model(trained_network(), normalization=(0.0, 0.0)))
    with pytest.raises(UsageError, match="divides its input by 0"):
        load_weights(file)


def test_a_quantized_tflite_input_is_scaled_before_the_operators(tmp_path: Path) -> None:
    file = tmp_path / "quantized.tflite"
    before = ((DEQUANTIZE, None), (SUB, 0.5), (DIV, 0.5))
    file.write_bytes(tflite_model(trained_network(), before=before, quantized_input=(1 / 255, 0)))
    assert_scaling(load_weights(file).preprocessing(64), 0.5, 0.5)


@pytest.mark.parametrize(
    ("before", "constant_first", "message"),
    [
        (((SUB, 1.0),), True, "scales its input by"),
        (((DIV, 1.0),), True, "divides by its input"),
        (((MUL, None),), False, "has no one constant"),
        (((MUL, 1 / 255), (TANH, None)), False, "operator 28 is before the first convolution"),
    ],
)
def test_operators_that_are_no_scaling_are_refused(
    before: tuple[tuple[int, float | None], ...], constant_first: bool, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "other.tflite"
    file.write_bytes(tflite_model(trained_network(), before=before, constant_first=constant_first))
    with pytest.raises(UsageError, match=message):
        load_weights(file)


# Frozen graphs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "input_type", "mean", "std"),
    [
        ((), 1, 0.5, 0.5),
        ((("Sub", 127.5, False), ("Mul", 1 / 127.5, False)), 1, 0.5, 0.5),
        ((("Mul", 1 / 255, True), ("Identity", None, False)), 1, 0.0, 1.0),
        ((("Cast", None, False), ("RealDiv", 255.0, False)), 4, 0.0, 1.0),
        ((("Cast", None, False),), 4, 0.0, 1 / 255),
        ((("ExpandDims", None, False), ("Mul", 2.0, False), ("AddV2", -1.0, False)), 1, 0.5, 0.5),
    ],
    ids=["none", "mean", "constant first", "cast", "cast alone", "0 to 1"],
)
def test_arithmetic_before_a_frozen_graphs_first_convolution_is_read(
    before: tuple[tuple[str, float | None, bool], ...],
    input_type: int,
    mean: float,
    std: float,
    tmp_path: Path,
) -> None:
    file = tmp_path / "scaled.pb"
    file.write_bytes(frozen_graph(slim_constants(trained_network()), before=before, input_type=input_type))
    assert_scaling(load_weights(file).preprocessing(64), mean, std)


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ((("Sub", 1.0, True),), "scales its input by"),
        ((("RealDiv", 1.0, True),), "divides by its input"),
        ((("Mul", None, False),), r"step0 \(Mul\) is before the first convolution"),
        ((("ReverseV2", 3.0, False),), r"step0 \(ReverseV2\) is before the first convolution"),
        ((("ResizeBilinear", None, False),), r"step0 \(ResizeBilinear\) is before the first convolution"),
        ((("Const", None, False),), r"step0 \(Const\) is before the first convolution"),
    ],
)
def test_other_operations_before_a_frozen_graphs_first_convolution_are_refused(
    before: tuple[tuple[str, float | None, bool], ...], message: str, tmp_path: Path
) -> None:
    file = tmp_path / "other.pb"
    file.write_bytes(frozen_graph(slim_constants(trained_network()), before=before))
    with pytest.raises(UsageError, match=message):
        load_weights(file)
