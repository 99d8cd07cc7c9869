"""Images decoded and resized by a pool of threads; unreadable ones are left out and named."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.accuracy.datasets import Dataset
from harness.accuracy.preprocessing import Preprocessing, UnreadableImage, resize_image
from harness.errors import UsageError
from harness.records import Record

# Images per task: few enough to balance the threads, enough to make the overhead negligible.
_SLICE = 32


class Unreadable(Record, frozen=True, kw_only=True):
    """An image that was left out, and the reason."""

    image: str
    reason: str


@dataclass(frozen=True)
class Pixels:
    """Prepared images: `values` is uint8 RGB (images, side, side, 3), in the order of `indices`."""

    values: NDArray[np.uint8]
    indices: tuple[int, ...]
    unreadable: tuple[Unreadable, ...]


def load_pixels(
    dataset: Dataset,
    preprocessing: Preprocessing,
    indices: Sequence[int] | None = None,
    *,
    allow_none: bool = False,
) -> Pixels:
    """Decode and resize these images (default: all) in threads; Pillow and numpy release the GIL.

    Raises:
        UsageError: none of the images can be read, unless `allow_none`: these are a part of those to read.
    """
    wanted = range(len(dataset)) if indices is None else indices
    side = preprocessing.resolution_px
    values = np.empty((len(wanted), side, side, 3), dtype=np.uint8)

    def fill(start: int) -> list[tuple[int, Unreadable]]:
        failed = []
        for position in range(start, min(start + _SLICE, len(wanted))):
            try:
                values[position] = resize_image(dataset.read(wanted[position]), preprocessing)
            except UnreadableImage as error:
                name = dataset.image_names[wanted[position]]
                failed.append((position, Unreadable(image=name, reason=error.what)))
        return failed

    failures: list[tuple[int, Unreadable]] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for failed in pool.map(fill, range(0, len(wanted), _SLICE)):
            failures += failed
    unreadable = tuple(unreadable for _, unreadable in failures)
    if len(failures) == len(wanted) and not allow_none:
        raise none_readable(unreadable, dataset.name)
    lost = {position for position, _ in failures}
    kept = [position for position in range(len(wanted)) if position not in lost]
    return Pixels(
        values=values[kept] if lost else values,
        indices=tuple(wanted[position] for position in kept),
        unreadable=unreadable,
    )


def none_readable(unreadable: Sequence[Unreadable], name: str = "the data set") -> UsageError:
    """The error when each of the images was left out."""
    first = unreadable[0]
    return UsageError(
        f"none of {len(unreadable)} images of {name} can be read; the first, {first.image}: {first.reason}"
    )
