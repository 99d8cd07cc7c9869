"""MobileNetV1 from float or quantized TFLite models: found by operators, as names vary by converter."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import torch

from harness.accuracy.preprocessing import tensorflow_preprocessing
from harness.accuracy.weights.assembly import LAYERS, NamedTensor, Source
from harness.accuracy.weights.tflite_input import read_input_scaling
from harness.accuracy.weights.tflite_model import SHAPE, Model, Operator
from harness.records import Padding
from models.mobilenet_v1 import PUBLISHED_BN_EPS, Activation

# Numbers of fields and enumerators from tensorflow/lite/schema/schema.fbs.
_IDENTIFIER = b"TFL3"
_PADDING, _STRIDE = 0, 1
_CONV_2D, _DEPTHWISE_CONV_2D, _FULLY_CONNECTED, _PAD = 3, 4, 9, 34
_ACTIVATION_FIELD = {_CONV_2D: 3, _DEPTHWISE_CONV_2D: 4}
_ACTIVATIONS: dict[int, Activation] = {1: "relu", 3: "relu6"}
_SAME = 0


def read_tflite(file: Path) -> Source:
    """The weights of the convolutions, in their order; quantized weights are dequantized.

    Raises:
        ValueError or another built-in error: the file is damaged, or its operators are not MobileNetV1's.
    """
    content = file.read_bytes()
    if content[4:8] != _IDENTIFIER:
        raise ValueError("the identifier TFL3 is missing")
    return _source(Model.parse(content))


def _source(model: Model) -> Source:
    weighted = [op for op in model.operators if op.code in (_CONV_2D, _DEPTHWISE_CONV_2D, _FULLY_CONNECTED)]
    if len(weighted) not in (len(LAYERS), len(LAYERS) + 1):
        raise ValueError(f"{len(weighted)} convolutions, MobileNetV1 has {len(LAYERS)} and a classifier")
    tensors: dict[str, NamedTensor] = {}
    activations: set[Activation] = set()
    for layer, operator in zip(LAYERS, weighted, strict=False):
        activations.add(_check_kind(model, layer, operator))
        tensors |= _parameters(model, operator, f"{layer}.conv")
    if len(activations) > 1:
        raise ValueError("ReLU in some layers and ReLU6 in others")
    if len(weighted) > len(LAYERS):
        tensors |= _parameters(model, weighted[-1], "classifier")
    shape = model.tensors[model.inputs[0]].indices(SHAPE)
    scaling = read_input_scaling(model, weighted[0])
    return Source(
        origin="TFLite",
        tensors=tensors,
        padding=_padding(model, weighted),
        bn_eps=PUBLISHED_BN_EPS,
        activation=activations.pop(),
        preprocessing=lambda side: msgspec.structs.replace(
            tensorflow_preprocessing(side), mean=scaling.mean, std=scaling.std
        ),
        resolution_px=int(shape[1]) if len(shape) == 4 and shape[1] > 0 else None,
        remarks=scaling.remarks,
    )


def _check_kind(model: Model, layer: str, operator: Operator) -> Activation:
    expected = _DEPTHWISE_CONV_2D if layer.endswith("depthwise") else _CONV_2D
    if operator.code != expected or operator.options is None:
        raise ValueError(f"{model.name(operator.outputs[0])} is operator {operator.code} in place of {layer}")
    activation = _ACTIVATIONS.get(operator.options.scalar(_ACTIVATION_FIELD[operator.code], "<b"))
    if activation is None:
        raise ValueError(f"{model.name(operator.outputs[0])} is not followed by a ReLU, as in MobileNetV1")
    return activation


def _parameters(model: Model, operator: Operator, place: str) -> dict[str, NamedTensor]:
    if len(operator.inputs) != 3:
        raise ValueError(f"{model.name(operator.outputs[0])} has no bias")
    _, kernel, bias = operator.inputs
    weight = model.real(kernel)
    if operator.code == _DEPTHWISE_CONV_2D:  # (1, height, width, channels)
        weight = weight.transpose(3, 0, 1, 2)
    elif weight.ndim == 4:  # (out, height, width, in)
        weight = weight.transpose(0, 3, 1, 2)
    if place == "classifier":
        weight = weight.reshape(weight.shape[0], -1)
    return {
        f"{place}.weight": NamedTensor(
            model.name(kernel), torch.from_numpy(weight.copy()), model.number_format(kernel)
        ),
        f"{place}.bias": NamedTensor(
            model.name(bias), torch.from_numpy(model.real(bias)), model.number_format(bias)
        ),
    }


def _padding(model: Model, convolutions: list[Operator]) -> Padding:
    """The padding of the stride-2 convolutions; at stride 1 SAME is symmetric."""
    found = set(_paddings(model, convolutions))
    if len(found) != 1:
        raise ValueError(f"the stride-2 convolutions have {len(found)} kinds of padding")
    before_after = found.pop()
    if before_after == (0, 1):
        return "tf_same"
    if before_after == (1, 1):
        return "symmetric"
    raise ValueError(f"the stride-2 convolutions pad by {before_after}")


def _paddings(model: Model, convolutions: list[Operator]) -> Iterator[tuple[int, int]]:
    pads = {op.outputs[0]: op for op in model.operators if op.code == _PAD}
    for operator in convolutions:
        if operator.options is None or operator.code == _FULLY_CONNECTED:
            continue
        if operator.options.scalar(_STRIDE, "<i") != 2:
            continue
        if operator.options.scalar(_PADDING, "<b") == _SAME:
            yield (0, 1)
        elif operator.inputs[0] in pads:
            rows, columns = model.stored(pads[operator.inputs[0]].inputs[1]).tolist()[1:3]
            yield (rows[0], rows[1]) if rows == columns else (-1, -1)
        else:
            yield (0, 0)
