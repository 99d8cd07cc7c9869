"""The quantized network in exact integer arithmetic: what a correct int8 device must return.

torch runs a converted pt2e model on dequantized floats. Near ties, floats round differently from integers,
and over 28 layers one such difference grows to several steps of the logits, as large as a real fault. So
the reference repeats what the program does: an int32 bias, rounded as ExecuTorch rounds it when it lowers,
and XNNPACK's own arithmetic (`qs8` kernels, "fp32 requantization"): integer sums, one float32 scale per
channel, rounding half to even. A correct device's logits all equal the reference's.
"""

from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

aten = torch.ops.aten
quantized = torch.ops.quantized_decomposed


class IntegerReference(nn.Module):
    """A graph from `convert_pt2e` whose convolutions, classifier and pooling are computed in integers."""

    def __init__(self, converted: fx.GraphModule) -> None:
        super().__init__()
        # The graph was exported for one image and has guards against more; its arithmetic works for any.
        for node in converted.graph.find_nodes(op="call_module", target="_guards_fn"):
            converted.graph.erase_node(node)
        converted.recompile()
        self.converted = converted

    def forward(self, images: Tensor) -> Tensor:
        """NCHW float images to dequantized logits, one row per image."""
        logits: Tensor = _IntegerInterpreter(self.converted).run(images)
        return logits


class _IntegerInterpreter(fx.Interpreter):
    """Runs a graph node by node; values between nodes stay dequantized floats, each exactly on its grid."""

    def run_node(self, node: fx.Node) -> Any:
        """Compute one node; convolutions, the classifier and pooling in integers."""
        if node.target is aten.conv2d.default or node.target is aten.linear.default:
            return self._add_weighted(node)
        if node.target is aten.mean.dim:
            return self._average(node)
        return super().run_node(node)

    def _add_weighted(self, node: fx.Node) -> Tensor:
        arguments, _ = self.fetch_args_kwargs_from_env(node)
        images, weights, bias, *geometry = arguments
        input_scale = _scale(node.args[0])
        weight_scales = self._weight_scales(node.args[1], channels=len(weights))
        per_channel = weight_scales.double().view(-1, *[1] * (weights.ndim - 1))
        # float64 holds these integers exactly: |sum| < 2**31.
        operands = (
            _on_grid(images, input_scale),
            _on_grid(weights, per_channel),
            _quantize_bias(bias, weight_scales * input_scale),
        )
        scales = _float32(input_scale) * weight_scales.float() / _float32(_output_scale(node))
        if node.target is aten.linear.default:
            return _requantize(functional.linear(*operands), scales, node)
        return _requantize(functional.conv2d(*operands, *geometry), scales.view(1, -1, 1, 1), node)

    def _weight_scales(self, dequantized: Any, *, channels: int) -> Tensor:
        """One scale for each output channel, also where they share one."""
        scale = _argument(dequantized, 1)
        if isinstance(scale, fx.Node):
            per_channel: Tensor = self.fetch_attr(str(scale.target))
            return per_channel
        return torch.full((channels,), scale, dtype=torch.float64)

    def _average(self, node: fx.Node) -> Tensor:
        (images, dimensions, *_), _ = self.fetch_args_kwargs_from_env(node)
        input_scale = _scale(node.args[0])
        values = _on_grid(images, input_scale)
        count = values.shape[-1] * values.shape[-2]
        scale = _float32(input_scale) / (_float32(_output_scale(node)) * count)
        return _requantize(values.sum(dimensions, keepdim=True), scale, node)


def _quantize_bias(bias: Tensor, scales: Tensor) -> Tensor:
    """The integers that ExecuTorch stores, by the operator it stores them with.

    It multiplies by a rounded reciprocal in float32: a bias of -173.4999995 steps becomes -174.
    """
    zero_points = torch.zeros_like(scales, dtype=torch.int64)
    limits = torch.iinfo(torch.int32)
    steps: Tensor = quantized.quantize_per_channel.default(
        bias, scales, zero_points, 0, limits.min, limits.max, torch.int32
    )
    return steps.double()


def _requantize(sums: Tensor, scales: Tensor, node: fx.Node) -> Tensor:
    """Scale sums to the output's grid; the activation and quantization that follow clamp them."""
    steps = (sums.float() * scales).round()
    return (steps.double() * _output_scale(node)).float()


def _on_grid(values: Tensor, scale: Tensor | float) -> Tensor:
    """The integers that these dequantized floats represent, without the zero point."""
    return (values.double() / scale).round()


def _scale(dequantized: Any) -> float:
    return float(_argument(dequantized, 1))


def _output_scale(node: fx.Node) -> float:
    """The scale of the quantization that follows, after the activation if there is one."""
    (user,) = node.users
    while user.target is not quantized.quantize_per_tensor.default:
        (user,) = user.users
    return _scale(user)


def _argument(node: Any, position: int) -> Any:
    return node.args[position]


def _float32(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float32)
