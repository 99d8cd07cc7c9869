"""Evaluation images as files for the runner's batch mode, in chunks small enough for a phone."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

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

NHWC = (0, 2, 3, 1)
Pixel = TypeVar("Pixel", np.uint8, np.float32)
# Devices evaluated at the same time need the same chunks: one thread writes them, the others find them.
_PREPARING = threading.Lock()


class _Description(Record, frozen=True, kw_only=True):
    """The description saved beside a chunk's file."""

    sha256: Sha256
    indices: tuple[int, ...]
    unreadable: tuple[Unreadable, ...]


@dataclass(frozen=True)
class Chunk:
    """Images back to back: bytes, fed as `byte * scale + offset`; without `scale` they are float32.

    They lie in the memory order of the program's input: `dim_order` (0, 2, 3, 1) is NHWC. `indices` are the
    data set's images in the file's order; `unreadable` are the images left out, which may be all of them.
    """

    path: Path
    sha256: str
    indices: tuple[int, ...]
    unreadable: tuple[Unreadable, ...]
    scale: float | None
    offset: float | None
    dim_order: tuple[int, ...] = NHWC

    def inputs(self, preprocessing: Preprocessing) -> NDArray[np.float32]:
        """The network's input: float32 (images, side, side, 3)."""
        side = preprocessing.resolution_px
        if self.scale is None:
            floats: NDArray[np.float32] = np.fromfile(self.path, dtype="<f4")
            return _as_nhwc(floats, self.dim_order, side)
        return normalize(_as_nhwc(np.fromfile(self.path, np.uint8), self.dim_order, side), preprocessing)


def lay_out(images: NDArray[Pixel], dim_order: tuple[int, ...]) -> NDArray[Pixel]:
    """NHWC images in another memory order, such as (0, 1, 2, 3) for NCHW."""
    return np.ascontiguousarray(images.transpose([NHWC.index(dimension) for dimension in dim_order]))


def _as_nhwc(values: NDArray[Pixel], dim_order: tuple[int, ...], side: int) -> NDArray[Pixel]:
    sizes = (-1, 3, side, side)
    laid_out = values.reshape([sizes[dimension] for dimension in dim_order])
    return laid_out.transpose([dim_order.index(dimension) for dimension in NHWC])


def pack(
    dataset: Dataset,
    preprocessing: Preprocessing,
    folder: Path,
    *,
    chunk_bytes: int,
    dim_order: tuple[int, ...] = NHWC,
) -> Iterator[Chunk]:
    """Yield the chunks in order, preparing the next one while the device runs the current one.

    Prepared chunks are kept in `folder` and reused for the same content of the data set and preprocessing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scaling = uniform_scaling(preprocessing)
    image_bytes = 3 * preprocessing.resolution_px**2 * (4 if scaling is None else 1)
    per_chunk = max(1, chunk_bytes // image_bytes)
    layout = () if dim_order == NHWC else (str(dim_order),)
    key = digest((dataset.content, msgspec.json.encode(preprocessing).decode(), str(per_chunk), *layout))[:16]
    ranges = [range(at, min(at + per_chunk, len(dataset))) for at in range(0, len(dataset), per_chunk)]

    def prepare(number: int) -> Chunk:
        file = folder / f"{key}-{number:05d}.bin"
        with _PREPARING:
            return _find_or_write(dataset, preprocessing, ranges[number], file, dim_order)

    with ThreadPoolExecutor(1, thread_name_prefix="packing") as ahead:
        pending = ahead.submit(prepare, 0)
        for number in range(len(ranges)):
            chunk = pending.result()
            if number + 1 < len(ranges):
                pending = ahead.submit(prepare, number + 1)
            yield chunk


def _find_or_write(
    dataset: Dataset, preprocessing: Preprocessing, images: range, file: Path, dim_order: tuple[int, ...]
) -> Chunk:
    beside = file.with_suffix(".json")
    description = _read_intact(file, beside)
    if description is None:
        pixels = load_pixels(dataset, preprocessing, images, allow_none=True)
        uniform = uniform_scaling(preprocessing) is not None
        content = (
            lay_out(pixels.values, dim_order)
            if uniform
            else lay_out(normalize(pixels.values, preprocessing), dim_order)
        ).tobytes()
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
        dim_order=dim_order,
    )


def _read_intact(file: Path, beside: Path) -> _Description | None:
    """The description of a chunk that was written before; None if the chunk is missing or damaged."""
    try:
        description = decode_json(beside.read_bytes(), _Description)
        intact = hash_file(file) == description.sha256
    except (OSError, Malformed):
        return None
    return description if intact else None
