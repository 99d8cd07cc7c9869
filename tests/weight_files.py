"""Writes small weights files as TensorFlow, TF-Slim and courses do, for the tests of the readers."""

import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import flatbuffers
import numpy as np
import torch
from torch import Tensor, nn

from harness.accuracy.weights.assembly import LAYERS
from harness.records import Padding
from models.layers import BLOCKS
from models.mobilenet_v1 import Activation, ConvNormAct, MobileNetV1, fold_batch_norm

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


def frozen_graph(constants: Mapping[str, np.ndarray]) -> bytes:
    """A GraphDef: the constants between a placeholder and an integer constant, as real ones have."""
    nodes = [_node("input", "Placeholder", b"")]
    for name, value in constants.items():
        dims = b"".join(_message(2, b"\x08" + _varint(size)) for size in value.shape)
        tensor = b"\x08\x01" + _message(2, dims) + _message(4, value.astype("<f4").tobytes())
        nodes.append(_node(name, "Const", tensor))
    nodes.append(
        _node("MobilenetV1/Logits/shape", "Const", b"\x08\x03" + _message(4, struct.pack("<i", 1001)))
    )
    return b"".join(_message(1, node) for node in nodes)


def _node(name: str, operation: str, tensor: bytes) -> bytes:
    node = _message(1, name.encode()) + _message(2, operation.encode())
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


# TFLite --------------------------------------------------------------------------------------------

_CONV, _DEPTHWISE, _MEAN, _SOFTMAX = 3, 4, 40, 25
MUL, ADD, SUB, DIV, TANH, CAST, DEQUANTIZE = 18, 0, 41, 42, 28, 53, 6
_CODES = (_CONV, _DEPTHWISE, MUL, ADD, SUB, DIV, TANH, CAST, DEQUANTIZE)
_DTYPES = {np.dtype("float32"): 0, np.dtype("int32"): 2, np.dtype("uint8"): 3}


def tflite_model(
    network: MobileNetV1,
    *,
    resolution_px: int = 64,
    quantized: bool = False,
    activation: int = 3,
    same: bool = True,
    before: tuple[tuple[int, float], ...] = (),
    weights_only: bool = False,
) -> bytes:
    """A network, its BatchNorm folded, as TensorFlow's converter lays it out; uint8 if `quantized`.

    `before` are operators with a constant before the first convolution. With `weights_only` the kernels are
    uint8, each behind an operator that dequantizes it.
    """
    writer = _TfliteWriter()
    shape = (1, resolution_px, resolution_px, 3)
    at = writer.tensor("input", shape, None, scale=1 / 128 if quantized else None, zero_point=128)
    for code, value in before:
        constant = writer.tensor(f"constant{code}", (1,), np.array([value], dtype=np.float32))
        scaled = writer.tensor(f"scaled{code}", shape, None)
        writer.operator(code, [at, constant], scaled, 1, 0, True)
        at = scaled
    for layer, conv in _folded_convolutions(network):
        depthwise = layer.endswith("depthwise")
        kernel = conv.weight.numpy().transpose((1, 2, 3, 0) if depthwise else (0, 2, 3, 1))
        assert conv.bias is not None
        bias = conv.bias.numpy()
        is_last = layer == "classifier"
        weights = writer.weights(f"{layer}/weights", kernel, quantized or weights_only)
        if weights_only:
            stored, weights = weights, writer.tensor(f"{layer}/dequantized", kernel.shape, None)
            writer.operator(DEQUANTIZE, [stored], weights, 1, 0, True)
        inputs = [at, weights, writer.bias(f"{layer}/bias", bias, quantized)]
        at = writer.tensor(f"{layer}/out", (1, 1, 1, len(bias)), None)
        fused = 0 if is_last else activation
        writer.operator(_DEPTHWISE if depthwise else _CONV, inputs, at, conv.stride[0], fused, same)
    return writer.finish()


def _folded_convolutions(network: MobileNetV1) -> Iterator[tuple[str, nn.Conv2d]]:
    folded = fold_batch_norm(network).requires_grad_(False)
    modules = dict(folded.named_modules())
    for layer in LAYERS:
        yield layer, modules[f"{layer}.conv"]
    classifier = nn.Conv2d(folded.classifier.in_features, folded.classifier.out_features, 1)
    classifier.weight.data = folded.classifier.weight.data[:, :, None, None]
    classifier.bias = nn.Parameter(folded.classifier.bias.data)
    yield "classifier", classifier.requires_grad_(False)


class _TfliteWriter:
    """Tensors, buffers and operators of one graph, written with the flatbuffers library."""

    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(1 << 20)
        self._buffers = [self._table([])]
        self._tensors: list[int] = []
        self._operators: list[int] = []

    def weights(self, name: str, values: np.ndarray, quantized: bool) -> int:
        if not quantized:
            return self.tensor(name, values.shape, values)
        low, high = float(values.min()), float(values.max())
        scale = (high - low) / 255
        zero_point = round(-low / scale)
        stored = np.clip(np.round(values / scale) + zero_point, 0, 255).astype(np.uint8)
        return self.tensor(name, values.shape, stored, scale=scale, zero_point=zero_point)

    def bias(self, name: str, values: np.ndarray, quantized: bool) -> int:
        if not quantized:
            return self.tensor(name, values.shape, values)
        return self.tensor(name, values.shape, np.round(values * 1e6).astype(np.int32), scale=1e-6)

    def tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        values: np.ndarray | None,
        *,
        scale: float | None = None,
        zero_point: int = 0,
    ) -> int:
        builder = self._builder
        kind = _DTYPES[values.dtype] if values is not None else (3 if scale else 0)
        if values is not None:
            data = builder.CreateNumpyVector(np.ascontiguousarray(values).reshape(-1).view(np.uint8))
            self._buffers.append(self._table([("offset", 0, data)]))
        buffer = len(self._buffers) - 1 if values is not None else 0
        label = builder.CreateString(name)
        sizes = builder.CreateNumpyVector(np.array(shape, dtype=np.int32))
        fields = [("offset", 0, sizes), ("int8", 1, kind), ("uint32", 2, buffer), ("offset", 3, label)]
        if scale is not None:
            scales = builder.CreateNumpyVector(np.array([scale], dtype=np.float32))
            zeros = builder.CreateNumpyVector(np.array([zero_point], dtype=np.int64))
            fields.append(("offset", 4, self._table([("offset", 2, scales), ("offset", 3, zeros)])))
        self._tensors.append(self._table(fields))
        return len(self._tensors) - 1

    def operator(
        self, code: int, inputs: list[int], output: int, stride: int, activation: int, same: bool
    ) -> None:
        field = 4 if code == _DEPTHWISE else 3
        options = [
            ("int8", 0, 0 if same else 1),
            ("int32", 1, stride),
            ("int32", 2, stride),
            ("int8", field, activation),
        ]
        options_at = self._table(options)
        ins = self._builder.CreateNumpyVector(np.array(inputs, dtype=np.int32))
        outs = self._builder.CreateNumpyVector(np.array([output], dtype=np.int32))
        index = _CODES.index(code)
        self._operators.append(
            self._table(
                [("uint32", 0, index), ("offset", 1, ins), ("offset", 2, outs), ("offset", 4, options_at)]
            )
        )

    def finish(self) -> bytes:
        codes = [self._table([("int8", 0, code), ("int32", 3, code)]) for code in _CODES]
        inputs = self._builder.CreateNumpyVector(np.array([0], dtype=np.int32))
        graph = self._table(
            [
                ("offset", 0, self._vector(self._tensors)),
                ("offset", 1, inputs),
                ("offset", 3, self._vector(self._operators)),
            ]
        )
        model = self._table(
            [
                ("offset", 1, self._vector(codes)),
                ("offset", 2, self._vector([graph])),
                ("offset", 4, self._vector(self._buffers)),
            ]
        )
        self._builder.Finish(model, file_identifier=b"TFL3")
        return bytes(self._builder.Output())

    def _vector(self, offsets: list[int]) -> int:
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return int(self._builder.EndVector())

    def _table(self, fields: list[tuple[str, int, int]]) -> int:
        builder = self._builder
        builder.StartObject(8)
        add = {
            "offset": lambda slot, value: builder.PrependUOffsetTRelativeSlot(slot, value, 0),
            "int8": lambda slot, value: builder.PrependInt8Slot(slot, value, 0),
            "int32": lambda slot, value: builder.PrependInt32Slot(slot, value, 0),
            "uint32": lambda slot, value: builder.PrependUint32Slot(slot, value, 0),
        }
        for kind, slot, value in fields:
            add[kind](slot, value)
        return int(builder.EndObject())


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
    file: Path, network: MobileNetV1, *, optimizer: bool = False, config: str | None = None
) -> None:
    """Weights as Keras 2 (`.h5`) or Keras 3 (`.keras`) saves them, `optimizer` after `compile()`."""
    import h5py

    archived = file.suffix == ".keras"
    weights = file.with_name("model.weights.h5")
    with h5py.File(weights, "w") as content:
        for name, value in slim_constants(network).items():
            content[_keras_name(name, numbered=archived)] = value
        if optimizer:
            place = "optimizer/vars" if archived else "optimizer_weights/adam"
            content[f"{place}/0"] = np.int64(3)
            content[f"{place}/1"] = np.float32(0.001)
        if config is not None and not archived:
            content.attrs["model_config"] = config
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


def sequential_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """By the definition of the network in marvis/pytorch-mobilenet and qfgaohao/pytorch-ssd."""
    renamed = {f"fc.{leaf}": state[f"classifier.{leaf}"] for leaf in ("weight", "bias")}
    for number, layer in enumerate(LAYERS):
        place = f"model.{(number + 1) // 2}"
        conv, norm = (3, 4) if number and number % 2 == 0 else (0, 1)
        renamed[f"{place}.{conv}.weight"] = state[f"{layer}.conv.weight"]
        for leaf in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            renamed[f"{place}.{norm}.{leaf}"] = state[f"{layer}.norm.{leaf}"]
    return renamed
