"""Tensors of an HDF5 file, which is untrusted: no links out of it, and sizes checked before reading."""

from collections.abc import Callable, Iterator
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.accuracy.weights.border import Budget
from harness.errors import UsageError

# A model of MobileNetV1 with its optimizer has some 1000 objects.
_MAX_OBJECTS = 50_000
_MAX_DEPTH = 30
# HDF5 has no such number format: Keras writes its two bytes as they are (keras-team/keras#19091).
_BFLOAT16 = np.dtype("V2")


def read_tensors(
    stream: Path | BytesIO, is_wanted: Callable[[str], bool]
) -> tuple[dict[str, Tensor], bytes | None]:
    """Float data sets of the wanted paths, without the `:0` that Keras 2 appends, and `model_config`, if any.

    Raises:
        UsageError: h5py is not installed.
        ValueError: data lie outside the file, or are larger than any checkpoint's.
        OSError, RuntimeError or another built-in error: the file is damaged.
    """
    try:
        h5py = import_module("h5py")
    except ImportError as error:
        raise UsageError(
            "Keras files need the library `h5py`", hint="pip install 'mobilenet-harness[keras]'"
        ) from error
    budget = Budget()
    with h5py.File(stream, "r") as content:
        tensors = {
            path.removesuffix(":0"): _tensor(node, path, budget)
            for path, node in _datasets(h5py, content)
            if is_wanted(path) and (node.dtype.kind == "f" or node.dtype == _BFLOAT16)
        }
        config = content.attrs.get("model_config")
        return tensors, config.encode() if isinstance(config, str) else config


def _datasets(h5py: Any, root: Any) -> Iterator[tuple[str, Any]]:
    """Data sets by path; a group that is reached twice is visited once."""
    seen: set[Any] = set()
    groups = [("", root)]
    count = 0
    while groups:
        path, group = groups.pop(0)
        for name in group:
            count += 1
            place = f"{path}{name}"
            if count > _MAX_OBJECTS or place.count("/") > _MAX_DEPTH:
                raise ValueError("the file has more objects than any model")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"{place} is a link, which is not followed")
            node = group[name]
            if isinstance(node, h5py.Dataset):
                yield place, node
            elif isinstance(node, h5py.Group) and (key := h5py.h5o.get_info(node.id).addr) not in seen:
                seen.add(key)
                groups.append((f"{place}/", node))


def _tensor(node: Any, path: str, budget: Budget) -> Tensor:
    if node.is_virtual or node.external:
        raise ValueError(f"{path} lies in another file, which is not read")
    if node.shape is None:
        raise ValueError(f"{path} is empty")
    # Before reading: a data set without data is filled with one value, whatever its shape.
    budget.spend(node.size * max(node.dtype.itemsize, 4))
    values = np.asarray(node[()])
    if values.dtype == _BFLOAT16:
        return torch.from_numpy(np.array(values).view(np.int16)).view(torch.bfloat16)
    kind = f"f{values.dtype.itemsize}" if values.dtype.itemsize in (2, 4, 8) else "f8"
    return torch.from_numpy(np.array(values, dtype=kind))
