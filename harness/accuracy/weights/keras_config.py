"""A Keras model's own input scaling and its activation, from its configuration."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.accuracy.weights.scaling import Arithmetic, Scaling, Step, combine, default_scaling
from models.mobilenet_v1 import Activation

MAX_CONFIG_BYTES = 4 << 20
# Layers that leave the input's values alone in inference, or belong to MobileNetV1.
_NAMES = """
    InputLayer ZeroPadding2D Conv2D DepthwiseConv2D BatchNormalization ReLU GlobalAveragePooling2D
    AveragePooling2D Reshape Flatten Dropout Activation Softmax Dense
    RandomFlip RandomRotation RandomZoom RandomContrast RandomBrightness RandomTranslation
"""
_KNOWN = frozenset(_NAMES.split())
# Operations on tensors, by the class of Keras 3 (`keras.src.ops`) and by the function of Keras 2.
_ARITHMETIC: dict[str, Arithmetic] = {
    **{"Add": "add", "Subtract": "subtract", "Multiply": "multiply", "Divide": "divide"},
    **{"TrueDivide": "divide", "BiasAdd": "add"},
    **{"math.add": "add", "math.subtract": "subtract", "math.multiply": "multiply"},
    **{"math.truediv": "divide", "math.divide": "divide", "nn.bias_add": "add"},
    **{"__operators__.add": "add"},
}
_OPERATION_LAYERS = ("TFOpLambda", "SlicingOpLambda")
_CONTAINERS = ("Functional", "Model", "Sequential")
_SCALING_LAYERS = ("Rescaling", "Normalization")
_SCALING = (*_SCALING_LAYERS, *_ARITHMETIC)
# Keras before 2.2 has ReLU6 as an activation function.
_BOUNDS = {"relu6": 6.0, "relu": None}
# Normalization divides by no less (keras.src.backend.epsilon).
_LEAST_DEVIATION = 1e-7


@dataclass(frozen=True)
class Layer:
    """One layer's class, or the function of an operation on tensors, its settings and what goes into it."""

    kind: str
    settings: dict[str, object]
    inbound: object = None


@dataclass(frozen=True)
class Adapted:
    """What a `Normalization` layer learned by `adapt()`, which is saved with the weights."""

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]


def read_layers(config: bytes) -> tuple[Layer, ...]:
    """All layers of a model, those of models inside models in their place.

    Raises:
        ValueError: the configuration is not a model's, or has a layer whose effect is not known.
    """
    layers = tuple(_walk(msgspec.json.decode(config)))
    for layer in layers:
        if layer.kind not in _KNOWN and layer.kind not in _SCALING:
            raise ValueError(f"the model has a layer {layer.kind}, whose effect is not known")
    return layers


def _walk(model: object) -> list[Layer]:
    if not isinstance(model, dict) or not isinstance(model.get("class_name"), str):
        raise ValueError("the model's configuration is damaged")
    kind, settings = model["class_name"], model.get("config")
    inner = settings.get("layers") if isinstance(settings, dict) else settings
    if kind in _CONTAINERS and isinstance(inner, list):
        return [layer for part in inner for layer in _walk(part)]
    settings = settings if isinstance(settings, dict) else {}
    if kind in _OPERATION_LAYERS and isinstance(settings.get("function"), str):
        kind = settings["function"]
    return [Layer(kind, settings, model.get("inbound_nodes"))]


def read_scaling(layers: tuple[Layer, ...], adapted: Adapted | None = None) -> Scaling:
    """The scaling of the layers before the first convolution; without any, that of Keras's MobileNet.

    Raises:
        ValueError: several layers scale, or one behind the first convolution or its padding, or the numbers
            are no scaling.
    """
    found = [index for index, layer in enumerate(layers) if layer.kind in _SCALING]
    if not found:
        return default_scaling()
    first = next((i for i, layer in enumerate(layers) if layer.kind in ("Conv2D", "ZeroPadding2D")), None)
    several = sum(layers[index].kind in _SCALING_LAYERS for index in found) > 1
    if several or (first is not None and found[-1] > first):
        raise ValueError("the model scales its values more than once, or behind its first convolution")
    return combine(step for index in found for step in _steps(layers[index], adapted))


def _steps(layer: Layer, adapted: Adapted | None) -> Iterator[Step]:
    settings = layer.settings
    if layer.kind == "Rescaling":
        yield Step("multiply", _number(settings.get("scale")))
        yield Step("add", _number(settings.get("offset", 0.0)))
    elif layer.kind == "Normalization":
        yield from _normalization(settings, adapted)
    else:
        constant, first = _operand(layer)
        yield Step(_ARITHMETIC[layer.kind], constant, first)


def _normalization(settings: dict[str, object], adapted: Adapted | None) -> Iterator[Step]:
    if settings.get("axis", [-1]) not in ([-1], [3], -1, 3, None, []) or settings.get("invert"):
        raise ValueError("the model's Normalization layer is inverted, or not along the channels")
    mean, variance = settings.get("mean"), settings.get("variance")
    if mean is None and variance is None and adapted is None:
        raise ValueError("the model's Normalization layer has neither a mean nor a variance")
    if mean is None and variance is None and adapted is not None:
        centre, spread = adapted.mean, adapted.variance
    else:
        centre, spread = _number(mean), _number(variance)
    if (spread < 0).any():
        raise ValueError("the model's Normalization layer has a negative variance")
    yield Step("subtract", centre)
    yield Step("divide", np.maximum(np.sqrt(spread), _LEAST_DEVIATION))


def _operand(layer: Layer) -> tuple[NDArray[np.float64], bool]:
    """The constant of an operation on a tensor, and whether it is the first operand.

    Keras 3 lists `{"args": [tensor, constant], "kwargs": {…}}`; Keras 2 `[name, 0, 0, {"y": constant}]`, or
    `["_CONSTANT_VALUE", -1, constant, {"y": [name, 0, 0]}]`.
    """
    nodes = layer.inbound
    node = nodes[0] if isinstance(nodes, list) and len(nodes) == 1 else None
    if isinstance(node, dict):
        named = node.get("kwargs")
        operands = [*_listed(node.get("args")), *(named.values() if isinstance(named, dict) else ())]
    elif isinstance(node, list):
        node = node[0] if len(node) == 1 and isinstance(node[0], list) else node
        operands = list(_keras2_operands(node))
    else:
        operands = []
    operands = [operand for operand in operands if operand is not None and not isinstance(operand, str)]
    tensors = [_is_tensor(operand) for operand in operands]
    if sorted(tensors) != [False, True]:
        raise ValueError(f"the model's operation {layer.kind} is not one of its input with a constant")
    return _number(operands[tensors.index(False)]), not tensors[0]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _keras2_operands(node: list[object]) -> Iterator[object]:
    if len(node) != 4 or not isinstance(node[3], dict):
        return
    yield node[2] if node[0] == "_CONSTANT_VALUE" else node[:3]
    yield from (value for key, value in node[3].items() if key not in ("name", "data_format"))


def _is_tensor(operand: object) -> bool:
    if isinstance(operand, dict):
        return operand.get("class_name") == "__keras_tensor__"
    return isinstance(operand, list) and len(operand) == 3 and isinstance(operand[0], str)


def _number(value: object) -> NDArray[np.float64]:
    """A constant: a number, a list for the channels, or an array in Keras 3's wrapping."""
    shown = value
    if isinstance(value, dict) and value.get("class_name") in ("__numpy__", "__tensor__"):
        config = value.get("config")
        value = config.get("value") if isinstance(config, dict) else None
    try:
        numbers = np.array(value, dtype=np.float64) if _is_numeric(value) else None
    except ValueError:
        numbers = None
    if numbers is None or numbers.size not in (1, 3):
        raise ValueError(f"the model scales its input by {shown!r}")
    return numbers


def _is_numeric(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_numeric(part) for part in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _function(layer: Layer) -> str:
    """The function of an `Activation` layer: a name, or a function of the user's own in its wrapping."""
    function = layer.settings.get("activation") if layer.kind == "Activation" else None
    if isinstance(function, dict):
        function = function.get("config")
    return function if isinstance(function, str) else ""


def read_activation(layers: tuple[Layer, ...]) -> Activation:
    """ReLU6, as in Keras's MobileNet, unless every ReLU of the model is unbounded.

    Raises:
        ValueError: the bounds differ, or are others.
    """
    bounds = {layer.settings.get("max_value") for layer in layers if layer.kind == "ReLU"}
    bounds |= {_BOUNDS[name] for layer in layers if (name := _function(layer)) in _BOUNDS}
    if bounds <= {6.0}:
        return "relu6"
    if bounds == {None}:
        return "relu"
    raise ValueError("the model's ReLU layers have other bounds than 6, or several")
