"""A Keras model's own input scaling and its activation, from its configuration."""

from dataclasses import dataclass

import msgspec

from harness.accuracy.preprocessing import Channels, Preprocessing
from models.mobilenet_v1 import Activation

MAX_CONFIG_BYTES = 4 << 20
# Layers that leave the input's values alone in inference, or belong to MobileNetV1.
_NAMES = """
    InputLayer ZeroPadding2D Conv2D DepthwiseConv2D BatchNormalization ReLU GlobalAveragePooling2D
    AveragePooling2D Reshape Flatten Dropout Activation Softmax Dense
    RandomFlip RandomRotation RandomZoom RandomContrast RandomBrightness RandomTranslation RandomCrop
"""
_KNOWN = frozenset(_NAMES.split())
_CONTAINERS = ("Functional", "Model", "Sequential")


@dataclass(frozen=True)
class Layer:
    """One layer's class and its settings."""

    kind: str
    settings: dict[str, object]


@dataclass(frozen=True)
class Scaling:
    """The mean and standard deviation that a picture's values in 0 to 1 are scaled by."""

    mean: Channels
    std: Channels


def read_layers(config: bytes) -> tuple[Layer, ...]:
    """All layers of a model, those of models inside models in their place.

    Raises:
        ValueError: the configuration is no model's, or has a layer whose effect is not known.
    """
    layers = tuple(_walk(msgspec.json.decode(config)))
    for layer in layers:
        if layer.kind not in _KNOWN and layer.kind != "Rescaling":
            raise ValueError(f"the model has a layer {layer.kind}, whose effect is not known")
    return layers


def _walk(model: object) -> list[Layer]:
    if not isinstance(model, dict) or not isinstance(model.get("class_name"), str):
        raise ValueError("the model's configuration is damaged")
    kind, settings = model["class_name"], model.get("config")
    inner = settings.get("layers") if isinstance(settings, dict) else settings
    if kind in _CONTAINERS and isinstance(inner, list):
        return [layer for part in inner for layer in _walk(part)]
    return [Layer(kind, settings if isinstance(settings, dict) else {})]


def read_scaling(layers: tuple[Layer, ...]) -> Scaling:
    """The scaling of a `Rescaling` layer, which takes 0 to 255; without one, that of Keras's MobileNet.

    Raises:
        ValueError: there are several, or one behind the first convolution, or its numbers are no scaling.
    """
    found = [index for index, layer in enumerate(layers) if layer.kind == "Rescaling"]
    if not found:
        default = Preprocessing(resolution_px=1)
        return Scaling(default.mean, default.std)
    first_convolution = next((i for i, layer in enumerate(layers) if layer.kind == "Conv2D"), len(layers))
    if len(found) > 1 or found[0] > first_convolution:
        raise ValueError("the model scales its values more than once, or behind its first convolution")
    settings = layers[found[0]].settings
    scale, offset = _channels(settings.get("scale")), _channels(settings.get("offset", 0.0))
    return to_scaling(scale, offset)


def to_scaling(scale: Channels, offset: Channels) -> Scaling:
    """`value * scale + offset` for values of 0 to 255, as mean and standard deviation for 0 to 1."""
    if not all(0 < factor < 1e6 for factor in scale) or not all(abs(value) < 1e6 for value in offset):
        raise ValueError(f"the model scales its input by {scale} and {offset}")
    red, green, blue = ((-o / (255 * s), 1 / (255 * s)) for s, o in zip(scale, offset, strict=True))
    return Scaling((red[0], green[0], blue[0]), (red[1], green[1], blue[1]))


def _channels(value: object) -> Channels:
    values = value if isinstance(value, list) else [value] * 3
    numbers = [float(number) for number in values if isinstance(number, int | float)]
    if len(numbers) != 3:
        raise ValueError(f"the model scales its input by {value!r}")
    return numbers[0], numbers[1], numbers[2]


def read_activation(layers: tuple[Layer, ...]) -> Activation:
    """ReLU6, as in Keras's MobileNet, unless every ReLU of the model is unbounded.

    Raises:
        ValueError: the bounds differ, or are others.
    """
    bounds = {layer.settings.get("max_value") for layer in layers if layer.kind == "ReLU"}
    if bounds <= {6.0}:
        return "relu6"
    if bounds == {None}:
        return "relu"
    raise ValueError("the model's ReLU layers have other bounds than 6, or several")
