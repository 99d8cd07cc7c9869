"""Writes small networks as TensorFlow Lite files, for the tests of their reader."""

from collections.abc import Iterator

import flatbuffers
import numpy as np
from torch import nn

from harness.accuracy.weights.assembly import LAYERS
from models.mobilenet_v1 import MobileNetV1, fold_batch_norm

_CONV, _DEPTHWISE, _MEAN, _SOFTMAX = 3, 4, 40, 25
MUL, ADD, SUB, DIV, TANH, CAST, DEQUANTIZE, QUANTIZE = 18, 0, 41, 42, 28, 53, 6, 114
_CODES = (_CONV, _DEPTHWISE, MUL, ADD, SUB, DIV, TANH, CAST, DEQUANTIZE, QUANTIZE)
_DTYPES = {np.dtype("float32"): 0, np.dtype("int32"): 2, np.dtype("uint8"): 3}


def tflite_model(
    network: MobileNetV1,
    *,
    resolution_px: int = 64,
    quantized: bool = False,
    activation: int = 3,
    same: bool = True,
    before: tuple[tuple[int, float | None], ...] = (),
    constant_first: bool = False,
    byte_input: bool = False,
    quantized_input: tuple[float, int] | None = None,
    weights_only: bool = False,
    normalization: tuple[float, float] | None = None,
) -> bytes:
    """A network, its BatchNorm folded, as TensorFlow's converter lays it out; uint8 if `quantized`.

    `before` are operators with a constant, or None, before the first convolution. With `byte_input` the
    model takes uint8 without a scale, with `quantized_input` uint8 of this scale and zero point.
    `normalization` is the mean and deviation that the model's metadata has for its input.
    With `weights_only` the kernels are uint8, each behind an operator that dequantizes it.
    """
    writer = _TfliteWriter()
    shape = (1, resolution_px, resolution_px, 3)
    scale, zero_point = quantized_input or ((1 / 128, 128) if quantized else (None, 0))
    kind = 3 if byte_input else None
    at = writer.tensor("input", shape, None, scale=scale, zero_point=zero_point, kind=kind)
    for code, value in before:
        operands = [at]
        if value is not None:
            constant = writer.tensor(f"constant{code}", (1,), np.array([value], dtype=np.float32))
            operands.insert(0 if constant_first else 1, constant)
        at = writer.tensor(f"scaled{code}", shape, None)
        writer.operator(code, operands, at, 1, 0, True)
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
    return writer.finish(_metadata(*normalization) if normalization else None)


def _metadata(mean: float, std: float) -> bytes:
    """A ModelMetadata as TensorFlow Lite's metadata writer stores it in a buffer of the model."""
    writer = _TfliteWriter()
    return writer.finish_metadata(mean, std)


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
        kind: int | None = None,
    ) -> int:
        builder = self._builder
        if kind is None:
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

    def finish_metadata(self, mean: float, std: float) -> bytes:
        numbers = [self._builder.CreateNumpyVector(np.array([one], dtype=np.float32)) for one in (mean, std)]
        options = self._table([("offset", 0, numbers[0]), ("offset", 1, numbers[1])])
        unit = self._table([("int8", 0, 1), ("offset", 1, options)])
        tensor = self._table([("offset", 4, self._vector([unit]))])
        graph = self._table([("offset", 2, self._vector([tensor]))])
        self._builder.Finish(self._table([("offset", 3, self._vector([graph]))]), file_identifier=b"M001")
        return bytes(self._builder.Output())

    def finish(self, metadata: bytes | None = None) -> bytes:
        entries = []
        if metadata is not None:
            data = self._builder.CreateNumpyVector(np.frombuffer(metadata, np.uint8))
            self._buffers.append(self._table([("offset", 0, data)]))
            label = self._builder.CreateString("TFLITE_METADATA")
            entries.append(self._table([("offset", 0, label), ("uint32", 1, len(self._buffers) - 1)]))
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
                ("offset", 6, self._vector(entries)),
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
