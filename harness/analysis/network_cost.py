"""What a variant costs on paper: the quantities that predictions of measured figures are built from.

Values are counted, not bytes: all variants of one precision have values of one size, which the fit finds with
everything else that one of them costs.
"""

from collections.abc import Iterable

from harness.records import Variant
from models.layers import LAYER_KINDS, Layer, list_layers


def work_of(variant: Variant) -> tuple[float, ...]:
    """What an inference does: a constant, multiply-accumulates and moved values of each kind of layer."""
    layers = _layers(variant)
    return (
        1.0,
        *(_sum(layer.macs for layer in layers if layer.kind == kind) for kind in LAYER_KINDS),
        *(_sum(layer.moved for layer in layers if layer.kind == kind) for kind in LAYER_KINDS),
    )


def space_of(variant: Variant) -> tuple[float, ...]:
    """What a program takes: a constant, weights of each kind of layer, biases, and activations at their
    largest.

    A bias stands for all that a channel has once: of int8 also the scale of its weights.
    """
    layers = _layers(variant)
    return (
        1.0,
        *(_sum(layer.weights for layer in layers if layer.kind == kind) for kind in LAYER_KINDS),
        _sum(layer.biases for layer in layers),
        float(max(layer.inputs + layer.outputs for layer in layers)),
        float(layers[0].inputs),
    )


def moved_of(variant: Variant) -> int:
    """All values that an inference reads or writes once."""
    return sum(layer.moved for layer in _layers(variant))


def macs_of(variant: Variant) -> int:
    """All multiply-accumulates of an inference."""
    return sum(layer.macs for layer in _layers(variant))


def _layers(variant: Variant) -> tuple[Layer, ...]:
    return list_layers(*variant.shape, variant.outputs)


def _sum(values: Iterable[int]) -> float:
    return float(sum(values))
