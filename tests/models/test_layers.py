"""The arithmetic of the layers against the network that torch builds."""

import itertools

import pytest

from models.layers import LAYER_KINDS, list_layers
from models.mobilenet_v1 import MobileNetV1, count_cost


@pytest.mark.parametrize(
    ("width", "resolution_px", "classes"),
    [(1.0, 224, 1001), (0.75, 192, 1000), (0.5, 160, 1000), (0.25, 128, 10), (0.1, 32, 2)],
)
def test_macs_and_parameters_are_those_of_the_network(width: float, resolution_px: int, classes: int) -> None:
    layers = list_layers(width, resolution_px, classes)
    cost = count_cost(MobileNetV1(width, classes=classes), resolution_px)
    assert sum(layer.macs for layer in layers) == cost.macs
    # BatchNorm has a scale and a shift per channel; folded, a bias.
    norms = sum(layer.biases for layer in layers if layer.kind != "classifier")
    assert sum(layer.weights + layer.biases for layer in layers) + norms == cost.params


def test_each_layer_reads_what_the_one_before_it_wrote() -> None:
    layers = list_layers(0.5, 160)
    assert layers[0].inputs == 3 * 160 * 160
    for earlier, later in itertools.pairwise(layers[:-1]):
        assert later.inputs == earlier.outputs
    # Pooling lies between the last convolution and the classifier.
    assert layers[-1].inputs == layers[-2].outputs // 5**2


def test_the_kinds_come_in_the_order_of_the_network() -> None:
    kinds = [layer.kind for layer in list_layers(1.0, 224)]
    assert tuple(dict.fromkeys(kinds)) == LAYER_KINDS
    assert kinds.count("depthwise") == kinds.count("pointwise") == 13
