"""Writes small weights files as TensorFlow, TF-Slim and courses do, for the tests of the readers."""

import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from harness.accuracy.weights.assembly import LAYERS
from harness.records import Padding
from models.layers import BLOCKS
from models.mobilenet_v1 import Activation, ConvNormAct, MobileNetV1

Network = TypeVar("Network", bound=nn.Module)

WIDTH = 0.25
CLASSES = 7


def trained_network(
    *,
    width: float = WIDTH,
    classes: int = CLASSES,
    padding: Padding = "tf_same",
    activation: Activation = "relu6",
    bn_eps: float = 1e-3,
) -> MobileNetV1:
    """A small network whose every parameter and statistic differs from its default."""
    network = MobileNetV1(width, classes=classes, padding=padding, activation=activation, bn_eps=bn_eps)
    return shake(network)


def small_network(*, classes: int = CLASSES) -> MobileNetV1:
    """With PyTorch's padding, as its ports have."""
    return trained_network(padding="symmetric", classes=classes)


def outputs_of(network: Callable[[Tensor], Tensor]) -> Tensor:
    """The logits of two random images of 64 px."""
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        return network(images)


def batch_norm(layer: ConvNormAct) -> nn.BatchNorm2d:
    """The BatchNorm of a layer, which has one until it is folded."""
    assert isinstance(layer.norm, nn.BatchNorm2d)
    return layer.norm


def statistics(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Running mean and variance."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return norm.running_mean, norm.running_var


def shake(network: Network) -> Network:
    """Give every layer weights and statistics of trained size."""
    generator = torch.Generator().manual_seed(3)

    def uniform(like: Tensor, low: float, high: float) -> Tensor:
        return torch.empty_like(like).uniform_(low, high, generator=generator)

    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.copy_(uniform(module.weight, 0.5, 1.5))
                module.bias.copy_(uniform(module.bias, -0.3, 0.5))
                mean, variance = statistics(module)
                mean.copy_(uniform(mean, -0.2, 0.2))
                variance.copy_(uniform(variance, 0.5, 2))
            elif isinstance(module, nn.Conv2d | nn.Linear):
                spread = (6 / module.weight[0].numel()) ** 0.5
                module.weight.copy_(uniform(module.weight, -spread, spread))
                if module.bias is not None:
                    module.bias.copy_(uniform(module.bias, -0.2, 0.2))
    return network.eval()


# Frozen TensorFlow graphs --------------------------------------------------------------------------


def slim_constants(network: MobileNetV1) -> dict[str, np.ndarray]:
    """TF-Slim's names and layouts of a network's tensors."""
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    constants = {}
    for layer in LAYERS:
        depthwise = layer.endswith("depthwise")
        place = (
            "Conv2d_0" if layer == "stem" else f"Conv2d_{int(layer.split('.')[1]) + 1}_{layer.split('.')[2]}"
        )
        kernel = state[f"{layer}.conv.weight"]
        leaf = "depthwise_weights" if depthwise else "weights"
        constants[f"MobilenetV1/{place}/{leaf}"] = kernel.transpose(
            (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
        )
        norm = (("gamma", "weight"), ("beta", "bias"), ("moving_mean", "running_mean"))
        for theirs, ours in (*norm, ("moving_variance", "running_var")):
            constants[f"MobilenetV1/{place}/BatchNorm/{theirs}"] = state[f"{layer}.norm.{ours}"]
    constants["MobilenetV1/Logits/Conv2d_1c_1x1/weights"] = state["classifier.weight"].T[None, None]
    constants["MobilenetV1/Logits/Conv2d_1c_1x1/biases"] = state["classifier.bias"]
    return constants


def frozen_graph(
    constants: Mapping[str, np.ndarray],
    *,
    before: tuple[tuple[str, float | None, bool], ...] = (),
    input_type: int = 1,
    prefix: str = "",
) -> bytes:
    """A GraphDef: the constants between a placeholder and an integer constant, as real ones have.

    `before` are operations before the first convolution, each with a constant or None, and whether that is
    the first operand; `input_type` is the placeholder's DataType; `prefix` is before the constants' names.
    """
    nodes = [_node("input", "Placeholder", b"", data_type=input_type)]
    at = "input"
    for number, (operation, operand, constant_first) in enumerate(before):
        operands = [at]
        if operand is not None:
            tensor = b"\x08\x01" + _message(2, b"") + _message(5, struct.pack("<f", operand))
            nodes.append(_node(f"constant{number}", "Const", tensor))
            nodes.append(_node(f"constant{number}/read", "Identity", b"", f"constant{number}"))
            operands.insert(0 if constant_first else 1, f"constant{number}/read")
        at = f"step{number}"
        nodes.append(_node(at, operation, b"", *operands, f"^{operands[0]}"))
    kernel = f"{prefix}MobilenetV1/Conv2d_0/weights"
    nodes.append(_node(f"{kernel}/read", "Identity", b"", kernel))
    nodes.append(_node("MobilenetV1/MobilenetV1/Conv2d_0/Conv2D", "Conv2D", b"", f"{at}:0", f"{kernel}/read"))
    for name, value in constants.items():
        dims = b"".join(_message(2, b"\x08" + _varint(size)) for size in value.shape)
        tensor = b"\x08\x01" + _message(2, dims) + _message(4, value.astype("<f4").tobytes())
        nodes.append(_node(f"{prefix}{name}", "Const", tensor))
    nodes.append(
        _node("MobilenetV1/Logits/shape", "Const", b"\x08\x03" + _message(4, struct.pack("<i", 1001)))
    )
    return b"".join(_message(1, node) for node in nodes)


def _node(name: str, operation: str, tensor: bytes, *inputs: str, data_type: int = 1) -> bytes:
    node = _message(1, name.encode()) + _message(2, operation.encode())
    node += b"".join(_message(3, source.encode()) for source in inputs)
    if operation in ("Placeholder", "Cast"):
        key = b"dtype" if operation == "Placeholder" else b"DstT"
        node += _message(5, _message(1, key) + _message(2, b"\x30" + _varint(data_type)))
    if tensor:
        node += _message(5, _message(1, b"dtype") + _message(2, b"\x30\x01"))
        node += _message(5, _message(1, b"value") + _message(2, _message(8, tensor)))
    return node


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


# The plain port of courses -------------------------------------------------------------------------


class CoursePort(nn.Module):
    """MobileNetV1 as plain PyTorch courses write it: biased convolutions, a fixed 7x7 window, softmax."""

    def __init__(self, alpha: float, classes: int) -> None:
        super().__init__()
        channels = [int(full * alpha) for full in (32, *(full for full, _ in BLOCKS))]
        self.first_conv = nn.Sequential(
            nn.Conv2d(3, channels[0], 3, 2, 1), nn.BatchNorm2d(channels[0]), nn.ReLU()
        )
        self.bottleneck = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs),
                    nn.BatchNorm2d(inputs),
                    nn.ReLU(),
                    nn.Conv2d(inputs, outputs, 1),
                    nn.BatchNorm2d(outputs),
                    nn.ReLU(),
                )
                for inputs, outputs, (_, stride) in zip(channels, channels[1:], BLOCKS, strict=False)
            )
        )
        self.pool: nn.Module = nn.AvgPool2d(7)
        self.dropout = nn.Dropout(0.2)
        self.linear = nn.Linear(channels[-1], classes)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, images: Tensor) -> Tensor:
        features = self.pool(self.bottleneck(self.first_conv(images))).flatten(1)
        probabilities: Tensor = self.softmax(self.linear(self.dropout(features)))
        return probabilities


# Keras, Hugging Face, timm -------------------------------------------------------------------------


def write_keras(
    file: Path,
    network: MobileNetV1,
    *,
    optimizer: bool = False,
    config: str | None = None,
    complete: Callable[[Path], None] = lambda weights: None,
    name_of: Callable[[str], str] = lambda path: path,
) -> None:
    """Weights as Keras 2 (`.h5`) or Keras 3 (`.keras`) saves them, `optimizer` after `compile()`.

    `complete` may add to the HDF5 file; `name_of` gives a tensor another path than in a plain MobileNet.
    """
    import h5py

    archived = file.suffix == ".keras"
    weights = file.with_name("model.weights.h5")
    with h5py.File(weights, "w") as content:
        for name, value in slim_constants(network).items():
            content[name_of(_keras_name(name, numbered=archived))] = value
        if optimizer:
            place = "optimizer/vars" if archived else "optimizer_weights/adam"
            content[f"{place}/0"] = np.int64(3)
            content[f"{place}/1"] = np.float32(0.001)
        if config is not None and not archived:
            content.attrs["model_config"] = config
    complete(weights)
    if archived:
        with zipfile.ZipFile(file, "w") as archive:
            archive.write(weights, weights.name)
            if config is not None:
                archive.writestr("config.json", config)
        weights.unlink()
    else:
        weights.rename(file)


def _keras_name(slim: str, *, numbered: bool) -> str:
    """Keras 2's path of a TF-Slim constant, or Keras 3's, which counts the layers of each class."""
    _, place, *rest = slim.split("/")
    leaf, is_norm = rest[-1], "BatchNorm" in rest
    if place == "Logits":
        kernel = leaf == "weights"
        if numbered:
            return f"layers/conv2d_14/vars/{0 if kernel else 1}"
        return f"model_weights/conv_preds/conv_preds/{'kernel' if kernel else 'bias'}:0"
    parts = place.split("_")
    number, half = int(parts[1]), parts[2] if len(parts) > 2 else ""
    if numbered:
        if is_norm:
            order = 0 if number == 0 else 2 * number - (half == "depthwise")
            variable = ("gamma", "beta", "moving_mean", "moving_variance").index(leaf)
            return f"layers/batch_normalization{f'_{order}' if order else ''}/vars/{variable}"
        if half == "depthwise":
            return f"layers/depthwise_conv2d{f'_{number - 1}' if number > 1 else ''}/vars/0"
        return f"layers/conv2d{f'_{number}' if number else ''}/vars/0"
    layer = "conv1" if number == 0 else f"conv_{'dw' if half == 'depthwise' else 'pw'}_{number}"
    layer += "_bn" if is_norm else ""
    leaf = {"weights": "kernel", "depthwise_weights": "depthwise_kernel"}.get(leaf, leaf)
    return f"model_weights/{layer}/{layer}/{leaf}:0"


def hugging_face_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """By the definition of transformers' MobileNetV1ForImageClassification."""
    renamed = {}
    for number, layer in enumerate(LAYERS):
        place = "conv_stem" if number == 0 else f"layer.{number - 1}"
        renamed[f"mobilenet_v1.{place}.convolution.weight"] = state[f"{layer}.conv.weight"]
        for leaf in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            renamed[f"mobilenet_v1.{place}.normalization.{leaf}"] = state[f"{layer}.norm.{leaf}"]
    return renamed | {name: state[name] for name in ("classifier.weight", "classifier.bias")}


def timm_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """By the definition of timm's mobilenetv1."""
    renamed = {name: state[name] for name in ("classifier.weight", "classifier.bias")}
    blocks_of_stage = (1, 2, 2, 6, 2)
    places = [f"blocks.{stage}.{i}" for stage, count in enumerate(blocks_of_stage) for i in range(count)]
    for number, layer in enumerate(LAYERS):
        if number == 0:
            conv, norm = "conv_stem", "bn1"
        else:
            place = places[(number - 1) // 2]
            conv, norm = (
                (f"{place}.conv_dw", f"{place}.bn1") if number % 2 else (f"{place}.conv_pw", f"{place}.bn2")
            )
        renamed[f"{conv}.weight"] = state[f"{layer}.conv.weight"]
        for leaf in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            renamed[f"{norm}.{leaf}"] = state[f"{layer}.norm.{leaf}"]
    return renamed


def pytorchcv_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """By the definition of pytorchcv's mobilenet."""
    renamed = {f"output.{leaf}": state[f"classifier.{leaf}"] for leaf in ("weight", "bias")}
    units = [
        f"stage{stage}.unit{unit + 1}"
        for stage, count in enumerate((1, 2, 2, 6, 2), start=1)
        for unit in range(count)
    ]
    for number, layer in enumerate(LAYERS):
        place = "features.init_block"
        if number:
            place = f"features.{units[(number - 1) // 2]}.{'dw' if number % 2 else 'pw'}_conv"
        renamed[f"{place}.conv.weight"] = state[f"{layer}.conv.weight"]
        for leaf in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            renamed[f"{place}.bn.{leaf}"] = state[f"{layer}.norm.{leaf}"]
    return renamed


def zfturbo_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """By the definition of the network in ZFTurbo/MobileNet-v1-Pytorch."""
    renamed = {"fc.weight": state["classifier.weight"][:, :, None, None], "fc.bias": state["classifier.bias"]}
    padded = (0, 2, 4, 6, 12)
    for number, layer in enumerate(LAYERS):
        block, half = (number + 1) // 2, number > 0 and number % 2 == 0
        conv = 3 * half + (block in padded)
        renamed[f"model.{block}.{conv}.weight"] = state[f"{layer}.conv.weight"]
        for leaf in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            renamed[f"model.{block}.{conv + 1}.{leaf}"] = state[f"{layer}.norm.{leaf}"]
    return renamed


def amc_names(state: Mapping[str, Tensor], *, classifier: str = "classifier.1") -> dict[str, Tensor]:
    """By the definition of the network in mit-han-lab/amc-models."""
    renamed = {f"{classifier}.{leaf}": state[f"classifier.{leaf}"] for leaf in ("weight", "bias")}
    for number, layer in enumerate(LAYERS):
        block, half = divmod(number - 1, 2)
        conv, norm = (f"features.{block}.{3 * half + part}" for part in (0, 1))
        if number == 0:
            conv, norm = "conv1.0", "conv1.1"
        renamed[f"{conv}.weight"] = state[f"{layer}.conv.weight"]
        for leaf in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            renamed[f"{norm}.{leaf}"] = state[f"{layer}.norm.{leaf}"]
    return renamed


def tensorflow_scope_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """By the definition of the network in ruotianluo/pytorch-mobilenet-from-tf."""
    renamed = {
        "classifier.weight": state["classifier.weight"][:, :, None, None],
        "classifier.bias": state["classifier.bias"],
    }
    for number, layer in enumerate(LAYERS):
        part = ("depthwise" if number % 2 else "pointwise") if number else "conv"
        place = f"features.Conv2d_{(number + 1) // 2}.{part}"
        renamed[f"{place}.0.weight"] = state[f"{layer}.conv.weight"]
        for leaf in ("weight", "bias", "running_mean", "running_var"):
            renamed[f"{place}.1.{leaf}"] = state[f"{layer}.norm.{leaf}"]
    return renamed


def sequential_names(
    state: Mapping[str, Tensor], *, root: str = "model", classifier: str = "fc"
) -> dict[str, Tensor]:
    """By the definition of the network in marvis/pytorch-mobilenet and qfgaohao/pytorch-ssd.

    Others call the whole or the classifier differently.
    """
    renamed = {f"{classifier}.{leaf}": state[f"classifier.{leaf}"] for leaf in ("weight", "bias")}
    for number, layer in enumerate(LAYERS):
        place = f"{root}.{(number + 1) // 2}"
        conv, norm = (3, 4) if number and number % 2 == 0 else (0, 1)
        renamed[f"{place}.{conv}.weight"] = state[f"{layer}.conv.weight"]
        for leaf in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            renamed[f"{place}.{norm}.{leaf}"] = state[f"{layer}.norm.{leaf}"]
    return renamed
