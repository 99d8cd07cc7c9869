"""Fashion-MNIST and others in MNIST's IDX format, which Yann LeCun's MNIST page describes."""

import errno
import gzip
import io
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.accuracy.datasets.dataset import Dataset, digest
from harness.errors import UsageError
from harness.system.files import read_regular_file

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
FASHION_MNIST_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_PREFIXES = {"train": "train", "test": "t10k"}
_UNSIGNED_BYTE = 0x08
MAX_NAMES_BYTES = 2**20
# The largest set of this kind, EMNIST's by class, has 550 MB.
MAX_IDX_BYTES = 2**30


def open_fashion_mnist(split: str) -> Dataset:
    """Open Debian's Fashion-MNIST (MIT licence), 60,000 train and 10,000 test images of 28x28 grey pixels."""
    if not FASHION_MNIST.is_dir():
        raise UsageError(
            f"Fashion-MNIST is not installed under {FASHION_MNIST}",
            hint="apt-get install dataset-fashion-mnist, or give a folder with its files as idx:FOLDER",
        )
    return open_idx(FASHION_MNIST, split, name="fashion-mnist", classes=FASHION_MNIST_CLASSES)


def open_idx(
    folder: Path, split: str, *, name: str | None = None, classes: tuple[str, ...] | None = None
) -> Dataset:
    """Open `<train|t10k>-images-idx3-ubyte` and `…-labels-idx1-ubyte`, plain or gzipped.

    The class names are the lines of `classes.txt` if it exists, else the numbers of the labels.

    Raises:
        UsageError: a file is missing or damaged, or the numbers of images and labels differ.
    """
    if split not in _PREFIXES:
        raise UsageError(f"IDX data sets have the splits {', '.join(_PREFIXES)}, not {split!r}")
    prefix = _PREFIXES[split]
    images = read_idx(_find(folder, f"{prefix}-images-idx3-ubyte"), dimensions=3)
    labels = read_idx(_find(folder, f"{prefix}-labels-idx1-ubyte"), dimensions=1)
    if len(images) != len(labels):
        raise UsageError(f"{folder} has {len(images)} {split} images but {len(labels)} labels")
    known = (
        classes
        or _read_class_names(folder)
        or tuple(str(label) for label in range(int(labels.max(initial=0)) + 1))
    )
    return Dataset(
        name=name or folder.resolve().name,
        split=split,
        classes=known,
        labels=tuple(labels.tolist()),
        image_names=tuple(f"{prefix}-{index:05d}" for index in range(len(images))),
        content=digest(
            (str(images.shape), *(str(zlib.crc32(array.tobytes())) for array in (images, labels)))
        ),
        read=lambda index: Image.fromarray(images[index]).convert("RGB"),
    )


def _read_class_names(folder: Path) -> tuple[str, ...]:
    file = folder / "classes.txt"
    try:
        return tuple(read_regular_file(file, MAX_NAMES_BYTES).decode("utf-8-sig").splitlines())
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {error}") from error


def _find(folder: Path, name: str) -> Path:
    # Some programs that unpack write a dot, as copies of MNIST have it: t10k-images.idx3-ubyte.
    for spelled in (name, name.replace("-idx", ".idx")):
        candidate = next(filter(Path.is_file, (folder / spelled, folder / f"{spelled}.gz")), None)
        if candidate:
            return candidate
    raise UsageError(f"{folder} has no {name} or {name}.gz", hint="check the path of the data set")


def _decompress(content: bytes) -> bytes:
    """The content of a gzip file; a small one can hold terabytes."""
    with gzip.open(io.BytesIO(content)) as stream:
        whole = stream.read(MAX_IDX_BYTES + 1)
    if len(whole) > MAX_IDX_BYTES:
        raise OSError(errno.EFBIG, f"it holds more than {MAX_IDX_BYTES // 2**20} MiB")
    return whole


def read_idx(file: Path, *, dimensions: int) -> NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes.

    Raises:
        UsageError: the magic number, the number of dimensions or the size of the file is wrong.
    """
    try:
        content = read_regular_file(file, MAX_IDX_BYTES)
        if file.suffix == ".gz":
            content = _decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"cannot read {file}: {error}") from error
    if content[:4] != bytes((0, 0, _UNSIGNED_BYTE, dimensions)):
        raise UsageError(f"{file} is not an IDX file of unsigned bytes with {dimensions} dimensions")
    header = 4 + 4 * dimensions
    sizes = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, header, 4))
    if len(content) != header + math.prod(sizes):
        raise UsageError(
            f"{file} has {len(content) - header} bytes of data, but sizes {sizes} mean {math.prod(sizes)}",
            hint="download the file again",
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(sizes)
