"""TF-Slim's frozen graphs (`.pb`): constants read from protobuf's wire format, without TensorFlow."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor

from harness.accuracy.preprocessing import tensorflow_preprocessing
from harness.accuracy.weights.assembly import LAYERS, NORM_TENSORS, NamedTensor, Source
from harness.accuracy.weights.border import MAX_DIMENSIONS, Budget
from harness.accuracy.weights.frozen_input import Node, read_input_scaling
from harness.accuracy.weights.tensorflow_layout import to_torch
from harness.errors import UsageError
from models.mobilenet_v1 import PUBLISHED_BN_EPS

# Field numbers of tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape}.proto.
_GRAPH_NODE = 1
_NODE_NAME, _NODE_OP, _NODE_INPUT, _NODE_ATTR = 1, 2, 3, 5
_MAP_KEY, _MAP_VALUE = 1, 2
_ATTR_TYPE, _ATTR_TENSOR = 6, 8
_OUTPUT_TYPES = (b"dtype", b"DstT")
_TENSOR_DTYPE, _TENSOR_SHAPE, _TENSOR_CONTENT, _TENSOR_FLOATS = 1, 2, 4, 5
_SHAPE_DIM, _DIM_SIZE = 2, 1
_DT_FLOAT = 1
# A graph of MobileNetV1 has some 1000 nodes, each with fewer than 20 fields.
_MAX_NODES, _MAX_FIELDS = 20_000, 100
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_SLIM_NORM = ("BatchNorm/gamma", "BatchNorm/beta", "BatchNorm/moving_mean", "BatchNorm/moving_variance")
_PARAMETER_LEAVES = frozenset(
    {"weights", "depthwise_weights", "biases", "gamma", "beta", "moving_mean", "moving_variance"}
)

Field = tuple[int, int | bytes]


def read_frozen_graph(file: Path) -> Source:
    """Constants named `MobilenetV1/Conv2d_N…` of a frozen GraphDef, plain or fake-quantized.

    A graph that imported the network has a prefix before the names, such as TensorFlow Hub's `module/`.

    Raises:
        UsageError: the file is not a GraphDef, or has no MobileNetV1 of TF-Slim.
    """
    nodes: dict[str, Node] = {}
    constants: dict[str, dict[int, int | bytes]] = {}
    for name, node, tensor in _nodes(file.read_bytes()):
        nodes[name] = node
        if tensor is not None:
            constants[name] = tensor
    prefix = _prefix(constants, file.name)
    names = {ours: f"{prefix}{theirs}" for ours, theirs in _slim_names()}
    budget = Budget()
    found = {
        ours: NamedTensor(theirs, to_torch(ours, _value(constants[theirs], budget)))
        for ours, theirs in names.items()
        if theirs in constants
    }
    if "stem.conv.weight" not in found:
        raise UsageError(
            f"{file.name} has no constant {names['stem.conv.weight']}",
            hint="freeze TF-Slim's MobilenetV1 with its original names",
        )
    scaling = read_input_scaling(
        nodes,
        names["stem.conv.weight"],
        lambda name: _value(constants[name], budget).double().numpy() if name in constants else None,
    )
    known = set(names.values())
    return Source(
        origin="TF-Slim",
        tensors=found,
        padding="tf_same",
        bn_eps=PUBLISHED_BN_EPS,
        preprocessing=lambda side: msgspec.structs.replace(
            tensorflow_preprocessing(side), mean=scaling.mean, std=scaling.std
        ),
        remarks=scaling.remarks,
        unexpected=tuple(name for name in constants if _is_parameter(name) and name not in known),
    )


def _prefix(names: Iterable[str], file_name: str) -> str:
    stem = next(theirs for ours, theirs in _slim_names() if ours == "stem.conv.weight")
    found = [name.removesuffix(stem) for name in names if name == stem or name.endswith(f"/{stem}")]
    if len(found) > 1:
        shown = ", ".join(prefix or "(no prefix)" for prefix in found)
        raise UsageError(f"{file_name} has {len(found)} networks: {shown}", hint="freeze one network")
    return found[0] if found else ""


def _is_parameter(name: str) -> bool:
    return name.rpartition("/")[2] in _PARAMETER_LEAVES


def _slim_names() -> Iterator[tuple[str, str]]:
    for layer in LAYERS:
        if layer == "stem":
            place, kernel = "Conv2d_0", "weights"
        else:
            _, block, half = layer.split(".")
            place = f"Conv2d_{int(block) + 1}_{half}"
            kernel = "depthwise_weights" if half == "depthwise" else "weights"
        yield f"{layer}.conv.weight", f"MobilenetV1/{place}/{kernel}"
        yield f"{layer}.conv.bias", f"MobilenetV1/{place}/biases"
        for ours, theirs in zip(NORM_TENSORS, _SLIM_NORM, strict=True):
            yield f"{layer}.norm.{ours}", f"MobilenetV1/{place}/{theirs}"
    yield "classifier.weight", "MobilenetV1/Logits/Conv2d_1c_1x1/weights"
    yield "classifier.bias", "MobilenetV1/Logits/Conv2d_1c_1x1/biases"


def _nodes(graph: bytes) -> Iterator[tuple[str, Node, dict[int, int | bytes] | None]]:
    """Each node by name, and the fields (a TensorProto's) of a float constant."""
    for number, message in _fields(graph, _MAX_NODES):
        if number != _GRAPH_NODE:
            continue
        fields = list(_fields(_as_bytes(message)))
        last = dict(fields)
        operation = _as_bytes(last.get(_NODE_OP, b"")).decode()
        attributes = {
            entry.get(_MAP_KEY): dict(_fields(_as_bytes(entry.get(_MAP_VALUE, b""))))
            for number, attribute in fields
            if number == _NODE_ATTR
            for entry in [dict(_fields(_as_bytes(attribute)))]
        }
        inputs = (_as_bytes(value).decode() for number, value in fields if number == _NODE_INPUT)
        types = (attributes.get(key, {}).get(_ATTR_TYPE) for key in _OUTPUT_TYPES)
        node = Node(
            operation=operation,
            # `^name` only waits for that node; `name:0` is its first output.
            inputs=tuple(name.partition(":")[0] for name in inputs if not name.startswith("^")),
            output_type=next((kind for kind in types if isinstance(kind, int)), None),
        )
        tensor = _float_tensor(attributes.get(b"value", {})) if operation == "Const" else None
        yield _as_bytes(last.get(_NODE_NAME, b"")).decode(), node, tensor


def _float_tensor(value: dict[int, int | bytes]) -> dict[int, int | bytes] | None:
    content = value.get(_ATTR_TENSOR)
    if content is None:
        return None
    fields = dict(_fields(_as_bytes(content)))
    return fields if fields.get(_TENSOR_DTYPE) == _DT_FLOAT else None


def _value(fields: dict[int, int | bytes], budget: Budget) -> Tensor:
    shape = _shape(_as_bytes(fields.get(_TENSOR_SHAPE, b"")))
    data = _as_bytes(fields.get(_TENSOR_CONTENT, fields.get(_TENSOR_FLOATS, b"")))
    values = np.frombuffer(data, dtype="<f4")
    if len(shape) > MAX_DIMENSIONS:
        raise ValueError(f"a constant of {len(shape)} dimensions")
    budget.spend(4 * math.prod(shape))
    if values.size == 1:  # A constant of equal values is stored as one.
        return torch.full(shape, float(values[0]))
    return torch.from_numpy(values.reshape(shape).copy())


def _shape(message: bytes) -> tuple[int, ...]:
    sizes = []
    for number, dimension in _fields(message):
        if number == _SHAPE_DIM:
            size = dict(_fields(_as_bytes(dimension))).get(_DIM_SIZE, 0)
            if not isinstance(size, int):
                raise ValueError(f"a dimension of {size!r}")
            sizes.append(size)
    return tuple(sizes)


def _as_bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number in place of a message")
    return value


def _fields(message: bytes, limit: int = _MAX_FIELDS) -> Iterator[Field]:
    """Field numbers and values of one message, in order.

    Raises:
        ValueError: there are more fields than the limit; a field ends after the message, or has a wire
            type that proto3 does not use.
    """
    at = count = 0
    while at < len(message):
        count += 1
        if count > limit:
            raise ValueError(f"a message has more than {limit} fields")
        key, at = _varint(message, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire_type == _BYTES:
            size, at = _varint(message, at)
        elif wire_type in (_FIXED32, _FIXED64):
            size = 4 if wire_type == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire_type} at byte {at}")
        if at + size > len(message):
            raise ValueError(f"a field of {size} bytes at byte {at} of {len(message)}")
        yield number, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
    raise ValueError(f"a number of more than 10 bytes at byte {at}")
