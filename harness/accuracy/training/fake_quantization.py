"""A network that rounds where int8 will while it trains, so that its weights learn to bear it."""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from harness.lowering.recipes import SMALLEST_SCALE
from models.mobilenet_v1 import ConvNormAct, MobileNetV1

# As XNNPACK's quantizer has them: symmetric weights, affine activations.
_WEIGHT_LIMIT = 127
_LOWEST, _HIGHEST = -128, 127
# How much of each batch goes into the moving average of a range; torchao's default.
_AVERAGING = 0.01


class RoundingNetwork(nn.Module):
    """Wraps a network in place: weights and activations are rounded until `restore`.

    What the quantizer of lowering gives a range has one here, a moving average of what training sees.
    Gradients pass through roundings unchanged (Jacob et al. 2018, arXiv:1712.05877). BatchNorm stays:
    folding it multiplies each output channel, and each has a weight scale of its own that follows.
    """

    def __init__(self, network: MobileNetV1) -> None:
        super().__init__()
        self.network = network
        self.inputs, self.outputs = _RoundedActivations(), _RoundedActivations()
        for layer in _layers(network):
            rounded = _RoundedActivations()
            layer.act = nn.Sequential(layer.act, rounded)
            parametrize.register_parametrization(layer.conv, "weight", _RoundedWeights(layer.norm))
        network.pool = nn.Sequential(network.pool, _SameGrid(rounded))
        parametrize.register_parametrization(network.classifier, "weight", _RoundedWeights())

    def forward(self, images: Tensor) -> Tensor:
        """NCHW float images to (N, classes) logits, each on int8's grid."""
        logits: Tensor = self.outputs(self.network(self.inputs(images)))
        return logits

    def restore(self) -> None:
        """Leave the network as it was made, with the weights it has learnt."""
        for layer in _layers(self.network):
            layer.act = next(layer.act.children())
            parametrize.remove_parametrizations(layer.conv, "weight", leave_parametrized=False)
        self.network.pool = next(self.network.pool.children())
        parametrize.remove_parametrizations(self.network.classifier, "weight", leave_parametrized=False)


class _RoundedWeights(nn.Module):
    """Symmetric steps for each output channel, no finer than lowering allows once BatchNorm is folded."""

    def __init__(self, norm: nn.Module | None = None) -> None:
        super().__init__()
        # Not a child: its parameters are the layer's.
        self._norm = (norm,)

    def forward(self, weights: Tensor) -> Tensor:
        """The weights, each on its channel's grid."""
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
        # A channel that BatchNorm silences has no steps to lose.
        return (norm.weight.detach().abs() / deviation).clamp(min=SMALLEST_SCALE)


class _RoundedActivations(nn.Module):
    """256 steps over a range that follows, while it trains, a moving average of each batch's."""

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
        """The activations, each on the range's grid."""
        observing, rounding = (
            torch.tensor([on], dtype=torch.int64, device=activations.device) for on in (self.training, True)
        )
        return torch.fused_moving_avg_obs_fake_quant(
            activations,
            observing,
            rounding,
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
    """Rounds to the grid of another rounding: an average, as lowering has it, keeps that of its terms."""

    def __init__(self, rounded: _RoundedActivations) -> None:
        super().__init__()
        # Not a child: its ranges would be saved twice.
        self._rounded = (rounded,)

    def forward(self, activations: Tensor) -> Tensor:
        """The activations, each on that grid."""
        (like,) = self._rounded
        return torch.fake_quantize_per_tensor_affine(
            activations, like.scale, like.zero_point, _LOWEST, _HIGHEST
        )


def _layers(network: MobileNetV1) -> tuple[ConvNormAct, ...]:
    return tuple(module for module in network.modules() if isinstance(module, ConvNormAct))
