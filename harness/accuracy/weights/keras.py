"""Keras's MobileNet, from `.h5` (whole model or weights) and from `.keras` archives (optional extra h5py)."""

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
    """Not the optimizer's state, which holds scalars and counters."""
    return not path.startswith(("optimizer", "model_weights/optimizer", "vars", "_optimizer"))


def _source(tensors: dict[str, Tensor], file_name: str, layers: tuple[Layer, ...]) -> Source:
    adapted = _take_adapted(tensors, layers)
    numbered = any(path.startswith("layers/") for path in tensors)
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
    parts = path.removeprefix("model_weights/").removeprefix("layers/").split("/")
    return parts[0].rpartition("_")[0] == "normalization" or parts[0] == "normalization"


def _named_place(path: str) -> str | None:
    """`[model_weights/]conv_dw_3_bn/…/gamma` → `blocks.2.depthwise.norm.weight`."""
    parts = path.removeprefix("model_weights/").split("/")
    layer, leaf = parts[0].removesuffix("_bn"), parts[-1]
    if leaf not in _LEAVES:
        return None
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
    """`layers/conv2d_3/vars/0` → `blocks.2.pointwise.conv.weight`: Keras 3 numbers each class."""
    parts = path.split("/")
    if len(parts) != 4 or parts[2] != "vars" or not parts[3].isdecimal():
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
