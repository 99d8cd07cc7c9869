"""PyTorch checkpoints: safetensors, and state dicts read without running code from the file."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.weights.assembly import Source
from harness.accuracy.weights.border import reading
from harness.accuracy.weights.entries import Choice, choose_state
from harness.accuracy.weights.identification import identify
from harness.accuracy.weights.torch_file import TorchFile, read_file
from harness.errors import UsageError
from harness.records import Padding, Record
from harness.records.decoding import Malformed, decode_json
from harness.system.files import atomic_file
from models.mobilenet_v1 import Activation

# The key of our metadata in a safetensors header.
_METADATA = "mobilenet_harness"


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
    with reading(file.name, "safetensors"), safe_open(file, framework="pt") as stream:
        names = list(stream.keys())
        return {name: stream.get_tensor(name) for name in names}, stream.metadata() or {}


def read_safetensors(file: Path) -> Source:
    """Our own checkpoints with their metadata, or another origin's safetensors."""
    tensors, metadata = read_tensors(file)
    source = identify(tensors, file.name)
    if _METADATA not in metadata:
        return source
    try:
        checkpoint = decode_json(metadata[_METADATA], Checkpoint)
    except Malformed as error:
        raise UsageError(f"cannot read the metadata of {file.name}: {error}") from error
    if not 0 <= checkpoint.bn_eps < 1 or min(checkpoint.preprocessing.std) <= 0:
        raise UsageError(f"the metadata of {file.name} has an impossible epsilon or standard deviation")
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

    Nothing of the file is run. An exponential moving average of the weights is preferred to the raw weights.

    Raises:
        UsageError: the file holds no state dict.
    """
    choices: list[Choice] = []

    def use(saved: TorchFile) -> dict[str, Tensor]:
        choice = choose_state(saved.content, file.name)
        choices.append(choice)
        return saved.tensors(choice.state)

    tensors = read_file(file, use)
    source = identify(tensors, file.name)
    (choice,) = choices
    if choice.entry is None:
        return source
    return replace(
        source,
        entry=choice.entry if source.entry is None else f"{choice.entry}/{source.entry}",
        remarks=(*choice.remarks, *source.remarks),
    )
