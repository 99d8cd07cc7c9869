"""Data sets of the Hugging Face hub, through its `datasets` library (an optional extra)."""

from importlib import import_module
from pathlib import Path
from typing import Any

from PIL import Image

from harness.accuracy.datasets.dataset import Dataset, digest
from harness.accuracy.preprocessing import as_rgb, decode_image
from harness.errors import UsageError


def open_hugging_face(place: str, split: str) -> Dataset:
    """Open a data set of the hub by `NAME` or `NAME@REVISION`, or one saved to disk by its path.

    The data set needs one column of images and one of class labels.

    Raises:
        UsageError: the library is not installed, there is no such data set, or it has other columns.
    """
    try:
        library = import_module("datasets")
    except ImportError as error:
        raise UsageError(
            "Hugging Face data sets need the library `datasets`",
            hint="pip install 'mobilenet-harness[huggingface]'",
        ) from error
    table = _load(library, place, split)
    image_column = _only_column(table, library.Image, place)
    label_column = _only_column(table, library.ClassLabel, place)
    # Undecoded: pictures are then read like files, and a damaged one is counted instead of ending it all.
    table = table.cast_column(image_column, library.Image(decode=False))
    return Dataset(
        name=place.rsplit("/", 1)[-1] if Path(place).exists() else place,
        split=split,
        classes=tuple(table.features[label_column].names),
        labels=tuple(int(label) for label in table[label_column]),
        image_names=tuple(f"{split}-{index}" for index in range(len(table))),
        content=digest((place, split, str(table._fingerprint))),
        read=lambda index: _read(table[index][image_column]),
    )


def _load(library: Any, place: str, split: str) -> Any:
    name, _, revision = place.partition("@")
    try:
        if Path(place).is_dir():
            loaded = library.load_from_disk(place)
            if isinstance(loaded, library.DatasetDict) and split not in loaded:
                raise UsageError(f"{place} has no {split} split, only {', '.join(loaded)}")
            return loaded[split] if isinstance(loaded, library.DatasetDict) else loaded
        return library.load_dataset(name, split=split, revision=revision or None)
    except UsageError:
        raise
    except Exception as error:  # The library passes on any error of its storage, network and parsers.
        raise UsageError(f"cannot open the Hugging Face data set {place!r}: {error}") from error


def _only_column(table: Any, feature: type, place: str) -> str:
    columns = [name for name, kind in table.features.items() if isinstance(kind, feature)]
    if len(columns) != 1:
        raise UsageError(
            f"{place} has {len(columns)} columns of type {feature.__name__}; exactly one is needed"
        )
    return str(columns[0])


def _read(cell: dict[str, Any]) -> Image.Image:
    content = cell["bytes"]
    return as_rgb(decode_image(content if content is not None else Path(cell["path"])))
