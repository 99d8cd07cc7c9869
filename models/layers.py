"""The layers of MobileNetV1 and what each computes and moves, from arithmetic alone: this imports no torch.

`mobilenet_v1` builds the network from the same table; a test compares the two.
"""

from dataclasses import dataclass
from typing import Literal

LayerKind = Literal["first", "depthwise", "pointwise", "classifier"]
LAYER_KINDS: tuple[LayerKind, ...] = ("first", "depthwise", "pointwise", "classifier")

IMAGE_CHANNELS = 3
STEM_CHANNELS = 32
# (channels, stride) of the depthwise-separable blocks. The paper's table prints stride 2 in the last row
# as well, at 7x7: a misprint, the block keeps 7x7 (as TF-Slim's does).
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
TOTAL_STRIDE = 32
KERNEL = 3


def thin_channels(channels: int, width: float) -> int:
    """Channels of a layer under a width multiplier: TF-Slim's rule, at least 8."""
    return max(8, int(channels * width))


@dataclass(frozen=True)
class Layer:
    """One convolution or the classifier: `weights` without biases, `inputs` and `outputs` are activations."""

    kind: LayerKind
    macs: int
    weights: int
    biases: int
    inputs: int
    outputs: int

    @property
    def moved(self) -> int:
        """Values that are read or written once each: input, output and weights."""
        return self.inputs + self.outputs + self.weights


def list_layers(width: float, resolution_px: int, classes: int = 1000) -> tuple[Layer, ...]:
    """The layers of one image of `resolution_px` (a multiple of 32) squared, in order.

    Global average pooling is left out: it has no weights, and adds what the classifier reads.
    """
    channels = thin_channels(STEM_CHANNELS, width)
    side = resolution_px // 2
    layers = [_convolution("first", IMAGE_CHANNELS, channels, side, 2)]
    for full, stride in BLOCKS:
        side //= stride
        layers.append(_depthwise(channels, side, stride))
        layers.append(_convolution("pointwise", channels, thin_channels(full, width), side, 1))
        channels = thin_channels(full, width)
    layers.append(Layer("classifier", channels * classes, channels * classes, classes, channels, classes))
    return tuple(layers)


def _convolution(kind: LayerKind, inputs: int, outputs: int, side: int, stride: int) -> Layer:
    weights = inputs * outputs * (KERNEL**2 if kind == "first" else 1)
    pixels = side**2
    return Layer(kind, pixels * weights, weights, outputs, pixels * stride**2 * inputs, pixels * outputs)


def _depthwise(channels: int, side: int, stride: int) -> Layer:
    weights = KERNEL**2 * channels
    pixels = side**2
    return Layer(
        "depthwise", pixels * weights, weights, channels, pixels * stride**2 * channels, pixels * channels
    )
