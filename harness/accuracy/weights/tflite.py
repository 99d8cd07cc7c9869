"""MobileNetV1 from float or quantized TFLite models: found by operators, as names vary by converter."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from harness.accuracy.preprocessing import tensorflow_preprocessing
from harness.accuracy.weights.assembly import LAYERS, NamedTensor, Source
from harness.accuracy.weights.border import Budget
from harness.accuracy.weights.flatbuffer import Table
from harness.accuracy.weights.scaling import Arithmetic, Scaling, Step, combine, default_scaling
from harness.records import Padding
from models.mobilenet_v1 import PUBLISHED_BN_EPS, Activation

# Numbers of fields and enumerators from tensorflow/lite/schema/schema.fbs.
_IDENTIFIER = b"TFL3"
_OPERATOR_CODES, _SUBGRAPHS, _BUFFERS = 1, 2, 4
_OLD_CODE, _NEW_CODE = 0, 3
_TENSORS, _GRAPH_INPUTS, _OPERATORS = 0, 1, 3
_OPCODE_INDEX, _INPUTS, _OUTPUTS, _OPTIONS = 0, 1, 2, 4
_SHAPE, _TYPE, _BUFFER, _NAME, _QUANTIZATION = 0, 1, 2, 3, 4
_SCALE, _ZERO_POINT, _QUANTIZED_DIMENSION = 2, 3, 6
_PADDING, _STRIDE = 0, 1
_CONV_2D, _DEPTHWISE_CONV_2D, _DEQUANTIZE, _FULLY_CONNECTED, _PAD = 3, 4, 6, 9, 34
_CAST, _QUANTIZE = 53, 114
_ARITHMETIC: dict[int, Arithmetic] = {0: "add", 18: "multiply", 41: "subtract", 42: "divide"}
_MAX_STEPS = 10
_ACTIVATION_FIELD = {_CONV_2D: 3, _DEPTHWISE_CONV_2D: 4}
_ACTIVATIONS: dict[int, Activation] = {1: "relu", 3: "relu6"}
_SAME = 0
_DTYPES = {0: "<f4", 1: "<f2", 2: "<i4", 3: "u1", 4: "<i8", 9: "i1"}
_FLOAT32, _UINT8, _INT8 = 0, 3, 9
# float32, and int32 or int64 that a cast turns into it.
_REAL_INPUTS = (_FLOAT32, 2, 4)


def read_tflite(file: Path) -> Source:
    """The weights of the convolutions, in their order; quantized weights are dequantized.

    Raises:
        ValueError or another built-in error: the file is damaged, or its operators are not MobileNetV1's.
    """
    content = file.read_bytes()
    if content[4:8] != _IDENTIFIER:
        raise ValueError("the identifier TFL3 is missing")
    return _source(_Model.parse(content))


@dataclass(frozen=True)
class _Operator:
    code: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None


@dataclass(frozen=True)
class _Model:
    tensors: tuple[Table, ...]
    buffers: tuple[Table, ...]
    inputs: tuple[int, ...]
    operators: tuple[_Operator, ...]
    budget: Budget

    @classmethod
    def parse(cls, content: bytes) -> "_Model":
        model = Table.root(content)
        # Old writers set the byte, new ones the wider field: the larger value is the code.
        codes = [
            max(code.scalar(_OLD_CODE, "<b"), code.scalar(_NEW_CODE, "<i"))
            for code in model.tables(_OPERATOR_CODES)
        ]
        graph = model.tables(_SUBGRAPHS)[0]
        operators = tuple(
            _Operator(
                code=codes[operator.scalar(_OPCODE_INDEX, "<I")],
                inputs=operator.indices(_INPUTS),
                outputs=operator.indices(_OUTPUTS),
                options=operator.table(_OPTIONS),
            )
            for operator in graph.tables(_OPERATORS)
        )
        inputs = graph.indices(_GRAPH_INPUTS)
        return cls(graph.tables(_TENSORS), model.tables(_BUFFERS), inputs, operators, Budget())

    def name(self, index: int) -> str:
        return self.tensors[index].text(_NAME)

    def stored_index(self, index: int) -> int:
        """The tensor that holds a constant: a half-precision one is behind its DEQUANTIZE operator."""
        producer = next((op for op in self.operators if index in op.outputs), None)
        if producer is not None:
            if producer.code != _DEQUANTIZE:
                raise ValueError(f"{self.name(index)} is computed, not a constant")
            return producer.inputs[0]
        return index

    def is_constant(self, index: int) -> bool:
        """Whether the file holds the tensor's numbers, maybe behind a DEQUANTIZE operator."""
        producer = next((op for op in self.operators if index in op.outputs), None)
        if producer is not None and producer.code == _DEQUANTIZE:
            index = producer.inputs[0]
            producer = next((op for op in self.operators if index in op.outputs), None)
        return producer is None and index not in self.inputs

    def stored(self, index: int) -> NDArray[np.generic]:
        """A constant as it is stored."""
        tensor = self.tensors[self.stored_index(index)]
        data = self.buffers[tensor.scalar(_BUFFER, "<I")].numbers(0, "u1")
        values = np.frombuffer(data, dtype=self.number_format(index))
        # As float64, which they become: several tensors may share one buffer.
        self.budget.spend(8 * values.size)
        return values.reshape(tensor.indices(_SHAPE))

    def number_format(self, index: int) -> str:
        """The type of a constant's numbers in the file, such as `uint8`."""
        kind = self.tensors[self.stored_index(index)].scalar(_TYPE, "<b")
        if kind not in _DTYPES:
            raise ValueError(f"{self.name(index)} holds numbers of type {kind}, which are not read")
        return np.dtype(_DTYPES[kind]).name

    def real(self, index: int) -> NDArray[np.float32]:
        """A constant as float32: scale * (stored - zero point), for each channel where it has several."""
        values = self.stored(index).astype(np.float64)
        quantization = self.tensors[self.stored_index(index)].table(_QUANTIZATION)
        scale = quantization.numbers(_SCALE, "<f4").astype(np.float64) if quantization else np.empty(0)
        if quantization is not None and scale.size:
            zero_point = quantization.numbers(_ZERO_POINT, "<i8").astype(np.float64)
            if zero_point.size not in (0, scale.size):
                raise ValueError(
                    f"{self.name(index)} has {zero_point.size} zero points for {scale.size} scales"
                )
            along = [1] * values.ndim
            if scale.size > 1:
                dimension = quantization.scalar(_QUANTIZED_DIMENSION, "<i")
                if not 0 <= dimension < values.ndim or values.shape[dimension] != scale.size:
                    raise ValueError(f"{self.name(index)} has {scale.size} scales")
                along[dimension] = scale.size
            if zero_point.size:
                values = values - zero_point.reshape(along)
            values = values * scale.reshape(along)
        return values.astype(np.float32)


def _source(model: _Model) -> Source:
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
    shape = model.tensors[model.inputs[0]].indices(_SHAPE)
    scaling = _input_scaling(model, weighted[0])
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


def _check_kind(model: _Model, layer: str, operator: _Operator) -> Activation:
    expected = _DEPTHWISE_CONV_2D if layer.endswith("depthwise") else _CONV_2D
    if operator.code != expected or operator.options is None:
        raise ValueError(f"{model.name(operator.outputs[0])} is operator {operator.code} in place of {layer}")
    activation = _ACTIVATIONS.get(operator.options.scalar(_ACTIVATION_FIELD[operator.code], "<b"))
    if activation is None:
        raise ValueError(f"{model.name(operator.outputs[0])} is not followed by a ReLU, as in MobileNetV1")
    return activation


def _parameters(model: _Model, operator: _Operator, place: str) -> dict[str, NamedTensor]:
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


def _padding(model: _Model, convolutions: list[_Operator]) -> Padding:
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


def _paddings(model: _Model, convolutions: list[_Operator]) -> Iterator[tuple[int, int]]:
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


def _input_scaling(model: _Model, first: _Operator) -> Scaling:
    """Mean and standard deviation equivalent to a quantized input and to arithmetic before the first layer.

    A float model with neither takes TensorFlow's usual input.
    """
    steps = tuple(_arithmetic(model, first))
    tensor = model.tensors[model.inputs[0]]
    kind = tensor.scalar(_TYPE, "<b")
    if kind not in (_UINT8, _INT8):
        if kind not in _REAL_INPUTS:
            raise ValueError(f"the model's input has numbers of type {kind}, which no picture has")
        casts = kind != _FLOAT32
        return combine(steps, takes_bytes=casts) if steps or casts else default_scaling()
    quantization = tensor.table(_QUANTIZATION)
    scales = quantization.numbers(_SCALE, "<f4") if quantization else np.empty(0)
    if quantization is None or not scales.size:
        if kind == _INT8:
            raise ValueError("the model's input is int8 without a scale")
        return combine(steps, takes_bytes=True)
    zero_points = quantization.numbers(_ZERO_POINT, "<i8")
    zero_point = (int(zero_points[0]) if zero_points.size else 0) + (128 if kind == _INT8 else 0)
    scale = float(scales[0])
    return combine(steps, scale=scale, offset=-scale * zero_point, takes_bytes=True)


def _arithmetic(model: _Model, first: _Operator) -> list[Step]:
    """Operators on the way from the model's input to its first convolution, each with its constant."""
    producers = {output: operator for operator in model.operators for output in operator.outputs}
    steps: list[Step] = []
    at = first.inputs[0]
    for _ in range(_MAX_STEPS):
        if at == model.inputs[0]:
            return steps[::-1]
        operator = producers.get(at)
        if operator is None:
            break
        at = operator.inputs[0]
        if operator.code in _ARITHMETIC:
            if operator.options is not None and operator.options.scalar(0, "<b"):
                raise ValueError("the model cuts its input off by an activation")
            constant, *others = [index for index in operator.inputs if model.is_constant(index)] or [-1]
            if constant < 0 or others or len(operator.inputs) != 2:
                raise ValueError(f"operator {operator.code} before the first convolution has no one constant")
            constant_first = operator.inputs[0] == constant
            at = operator.inputs[1 if constant_first else 0]
            value = model.real(constant).astype(np.float64)
            steps.append(Step(_ARITHMETIC[operator.code], value, constant_first))
        elif operator.code == _CAST:
            if model.tensors[operator.outputs[0]].scalar(_TYPE, "<b") != _FLOAT32:
                raise ValueError("the model casts its input to other numbers than float32")
        elif operator.code not in (_PAD, _QUANTIZE, _DEQUANTIZE) or (operator.code == _PAD and steps):
            raise ValueError(f"operator {operator.code} is before the first convolution")
    raise ValueError("the first convolution is not connected to the model's input")
