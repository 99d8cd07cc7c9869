"""Keras's MobileNet, from `.h5` (whole model or weights) and from `.keras` archives (optional extra h5py)."""

import re
from io import BytesIO
from pathlib import Path

from torch import Tensor

from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.weights.assembly import LAYERS, NamedTensor, Source
from harness.accuracy.weights.border import Budget, open_archive, read_entry
from harness.accuracy.weights.hdf5 import read_tensors
from harness.accuracy.weights.keras_config import (
    MAX_CONFIG_BYTES,
    Adapted,
    Layer,
    read_activation,
    read_layers,
    read_scaling,
)
from harness.accuracy.weights.tensorflow_layout import to_torch
from harness.errors import UsageError
from models.mobilenet_v1 import PUBLISHED_BN_EPS

_LEAVES = {
    "kernel": "conv.weight",
    "depthwise_kernel": "conv.weight",
    "bias": "conv.bias",
    "gamma": "norm.weight",
    "beta": "norm.bias",
    "moving_mean": "norm.running_mean",
    "moving_variance": "norm.running_var",
}
# Of Keras 3, and of its format in Keras 2.12 to 2.15.
_LAYERS, _OLD_LAYERS = "layers/", "_layer_checkpoint_dependencies/"
_NORM_VARIABLES = ("gamma", "beta", "moving_mean", "moving_variance")


def read_keras_h5(file: Path) -> Source:
    """`model.save("….h5")` or `model.save_weights` of Keras 2, or Keras 3's `….weights.h5`."""
    tensors, config = read_tensors(file, _is_wanted)
    return _source(tensors, file.name, read_layers(config) if config else ())


def read_keras_archive(file: Path) -> Source:
    """Keras 3's `.keras`: a zip archive with the weights as HDF5 inside."""
    with open_archive(file) as archive:
        weights = read_entry(archive, "model.weights.h5", Budget())
        layers = (
            read_layers(bytes(read_entry(archive, "config.json", Budget(MAX_CONFIG_BYTES))))
            if "config.json" in archive.namelist()
            else ()
        )
    return _source(read_tensors(BytesIO(weights), _is_wanted)[0], file.name, layers)


def _is_wanted(path: str) -> bool:
    """Not the state of the optimizer and of metrics, which hold scalars and counters."""
    if path.startswith(("optimizer", "model_weights/optimizer", "vars", "_optimizer")):
        return False
    return "/vars/" not in path or path.startswith((_LAYERS, _OLD_LAYERS))


def _source(tensors: dict[str, Tensor], file_name: str, layers: tuple[Layer, ...]) -> Source:
    tensors = {path.replace(_OLD_LAYERS, _LAYERS): value for path, value in tensors.items()}
    adapted = _take_adapted(tensors, layers)
    numbered = any(path.startswith(_LAYERS) for path in tensors)
    found: dict[str, NamedTensor] = {}
    unexpected: list[str] = []
    for path, value in tensors.items():
        ours = _numbered_place(path) if numbered else _named_place(path)
        if ours is not None and ours not in found:
            found[ours] = NamedTensor(path, to_torch(ours, value))
        else:
            unexpected.append(path)
    if "stem.conv.weight" not in found:
        raise UsageError(
            f"{file_name} is not Keras's MobileNet: its tensors are {', '.join(list(tensors)[:4])}, …"
        )
    if head := _only_dense_layer({path: tensors[path] for path in unexpected}):
        found |= head
        unexpected = []
    scaling = read_scaling(layers, adapted)
    return Source(
        origin="Keras",
        tensors=found,
        # Keras pads (0, 1) and convolves VALID at stride 2: the same as SAME for even sizes.
        padding="tf_same",
        bn_eps=PUBLISHED_BN_EPS,
        activation=read_activation(layers),
        preprocessing=lambda side: Preprocessing(
            resolution_px=side, crop_fraction=0.875, mean=scaling.mean, std=scaling.std
        ),
        unexpected=tuple(unexpected),
        remarks=scaling.remarks,
    )


def _take_adapted(tensors: dict[str, Tensor], layers: tuple[Layer, ...]) -> Adapted | None:
    """Remove the statistics of a `Normalization` layer from the tensors: Keras 3 numbers them."""
    if not any(layer.kind == "Normalization" for layer in layers):
        return None
    found: dict[str, Tensor] = {}
    for path in [path for path in tensors if _is_normalization(path)]:
        leaf = path.rpartition("/")[2]
        found[{"0": "mean", "1": "variance"}.get(leaf, leaf)] = tensors.pop(path)
    if not {"mean", "variance"} <= found.keys():
        return None
    return Adapted(found["mean"].double().numpy(), found["variance"].double().numpy())


def _is_normalization(path: str) -> bool:
    return any(re.fullmatch(r"normalization(_[0-9]+)?", part) for part in path.split("/"))


def _only_dense_layer(others: dict[str, Tensor]) -> dict[str, NamedTensor]:
    """The classifier on top of MobileNet, if nothing else than one dense layer is left of the file."""
    by_dimensions = {value.dim(): path for path, value in others.items()}
    if len(others) != 2 or set(by_dimensions) != {1, 2}:
        return {}
    weight, bias = by_dimensions[2], by_dimensions[1]
    if weight.rpartition("/")[0] != bias.rpartition("/")[0]:
        return {}
    return {
        "classifier.weight": NamedTensor(weight, others[weight].T),
        "classifier.bias": NamedTensor(bias, others[bias]),
    }


def _named_place(path: str) -> str | None:
    """`[model_weights/][mobilenet_1.00_224/]conv_dw_3_bn/…/gamma` → `blocks.2.depthwise.norm.weight`."""
    *layers, leaf = path.split("/")
    if leaf not in _LEAVES:
        return None
    return next(filter(None, (_named_layer(layer, leaf) for layer in reversed(layers))), None)


def _named_layer(name: str, leaf: str) -> str | None:
    layer = name.removesuffix("_bn")
    if layer == "conv1":
        return f"stem.{_LEAVES[leaf]}"
    if layer == "conv_preds":
        return f"classifier.{'weight' if leaf == 'kernel' else leaf}"
    kind, _, number = layer.rpartition("_")
    half = {"conv_dw": "depthwise", "conv_pw": "pointwise"}.get(kind)
    if half is None or not number.isdecimal() or not 1 <= int(number) <= len(LAYERS) // 2:
        return None
    return f"blocks.{int(number) - 1}.{half}.{_LEAVES[leaf]}"


def _numbered_place(path: str) -> str | None:
    """`layers/conv2d_3/vars/0` → `blocks.2.pointwise.conv.weight`: Keras 3 numbers each class.

    In a model on top of MobileNet, the layers of this are in `layers/functional/layers/…`.
    """
    parts = ["", "", *path.split("/")][-4:]
    if f"{parts[0]}/" != _LAYERS or parts[2] != "vars" or not parts[3].isdecimal():
        return None
    kind, _, number = parts[1].rpartition("_")
    if not number.isdecimal():
        kind, number = parts[1], "0"
    layer, variable = int(number), int(parts[3])
    if kind == "batch_normalization" and layer < len(LAYERS) and variable < len(_NORM_VARIABLES):
        return f"{LAYERS[layer]}.{_LEAVES[_NORM_VARIABLES[variable]]}"
    if kind == "depthwise_conv2d" and layer < len(LAYERS) // 2 and variable == 0:
        return f"blocks.{layer}.depthwise.conv.weight"
    if kind == "conv2d" and layer == len(LAYERS) // 2 + 1 and variable < 2:
        return ("classifier.weight", "classifier.bias")[variable]
    if kind == "conv2d" and layer <= len(LAYERS) // 2 and variable == 0:
        return "stem.conv.weight" if layer == 0 else f"blocks.{layer - 1}.pointwise.conv.weight"
    return None
