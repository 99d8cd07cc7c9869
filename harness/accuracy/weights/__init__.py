"""Weights files of many origins and formats, loaded into our MobileNetV1."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.accuracy.weights.assembly import LoadedWeights, Source, assemble
from harness.accuracy.weights.border import check_file, reading
from harness.accuracy.weights.checkpoint import Checkpoint, read_safetensors, read_torch, save_checkpoint
from harness.accuracy.weights.frozen_graph import read_frozen_graph
from harness.accuracy.weights.keras import read_keras_archive, read_keras_h5
from harness.accuracy.weights.other_files import find_other_file
from harness.accuracy.weights.tflite import read_tflite
from harness.errors import UsageError
from harness.system.files import hash_file
from harness.system.text import excerpt

__all__ = ["Checkpoint", "LoadedWeights", "load_weights", "save_checkpoint"]


@dataclass(frozen=True)
class _Kind:
    """A kind of weights file: its name in messages and its reader."""

    description: str
    read: Callable[[Path], Source]


_TORCH = _Kind("a PyTorch checkpoint", read_torch)
_SAFETENSORS = _Kind("safetensors", read_safetensors)
_TFLITE = _Kind("a TFLite model of MobileNetV1", read_tflite)
_HDF5 = _Kind("HDF5", read_keras_h5)
# For files that do not begin like one of these kinds. `.pth.tar` is torch's usual name of a training
# checkpoint, which is no tar archive.
_BY_SUFFIX: dict[str, _Kind] = {
    ".safetensors": _SAFETENSORS,
    **dict.fromkeys((".pt", ".pth", ".bin", ".ckpt", ".tar"), _TORCH),
    ".pb": _Kind("a frozen TensorFlow graph", read_frozen_graph),
    ".tflite": _TFLITE,
    **dict.fromkeys((".h5", ".hdf5"), _HDF5),
    ".keras": _Kind("a Keras archive", read_keras_archive),
}
_HDF5_BEGINS, _TFLITE_BEGINS, _ZIP_BEGINS, _PICKLE_BEGINS = (
    b"\x89HDF\r\n\x1a\n",
    b"TFL3",
    b"PK\x03\x04",
    b"\x80",
)


def load_weights(file: Path, *, width: float | None = None, classes: int | None = None) -> LoadedWeights:
    """Read a weights file, checked tensor by tensor against MobileNetV1 of its width.

    With `width` or `classes` given, a file of another width or number of classes is refused.

    Raises:
        UsageError: the file is unreadable, not MobileNetV1 or of another width; a missing, unexpected or
            non-finite tensor, or one of the wrong shape, is named.
    """
    check_file(file)
    start = _first_bytes(file)
    kind = _by_content(file, start)
    if kind is None and (other := find_other_file(file.name, start)):
        raise UsageError(f"{excerpt(file.name)} is {other.what}", hint=other.hint)
    kind = kind or _BY_SUFFIX.get(file.suffix.lower())
    if kind is None:
        raise UsageError(
            f"{excerpt(file.name)} is not a known kind of weights file",
            hint=f"the name must end in one of {', '.join(_BY_SUFFIX)}",
        )
    name = excerpt(file.name)
    with reading(name, kind.description):
        loaded = assemble(kind.read(file), name, hash_file(file), width=width)
    if classes is not None and loaded.classes != classes:
        raise UsageError(
            f"{file.name} classifies into {loaded.classes or 'no'} classes, not {classes}",
            hint="1001 classes count a background class before ImageNet's 1000",
        )
    return loaded


def _first_bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(64)
    except OSError:
        return b""  # The reader reports it.


def _by_content(file: Path, start: bytes) -> _Kind | None:
    """The kind that the file's first bytes show, whatever its name: `.hdf5`, `.pkl`, `.model`, none at all.

    A zip archive is one of torch unless it is called `.keras`; a graph begins with nothing of its own.
    """
    if start.startswith(_HDF5_BEGINS):
        return _HDF5
    if start[4:8] == _TFLITE_BEGINS:
        return _TFLITE
    # Before pickles: the first byte of its length may be theirs.
    header_bytes = int.from_bytes(start[:8], "little")
    if start[8:9] == b"{" and header_bytes < file.stat().st_size:
        return _SAFETENSORS
    if start.startswith((_ZIP_BEGINS, _PICKLE_BEGINS)):
        return None if file.suffix.lower() == ".keras" else _TORCH
    return None
