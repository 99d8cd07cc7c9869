"""Evaluation images as files for the runner's batch mode, in chunks small enough for a phone."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.accuracy.datasets import Dataset
from harness.accuracy.datasets.dataset import digest
from harness.accuracy.loading import Unreadable, load_pixels
from harness.accuracy.preprocessing import Preprocessing, normalize, uniform_scaling
from harness.records import Record, Sha256
from harness.records.decoding import Malformed, decode_json
from harness.system.files import hash_file, write_atomically

# Devices evaluated at the same time need the same chunks: one thread writes them, the others find them.
_PREPARING = threading.Lock()


class _Description(Record, frozen=True, kw_only=True):
    """The description saved beside a chunk's file."""

    sha256: Sha256
    indices: tuple[int, ...]
    unreadable: tuple[Unreadable, ...]


@dataclass(frozen=True)
class Chunk:
    """Images back to back, NHWC: bytes, fed as `byte * scale + offset`; without `scale` they are float32.

    `indices` are the data set's images in the file's order; `unreadable` are the images left out, which may
    be all of them.
    """

    path: Path
    sha256: str
    indices: tuple[int, ...]
    unreadable: tuple[Unreadable, ...]
    scale: float | None
    offset: float | None

    def inputs(self, preprocessing: Preprocessing) -> NDArray[np.float32]:
        """The network's input: float32 (images, side, side, 3)."""
        side = preprocessing.resolution_px
        if self.scale is None:
            return np.fromfile(self.path, dtype="<f4").reshape(-1, side, side, 3)
        return normalize(np.fromfile(self.path, dtype=np.uint8).reshape(-1, side, side, 3), preprocessing)


def pack(
    dataset: Dataset, preprocessing: Preprocessing, folder: Path, *, chunk_bytes: int
) -> Iterator[Chunk]:
    """Yield the chunks in order, preparing the next one while the device runs the current one.

    Prepared chunks are kept in `folder` and reused for the same content of the data set and preprocessing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scaling = uniform_scaling(preprocessing)
    image_bytes = 3 * preprocessing.resolution_px**2 * (4 if scaling is None else 1)
    per_chunk = max(1, chunk_bytes // image_bytes)
    key = digest((dataset.content, msgspec.json.encode(preprocessing).decode(), str(per_chunk)))[:16]
    ranges = [range(at, min(at + per_chunk, len(dataset))) for at in range(0, len(dataset), per_chunk)]

    def prepare(number: int) -> Chunk:
        file = folder / f"{key}-{number:05d}.bin"
        with _PREPARING:
            return _find_or_write(dataset, preprocessing, ranges[number], file)

    with ThreadPoolExecutor(1, thread_name_prefix="packing") as ahead:
        pending = ahead.submit(prepare, 0)
        for number in range(len(ranges)):
            chunk = pending.result()
            if number + 1 < len(ranges):
                pending = ahead.submit(prepare, number + 1)
            yield chunk


def _find_or_write(dataset: Dataset, preprocessing: Preprocessing, images: range, file: Path) -> Chunk:
    beside = file.with_suffix(".json")
    description = _read_intact(file, beside)
    if description is None:
        pixels = load_pixels(dataset, preprocessing, images, allow_none=True)
        packed = pixels.values
        content = (packed if uniform_scaling(preprocessing) else normalize(packed, preprocessing)).tobytes()
        description = _Description(
            sha256=hashlib.sha256(content).hexdigest(), indices=pixels.indices, unreadable=pixels.unreadable
        )
        write_atomically(file, content)
        write_atomically(beside, msgspec.json.encode(description))
    scale, offset = uniform_scaling(preprocessing) or (None, None)
    return Chunk(
        path=file,
        sha256=description.sha256,
        indices=description.indices,
        unreadable=description.unreadable,
        scale=scale,
        offset=offset,
    )


def _read_intact(file: Path, beside: Path) -> _Description | None:
    """The description of a chunk that was written before; None if the chunk is missing or damaged."""
    try:
        description = decode_json(beside.read_bytes(), _Description)
        intact = hash_file(file) == description.sha256
    except (OSError, Malformed):
        return None
    return description if intact else None
