"""MobileNetV1 (Howard et al. 2017, arXiv:1704.04861) as published: the network, its cost, BatchNorm folding.

The table of layers is in `layers`, which needs no torch. Convolutions carry no bias, each is followed by
BatchNorm and ReLU6 (or ReLU); the head is global average pooling (so that any resolution fits) and a linear
classifier that returns logits. Names are those a checkpoint loader maps to: `stem`, `blocks.<i>.depthwise`,
`blocks.<i>.pointwise` (each `.conv`, `.norm`) and `classifier`, for TF-Slim's `Conv2d_0`,
`Conv2d_<i+1>_depthwise`, `Conv2d_<i+1>_pointwise` and `Logits`.
"""

import copy
import hashlib
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.layers import BLOCKS, STEM_CHANNELS, TOTAL_STRIDE, thin_channels

Padding = Literal["symmetric", "tf_same"]
# The paper says ReLU; TF-Slim's code, and with it every published checkpoint, has ReLU6.
Activation = Literal["relu6", "relu"]
ACTIVATIONS = {"relu6": nn.ReLU6, "relu": nn.ReLU}

# TF-Slim's value, with which every published checkpoint was trained (torch's default is 1e-5).
PUBLISHED_BN_EPS = 1e-3
# E[x²] / Var[max(x, 0)] of a standard normal x: 1 / (1/2 - 1/(2 pi)).
RECTIFIED_GAIN = 2.934


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding (before, after) of one dimension: ceil(size / stride) outputs.

    The odd pixel goes after, which differs from symmetric padding whenever the stride is 2 and the size even.
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class ConvNormAct(nn.Module):
    """Convolution without bias, BatchNorm, ReLU6 or ReLU; NCHW in and out."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        groups: int,
        padding: Padding,
        bn_eps: float,
        activation: Activation,
    ) -> None:
        super().__init__()
        # At stride 1 SAME is symmetric, so the convolution itself pads, at no cost.
        self.pads_itself = padding == "symmetric" or stride == 1
        self.conv = nn.Conv2d(
            inputs,
            outputs,
            kernel,
            stride,
            padding=kernel // 2 if self.pads_itself else 0,
            groups=groups,
            bias=False,
        )
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=bn_eps)
        self.act: nn.Module = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        """NCHW activations to NCHW activations."""
        if not self.pads_itself:
            kernel, stride = self.conv.kernel_size[0], self.conv.stride[0]
            rows, columns = (same_padding(size, kernel, stride) for size in x.shape[-2:])
            x = functional.pad(x, (*columns, *rows))
        activations: Tensor = self.act(self.norm(self.conv(x)))
        return activations


class SeparableBlock(nn.Module):
    """A 3x3 convolution of each channel by itself, then a 1x1 convolution across channels."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        stride: int,
        padding: Padding,
        bn_eps: float,
        activation: Activation,
    ) -> None:
        super().__init__()
        self.depthwise = ConvNormAct(inputs, inputs, 3, stride, inputs, padding, bn_eps, activation)
        self.pointwise = ConvNormAct(inputs, outputs, 1, 1, 1, padding, bn_eps, activation)

    def forward(self, x: Tensor) -> Tensor:
        """NCHW activations to NCHW activations."""
        activations: Tensor = self.pointwise(self.depthwise(x))
        return activations


class GlobalAveragePool(nn.Module):
    """The mean of each channel, in the only form that XNNPACK takes in every memory layout.

    `x.mean((2, 3))` stays outside the delegate, as does half of `AdaptiveAvgPool2d(1)` (an as_strided copy)
    when the input is channels_last.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, 1, 1)."""
        return x.mean((-1, -2), keepdim=True)


class MobileNetV1(nn.Module):
    """Any width multiplier above 0 and any number of classes; sides of images are multiples of 32.

    Raises:
        ValueError: the width or the number of classes is not above 0.
    """

    def __init__(
        self,
        width: float = 1.0,
        *,
        classes: int = 1000,
        padding: Padding = "symmetric",
        bn_eps: float = PUBLISHED_BN_EPS,
        activation: Activation = "relu6",
        softmax: bool = False,
    ) -> None:
        super().__init__()
        if not 0 < width < float("inf"):
            raise ValueError(f"the width multiplier must be above 0, not {width}")
        if classes < 1:
            raise ValueError(f"the number of classes must be at least 1, not {classes}")
        channels = [thin_channels(full, width) for full in (STEM_CHANNELS, *(full for full, _ in BLOCKS))]
        self.stem = ConvNormAct(3, channels[0], 3, 2, 1, padding, bn_eps, activation)
        self.blocks = nn.Sequential(
            *(
                SeparableBlock(inputs, outputs, stride, padding, bn_eps, activation)
                for inputs, outputs, (_, stride) in zip(channels[:-1], channels[1:], BLOCKS, strict=True)
            )
        )
        self.pool: nn.Module = GlobalAveragePool()
        self.classifier = nn.Linear(channels[-1], classes)
        self.softmax = softmax

    def forward(self, images: Tensor) -> Tensor:
        """NCHW float images, usually in [-1, 1], to (N, classes) logits, or probabilities with `softmax`."""
        logits: Tensor = self.classifier(self.pool(self.blocks(self.stem(images))).flatten(1))
        return functional.softmax(logits, dim=1) if self.softmax else logits


def check_resolution(resolution_px: int) -> None:
    """Raise `ValueError` unless the five stride-2 layers divide the input's side evenly."""
    if resolution_px < TOTAL_STRIDE or resolution_px % TOTAL_STRIDE:
        raise ValueError(f"the resolution must be a multiple of {TOTAL_STRIDE} px, not {resolution_px}")


def initialize(model: MobileNetV1, seed: int) -> None:
    """Seeded random parameters that keep activations near unit scale and the logits of two images apart.

    With plain Kaiming initialization a network this deep gives nearly the same output for every input:
    rectified activations have a positive mean that hides the differences, and at 1x1 maps 8 of 9 depthwise
    weights see only padding. So rows of the convolutions across channels sum to zero (fan-in scaled by the
    variance of a rectified normal instead of its second moment), and depthwise kernels are an identity plus
    noise.
    """
    generator = torch.Generator().manual_seed(seed)

    def normal(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator)

    with torch.no_grad():
        for module in model.modules():
            match module:
                case nn.Conv2d(groups=1) | nn.Linear():
                    gain = RECTIFIED_GAIN if module is not model.classifier else 1.0
                    centred = normal(module.weight)
                    if module is not model.stem.conv:
                        centred -= centred.mean(dim=1, keepdim=True)
                    module.weight.copy_(centred * (gain / module.weight[0].numel()) ** 0.5)
                    if module.bias is not None:
                        module.bias.copy_(0.05 * normal(module.bias))
                case nn.Conv2d():
                    module.weight.copy_(normal(module.weight) / 6)
                    module.weight[:, :, 1, 1] += 1
                case nn.BatchNorm2d():
                    module.reset_parameters()
                    module.bias.copy_(0.05 * normal(module.bias))


def fold_batch_norm(model: MobileNetV1) -> MobileNetV1:
    """A copy in which each convolution has absorbed its BatchNorm and carries a bias; same function.

    Exact algebra for inference only: the model must be in evaluation mode, else `ValueError`.
    """
    if model.training:
        raise ValueError("BatchNorm can be folded in evaluation mode only")
    folded = copy.deepcopy(model)
    for module in folded.modules():
        if isinstance(module, ConvNormAct) and isinstance(module.norm, nn.BatchNorm2d):
            module.conv = fuse_conv_bn_eval(module.conv, module.norm)
            module.norm = nn.Identity()
    return folded


@dataclass(frozen=True)
class Cost:
    """Multiply-accumulates of one image's convolutions and classifier, and trainable parameters."""

    macs: int
    params: int


def count_cost(model: MobileNetV1, resolution_px: int) -> Cost:
    """Count from the shapes of a forward pass on torch's meta device, which computes no values.

    Biases, BatchNorm, activations and pooling are not counted as MACs, as in the published tables.
    """
    check_resolution(resolution_px)
    shadow = copy.deepcopy(model).to("meta").eval()
    macs = 0

    def count(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal macs
        assert isinstance(module, nn.Conv2d | nn.Linear)
        macs += output.numel() * module.weight[0].numel()

    for module in shadow.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    shadow(torch.empty(1, 3, resolution_px, resolution_px, device="meta"))
    return Cost(macs=macs, params=sum(p.numel() for p in model.parameters()))


def hash_parameters(model: nn.Module) -> str:
    """SHA-256 over every parameter and buffer with its name, in the order of the state dict."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
