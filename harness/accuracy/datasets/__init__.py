"""Labelled images: the kinds of data sets, and how they are named on the command line."""

from collections.abc import Callable
from pathlib import Path

from harness.accuracy.datasets.dataset import Dataset, hold_out, match_classes, stratified_subset
from harness.accuracy.datasets.hugging_face import open_hugging_face
from harness.accuracy.datasets.idx import open_fashion_mnist, open_idx
from harness.accuracy.datasets.image_folder import open_image_folder
from harness.accuracy.datasets.imagenet import open_imagenet
from harness.errors import UsageError

__all__ = [
    "Dataset",
    "hold_out",
    "match_classes",
    "name_split",
    "open_dataset",
    "open_split",
    "stratified_subset",
]

_KINDS: dict[str, Callable[[str, str], Dataset]] = {
    "folder": lambda place, split: open_image_folder(Path(place), split),
    "imagenet": lambda place, split: open_imagenet(Path(place), split),
    "idx": lambda place, split: open_idx(Path(place), split),
    "hf": open_hugging_face,
}


def open_split(text: str, *, default: str = "test") -> Dataset:
    """Open `DATASET` or `DATASET:SPLIT`; raises UsageError as `open_dataset` does."""
    name, split = name_split(text)
    return open_dataset(name, split or default)


def name_split(text: str) -> tuple[str, str]:
    """Name and split of `fashion-mnist:train` or `idx:FOLDER:train`; the split is empty if not given.

    Raises:
        UsageError: nothing follows the colon before a split.
    """
    parts = text.split(":")
    words = 2 if parts[0] in _KINDS and len(parts) > 1 else 1
    if Path(text).is_dir():
        words = len(parts)
    name, split = ":".join(parts[:words]), ":".join(parts[words:])
    if len(parts) > words and not split:
        raise UsageError(f"the data set {text!r} names an empty split", hint=f"leave the colon out: {name}")
    return name, split


def open_dataset(name: str, split: str = "test") -> Dataset:
    """Open `fashion-mnist`, a folder of pictures, or `KIND:PLACE` with kind folder, imagenet, idx or hf.

    Raises:
        UsageError: there is no such data set, or it is not of that kind.
    """
    if name == "fashion-mnist":
        return open_fashion_mnist(split)
    kind, colon, place = name.partition(":")
    if colon and kind in _KINDS:
        if not place:  # The working folder, as a path.
            raise UsageError(f"the data set {name!r} names no place", hint=f"for example {kind}:PLACE")
        return _KINDS[kind](place, split)
    if Path(name).is_dir():
        return open_image_folder(Path(name), split)
    raise UsageError(
        f"no data set {name!r}",
        hint=f"give a folder of pictures, fashion-mnist, or KIND:PLACE with KIND one of {', '.join(_KINDS)}",
    )
