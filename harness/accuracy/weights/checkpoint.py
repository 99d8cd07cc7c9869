"""PyTorch checkpoints: safetensors, and state dicts read without running code from the file."""

import pickle
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.weights.assembly import Source
from harness.accuracy.weights.naming import identify
from harness.errors import UsageError
from harness.records import Padding, Record
from harness.system.files import atomic_file
from models.mobilenet_v1 import Activation

# The key of our metadata in a safetensors header.
_METADATA = "mobilenet_harness"
_NESTED = ("state_dict", "model_state_dict", "model")


class Checkpoint(Record, frozen=True, kw_only=True):
    """The metadata of our own checkpoints; `training` describes how they were trained."""

    schema_version: Literal[1] = 1
    padding: Padding
    bn_eps: float
    activation: Activation
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    training: dict[str, str] = msgspec.field(default_factory=dict)


def save_checkpoint(file: Path, state: Mapping[str, Tensor], checkpoint: Checkpoint) -> None:
    """Write safetensors with our metadata, atomically: a reader sees the old file or the whole new one."""
    write_tensors(file, state, {_METADATA: msgspec.json.encode(checkpoint).decode()})


def write_tensors(file: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file atomically."""
    contiguous = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic_file(file) as temporary:
        save_file(contiguous, temporary, metadata)


def read_tensors(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file.

    Raises:
        UsageError: the file is damaged or not safetensors.
    """
    try:
        with safe_open(file, framework="pt") as stream:
            names = list(stream.keys())
            return {name: stream.get_tensor(name) for name in names}, stream.metadata() or {}
    except (SafetensorError, OSError, ValueError) as error:
        raise UsageError(
            f"cannot read {file.name} as safetensors: {error}", hint="download the file again"
        ) from error


def read_safetensors(file: Path) -> Source:
    """Our own checkpoints with their metadata, or another origin's safetensors."""
    tensors, metadata = read_tensors(file)
    source = identify(tensors, file.name)
    if _METADATA not in metadata:
        return source
    try:
        checkpoint = msgspec.json.decode(metadata[_METADATA], type=Checkpoint)
    except msgspec.MsgspecError as error:
        raise UsageError(f"cannot read the metadata of {file.name}: {error}") from error
    return replace(
        source,
        padding=checkpoint.padding,
        bn_eps=checkpoint.bn_eps,
        activation=checkpoint.activation,
        preprocessing=lambda side: msgspec.structs.replace(checkpoint.preprocessing, resolution_px=side),
        resolution_px=checkpoint.preprocessing.resolution_px,
        class_names=checkpoint.class_names,
    )


def read_torch(file: Path) -> Source:
    """A state dict saved by `torch.save`, as it is or under the usual keys of training scripts.

    Raises:
        UsageError: the file is a pickle that could run code, or holds no state dict.
    """
    try:
        with warnings.catch_warnings():
            # The warning is about pickle protocols above 2, which can be read.
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UsageError(
            f"{file.name} is refused: the file holds more than tensors, and loading it could run code",
            hint="save only `model.state_dict()`, best as safetensors",
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise UsageError(f"cannot read {file.name} as a PyTorch checkpoint: {error}") from error
    if isinstance(content, dict):
        content = next((content[key] for key in _NESTED if isinstance(content.get(key), dict)), content)
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UsageError(f"{file.name} holds no state dict", hint="save `model.state_dict()`")
    return identify({str(name): value for name, value in content.items()}, file.name)
