"""An ONNX program that was quantized, in exact integer arithmetic: what ONNX Runtime must return.

ONNX Runtime itself is no reference on every machine: its kernels for x86-64 cores with AVX2 but without VNNI
add products of 8 bits in 16 bits, which saturate; under `qemu-x86_64 -cpu Haswell` 937 of 1000 logits of
0.25/128 differed, by up to 22 steps. This repeats what it computes elsewhere: integer sums with an int32
bias, one float32 scale per channel (`QLinearConv`, `QGemm`), rounding half to even.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

# Of the one input and the one output: the runner of ONNX Runtime asks for them by name.
INPUT, OUTPUT = "input", "logits"


@dataclass(frozen=True)
class _OnGrid:
    """Values that are `steps` of a float32 `scale`, which has one element, or those of dimension `axis`."""

    steps: Tensor
    scale: Tensor
    axis: int

    @property
    def values(self) -> Tensor:
        """The same as float32."""
        shape = [-1 if at == self.axis and self.scale.numel() > 1 else 1 for at in range(self.steps.ndim)]
        return self.steps.float() * self.scale.reshape(shape)


_Value = Tensor | _OnGrid


class OnnxReference:
    """Computes a quantized program of one image, node by node.

    Raises:
        ValueError: the program has an operator that is not in `_OPERATORS`.
    """

    def __init__(self, program: Path) -> None:
        onnx: Any = importlib.import_module("onnx")
        self._attribute: Callable[[Any], Any] = onnx.helper.get_attribute_value
        self._graph = onnx.load(str(program)).graph
        read = onnx.numpy_helper.to_array
        self._constants = {one.name: torch.from_numpy(read(one).copy()) for one in self._graph.initializer}
        if unknown := sorted({node.op_type for node in self._graph.node} - _OPERATORS.keys()):
            raise ValueError(f"the reference cannot compute {', '.join(unknown)}")

    def __call__(self, image: Tensor) -> Tensor:
        """NCHW float32 (1, 3, side, side) to logits (1, classes)."""
        values: dict[str, _Value] = {**self._constants, INPUT: image}
        for node in self._graph.node:
            attributes = {one.name: self._attribute(one) for one in node.attribute}
            inputs = [values[name] for name in node.input if name]
            (values[node.output[0]],) = (_OPERATORS[node.op_type](inputs, attributes),)
        return _plain(values[OUTPUT])


_Attributes = Mapping[str, Any]


def _plain(value: _Value) -> Tensor:
    return value.values if isinstance(value, _OnGrid) else value


def _dequantize(inputs: list[_Value], attributes: _Attributes) -> _Value:
    stored, scale, *zero = map(_plain, inputs)
    axis = int(attributes.get("axis", 1))
    shape = [-1 if at == axis and scale.numel() > 1 else 1 for at in range(stored.ndim)]
    steps = stored.double() - (zero[0].double().reshape(shape) if zero else 0.0)
    return _OnGrid(steps, scale, axis)


def _quantize(inputs: list[_Value], _: _Attributes) -> _Value:
    value, scale, zero = inputs[0], _plain(inputs[1]), _plain(inputs[2])
    if isinstance(value, _OnGrid):
        # One float32 factor for each channel, and the sum as a float32.
        steps = _OnGrid(value.steps, value.scale / scale, value.axis).values.round()
    else:
        steps = (value / scale).round()
    limits = torch.iinfo(zero.dtype)
    return (steps.double() + zero.double()).clamp(limits.min, limits.max).to(zero.dtype)


def _convolve(inputs: list[_Value], attributes: _Attributes) -> _Value:
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))

    def sums(images: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
        padded = functional.pad(images, (left, right, top, bottom))
        stride = tuple(attributes.get("strides", (1, 1)))
        return functional.conv2d(padded, weights, bias, stride, groups=attributes.get("group", 1))

    return _add_up(inputs, sums)


def _multiply(inputs: list[_Value], attributes: _Attributes) -> _Value:
    transposed = bool(attributes.get("transB", 0))

    def sums(rows: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
        return functional.linear(rows, weights if transposed else weights.T, bias)

    return _add_up(inputs, sums)


def _add_up(inputs: list[_Value], sums: Callable[[Tensor, Tensor, Tensor], Tensor]) -> _Value:
    """float64 holds these integers exactly: |sum| < 2**31."""
    images, weights, bias = inputs
    if not isinstance(images, _OnGrid) or not isinstance(weights, _OnGrid) or not isinstance(bias, _OnGrid):
        raise ValueError("the reference computes quantized convolutions and products alone")
    return _OnGrid(sums(images.steps, weights.steps, bias.steps), images.scale * weights.scale, 1)


def _average(inputs: list[_Value], attributes: _Attributes) -> _Value:
    axes = _plain(inputs[1]).tolist() if len(inputs) > 1 else list(attributes["axes"])
    return _plain(inputs[0]).double().mean(axes, keepdim=bool(attributes.get("keepdims", 1))).float()


def _reshape(inputs: list[_Value], _: _Attributes) -> _Value:
    return _plain(inputs[0]).reshape(_plain(inputs[1]).tolist())


def _pad(inputs: list[_Value], _: _Attributes) -> _Value:
    values, pads = _plain(inputs[0]), _plain(inputs[1]).tolist()
    before, after = pads[: values.ndim], pads[values.ndim :]
    return functional.pad(
        values, [side for pair in zip(before[::-1], after[::-1], strict=True) for side in pair]
    )


def _clip(inputs: list[_Value], _: _Attributes) -> _Value:
    low, high = _plain(inputs[1]), _plain(inputs[2])
    return _plain(inputs[0]).clamp(low, high)


_OPERATORS: dict[str, Callable[[list[_Value], _Attributes], _Value]] = {
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
    "Conv": _convolve,
    "Gemm": _multiply,
    "ReduceMean": _average,
    "Reshape": _reshape,
    "Pad": _pad,
    "Clip": _clip,
}
