"""Weights files of many origins and formats, loaded into our MobileNetV1."""

from collections.abc import Callable
from pathlib import Path

from harness.accuracy.weights.assembly import LoadedWeights, Source, assemble
from harness.accuracy.weights.checkpoint import Checkpoint, read_safetensors, read_torch, save_checkpoint
from harness.accuracy.weights.frozen_graph import read_frozen_graph
from harness.accuracy.weights.keras import read_keras_archive, read_keras_h5
from harness.accuracy.weights.tflite import read_tflite
from harness.errors import UsageError
from harness.system.files import hash_file

__all__ = ["Checkpoint", "LoadedWeights", "load_weights", "save_checkpoint"]

_READERS: dict[str, Callable[[Path], Source]] = {
    ".safetensors": read_safetensors,
    ".pt": read_torch,
    ".pth": read_torch,
    ".bin": read_torch,
    ".pb": read_frozen_graph,
    ".tflite": read_tflite,
    ".h5": read_keras_h5,
    ".keras": read_keras_archive,
}


def load_weights(file: Path, *, width: float | None = None, classes: int | None = None) -> LoadedWeights:
    """Read a weights file, checked tensor by tensor against MobileNetV1 of its width.

    With `width` or `classes` given, a file of another width or number of classes is refused.

    Raises:
        UsageError: the file is unreadable, not MobileNetV1 or of another width; a missing, unexpected or
            non-finite tensor, or one of the wrong shape, is named.
    """
    if not file.is_file():
        raise UsageError(f"no weights file {file}", hint="check the path of the weights file")
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise UsageError(
            f"{file.name} is not a known kind of weights file",
            hint=f"the name must end in one of {', '.join(_READERS)}",
        )
    loaded = assemble(reader(file), file.name, hash_file(file), width=width)
    if classes is not None and loaded.classes != classes:
        raise UsageError(
            f"{file.name} classifies into {loaded.classes or 'no'} classes, not {classes}",
            hint="1001 classes count a background class before ImageNet's 1000",
        )
    return loaded
