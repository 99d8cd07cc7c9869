"""The arithmetic of a frozen graph between its input and MobileNetV1's first convolution."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.accuracy.weights.scaling import Arithmetic, Scaling, Step, combine, default_scaling

_ARITHMETIC: dict[str, Arithmetic] = {
    **{"Add": "add", "AddV2": "add", "BiasAdd": "add", "Sub": "subtract"},
    **{"Mul": "multiply", "RealDiv": "divide", "Div": "divide"},
}
# Fake quantization rounds values within its range, and does not scale them.
_FAKE_QUANTIZE = ("FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxArgs")
_SAME_VALUES = ("Identity", "StopGradient", "ExpandDims", *_FAKE_QUANTIZE)
_INPUTS = ("Placeholder", "PlaceholderWithDefault")
_MAX_STEPS = 30
# DataType of tensorflow/core/framework/types.proto.
_DT_FLOAT = 1
_DT_INTEGERS = (3, 4, 9)  # int32, uint8, int64


@dataclass(frozen=True)
class Node:
    """One operation: the nodes that it reads, in order, and the type of its output where it states one."""

    operation: str
    inputs: tuple[str, ...]
    output_type: int | None


def read_input_scaling(
    nodes: Mapping[str, Node], first_kernel: str, constant: Callable[[str], NDArray[np.float64] | None]
) -> Scaling:
    """The scaling before the convolution by `first_kernel`; without any, TensorFlow's usual one.

    `constant` gives the values of a float constant by its node's name, or None.

    Raises:
        ValueError: another operation is before the first convolution, or its numbers are no scaling.
    """
    firsts = [
        node
        for node in nodes.values()
        if node.operation == "Conv2D"
        and len(node.inputs) == 2
        and _source(nodes, node.inputs[1]) == first_kernel
    ]
    if not firsts:
        return default_scaling()
    if len(firsts) > 1:
        raise ValueError(f"{len(firsts)} convolutions use {first_kernel}")
    steps: list[Step] = []
    at = firsts[0].inputs[0]
    for _ in range(_MAX_STEPS):
        node = nodes.get(at)
        if node is None:
            raise ValueError(f"the graph has no node {at}")
        if node.operation in _INPUTS:
            takes_bytes = node.output_type in _DT_INTEGERS
            if not steps and not takes_bytes:
                return default_scaling()
            return combine(steps[::-1], takes_bytes=takes_bytes)
        if node.operation in _ARITHMETIC and len(node.inputs) == 2:
            first, second = (constant(_source(nodes, name)) for name in node.inputs)
            value = second if first is None else first
            if value is None or (first is not None and second is not None):
                raise ValueError(f"{at} ({node.operation}) before the first convolution has no one constant")
            steps.append(Step(_ARITHMETIC[node.operation], value, first is not None))
            at = node.inputs[0 if first is None else 1]
            continue
        is_cast = node.operation == "Cast" and node.output_type == _DT_FLOAT
        if not node.inputs or not (is_cast or node.operation in _SAME_VALUES):
            raise ValueError(f"{at} ({node.operation}) is before the first convolution")
        at = node.inputs[0]
    raise ValueError("the first convolution is not connected to the graph's input")


def _source(nodes: Mapping[str, Node], name: str) -> str:
    """The node whose values arrive under this name, behind nodes that pass them on."""
    for _ in range(_MAX_STEPS):
        node = nodes.get(name)
        if node is None or node.operation not in ("Identity", *_FAKE_QUANTIZE) or not node.inputs:
            break
        name = node.inputs[0]
    return name
