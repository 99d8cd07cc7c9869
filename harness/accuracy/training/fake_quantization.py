"""Fake quantization: a network that rounds while it trains where int8 will, to recover int8 accuracy."""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from harness.lowering.recipes import SMALLEST_SCALE
from models.mobilenet_v1 import ConvNormAct, MobileNetV1

# As in XNNPACK's quantizer: symmetric weights, affine activations.
_WEIGHT_LIMIT = 127
_LOWEST, _HIGHEST = -128, 127
# Weight of each batch in the moving average of a range; torchao's default.
_AVERAGING = 0.01


class FakeQuantizedNetwork(nn.Module):
    """Wraps a network in place: weights and activations are fake-quantized until `restore`.

    Each tensor that lowering's quantizer gives a range has one here, a moving average over training batches.
    Gradients pass through the rounding unchanged (Jacob et al. 2018, arXiv:1712.05877). BatchNorm is not
    folded: folding multiplies each output channel, and the separate weight scale of each channel follows.
    """

    def __init__(self, network: MobileNetV1) -> None:
        super().__init__()
        self.network = network
        self.inputs, self.outputs = _FakeQuantizedActivations(), _FakeQuantizedActivations()
        for layer in _layers(network):
            quantized = _FakeQuantizedActivations()
            layer.act = nn.Sequential(layer.act, quantized)
            parametrize.register_parametrization(layer.conv, "weight", _FakeQuantizedWeights(layer.norm))
        network.pool = nn.Sequential(network.pool, _SameGrid(quantized))
        parametrize.register_parametrization(network.classifier, "weight", _FakeQuantizedWeights())

    def forward(self, images: Tensor) -> Tensor:
        """NCHW float images to (N, classes) logits, rounded to int8's grid."""
        logits: Tensor = self.outputs(self.network(self.inputs(images)))
        return logits

    def restore(self) -> None:
        """Remove the fake quantization from the network, which keeps its trained weights."""
        for layer in _layers(self.network):
            layer.act = next(layer.act.children())
            parametrize.remove_parametrizations(layer.conv, "weight", leave_parametrized=False)
        self.network.pool = next(self.network.pool.children())
        parametrize.remove_parametrizations(self.network.classifier, "weight", leave_parametrized=False)


class _FakeQuantizedWeights(nn.Module):
    """Symmetric steps for each output channel, no finer than lowering allows after folding BatchNorm."""

    def __init__(self, norm: nn.Module | None = None) -> None:
        super().__init__()
        # Not a child: its parameters are the layer's.
        self._norm = (norm,)

    def forward(self, weights: Tensor) -> Tensor:
        """The weights, rounded to the grid of their channel."""
        scales = weights.detach().abs().flatten(1).amax(1) / _WEIGHT_LIMIT
        scales = scales.maximum(SMALLEST_SCALE / self._gain(scales))
        zeros = torch.zeros_like(scales, dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(
            weights, scales, zeros, 0, -_WEIGHT_LIMIT, _WEIGHT_LIMIT
        )

    def _gain(self, scales: Tensor) -> Tensor:
        (norm,) = self._norm
        if not isinstance(norm, nn.BatchNorm2d) or norm.running_var is None:
            return torch.ones_like(scales)
        deviation = (norm.running_var + norm.eps).sqrt()
        # A channel that BatchNorm multiplies by 0 needs no resolution.
        return (norm.weight.detach().abs() / deviation).clamp(min=SMALLEST_SCALE)


class _FakeQuantizedActivations(nn.Module):
    """256 steps over a range that is, in training mode, a moving average of the batches' ranges."""

    minimum: Tensor
    maximum: Tensor
    scale: Tensor
    zero_point: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("minimum", torch.tensor(float("inf")))
        self.register_buffer("maximum", torch.tensor(float("-inf")))
        self.register_buffer("scale", torch.ones(1))
        self.register_buffer("zero_point", torch.zeros(1, dtype=torch.int32))

    def forward(self, activations: Tensor) -> Tensor:
        """The activations, rounded to the grid of the range."""
        observing, quantizing = (
            torch.tensor([on], dtype=torch.int64, device=activations.device) for on in (self.training, True)
        )
        return torch.fused_moving_avg_obs_fake_quant(
            activations,
            observing,
            quantizing,
            self.minimum,
            self.maximum,
            self.scale,
            self.zero_point,
            _AVERAGING,
            _LOWEST,
            _HIGHEST,
            ch_axis=-1,
        )


class _SameGrid(nn.Module):
    """Rounds to the grid of other activations, as lowering does for an average and its terms."""

    def __init__(self, source: _FakeQuantizedActivations) -> None:
        super().__init__()
        # Not a child: its ranges would be saved twice.
        self._source = (source,)

    def forward(self, activations: Tensor) -> Tensor:
        """The activations, rounded to that grid."""
        (source,) = self._source
        return torch.fake_quantize_per_tensor_affine(
            activations, source.scale, source.zero_point, _LOWEST, _HIGHEST
        )


def _layers(network: MobileNetV1) -> tuple[ConvNormAct, ...]:
    return tuple(module for module in network.modules() if isinstance(module, ConvNormAct))
