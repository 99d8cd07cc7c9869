"""The scaling of a TFLite model's input: its quantization, its metadata and arithmetic of its own."""

import numpy as np

from harness.accuracy.weights.scaling import Arithmetic, Scaling, Step, combine, default_scaling
from harness.accuracy.weights.tflite_model import (
    DEQUANTIZE,
    QUANTIZATION,
    SCALE,
    TYPE,
    ZERO_POINT,
    Model,
    Operator,
)
from harness.system.flatbuffer import Table

# Enumerators from tensorflow/lite/schema/schema.fbs.
_PAD, _CAST, _QUANTIZE = 34, 53, 114
_ARITHMETIC: dict[int, Arithmetic] = {0: "add", 18: "multiply", 41: "subtract", 42: "divide"}
_MAX_STEPS = 10
_FLOAT32, _UINT8, _INT8 = 0, 3, 9
# float32, and int32 or int64 that a cast turns into it.
_REAL_INPUTS = (_FLOAT32, 2, 4)
# Numbers of fields from tensorflow_lite_support/metadata/metadata_schema.fbs.
_METADATA_IDENTIFIER = b"M001"
_SUBGRAPH_METADATA, _INPUT_TENSORS, _PROCESS_UNITS = 3, 2, 4
_OPTIONS_TYPE, _OPTIONS, _NORMALIZATION = 0, 1, 1
_MEAN, _STD = 0, 1


def read_input_scaling(model: Model, first: Operator) -> Scaling:
    """Mean and standard deviation equivalent to a quantized input and to arithmetic before the first layer.

    A float model's metadata may say how its input is normalized; without any of these it takes TensorFlow's
    usual input.

    Raises:
        ValueError: another operator is before the first convolution, or the numbers are no scaling.
    """
    steps = tuple(_arithmetic(model, first))
    tensor = model.tensors[model.inputs[0]]
    kind = tensor.scalar(TYPE, "<b")
    if kind not in (_UINT8, _INT8):
        if kind not in _REAL_INPUTS:
            raise ValueError(f"the model's input has numbers of type {kind}, which no picture has")
        casts = kind != _FLOAT32
        if normalization := _normalization(model.metadata):
            return combine((*normalization, *steps), takes_bytes=True)
        return combine(steps, takes_bytes=casts) if steps or casts else default_scaling()
    quantization = tensor.table(QUANTIZATION)
    scales = quantization.numbers(SCALE, "<f4") if quantization else np.empty(0)
    if quantization is None or not scales.size:
        if kind == _INT8:
            raise ValueError("the model's input is int8 without a scale")
        return combine(steps, takes_bytes=True)
    zero_points = quantization.numbers(ZERO_POINT, "<i8")
    zero_point = (int(zero_points[0]) if zero_points.size else 0) + (128 if kind == _INT8 else 0)
    scale = float(scales[0])
    return combine(steps, scale=scale, offset=-scale * zero_point, takes_bytes=True)


def _arithmetic(model: Model, first: Operator) -> list[Step]:
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
            if model.tensors[operator.outputs[0]].scalar(TYPE, "<b") != _FLOAT32:
                raise ValueError("the model casts its input to other numbers than float32")
        elif operator.code not in (_PAD, _QUANTIZE, DEQUANTIZE) or (operator.code == _PAD and steps):
            raise ValueError(f"operator {operator.code} is before the first convolution")
    raise ValueError("the first convolution is not connected to the model's input")


def _normalization(metadata: bytes) -> tuple[Step, ...]:
    """`(value - mean) / std` for values of 0 to 255, of the metadata's first input; empty if it has none."""
    if metadata[4:8] != _METADATA_IDENTIFIER:
        return ()
    graphs = Table.root(metadata).tables(_SUBGRAPH_METADATA)
    inputs = graphs[0].tables(_INPUT_TENSORS) if graphs else ()
    for unit in inputs[0].tables(_PROCESS_UNITS) if inputs else ():
        options = unit.table(_OPTIONS)
        if unit.scalar(_OPTIONS_TYPE, "<b") == _NORMALIZATION and options is not None:
            mean, std = (options.numbers(field, "<f4").astype(np.float64) for field in (_MEAN, _STD))
            return Step("subtract", mean), Step("divide", std)
    return ()
