"""The border to weights files, which are untrusted: what may be read, how much, and errors in our words."""

import io
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from harness.errors import UsageError
from harness.system.text import excerpt

# MobileNetV1 of width 1 has 17 MB in float32; a training checkpoint holds weights, averages and two moments.
MAX_FILE_BYTES = 512 << 20
MAX_TENSOR_BYTES = 512 << 20
MAX_DIMENSIONS = 8
# A checkpoint's directory has some 60 bytes for each of its hundreds of tensors.
_MAX_READ_BYTES = 4 << 20
_CHUNK_BYTES = 1 << 20


class Budget:
    """The bytes that the tensors of one file may take, counted before anything is allocated."""

    def __init__(self, limit: int = MAX_TENSOR_BYTES) -> None:
        self._limit = limit
        self._left = limit

    def spend(self, size: int) -> None:
        """Raise ValueError when this many bytes more exceed the limit."""
        if size < 0 or size > self._left:
            raise ValueError(f"the file asks for more than {self._limit >> 20} MiB")
        self._left -= size


@contextmanager
def reading(file_name: str, kind: str) -> Iterator[None]:
    """Translate whatever a library raises on a damaged or hostile file of this kind to UsageError.

    h5py, safetensors, torch, numpy, zipfile and struct raise errors of many types on damaged files, down to
    MemoryError and RecursionError: all of them mean that the file cannot be used. Text from the file is made
    printable, and warnings, which may quote the file, are not shown.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UsageError as error:
        raise UsageError(excerpt(error.what), hint=error.hint) from error
    except MemoryError as error:
        raise UsageError(f"cannot read {excerpt(file_name)} as {kind}: the memory is too small") from error
    except Exception as error:
        reason = excerpt(str(error)) or type(error).__name__
        raise UsageError(
            f"cannot read {excerpt(file_name)} as {kind}: {reason}", hint="download or save the file again"
        ) from error


def check_file(file: Path) -> None:
    """Raise UsageError unless this is a regular file of an acceptable size; a link to one is followed."""
    name = excerpt(str(file))
    try:
        status = file.stat()
    except (OSError, ValueError) as error:
        raise UsageError(f"no weights file {name}", hint="check the path of the weights file") from error
    if stat.S_ISDIR(status.st_mode):
        raise UsageError(
            f"no weights file {name}: only a regular file is read, and this is a folder",
            hint="name the file in it, such as model.safetensors",
        )
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"no weights file {name}: only a regular file is read", hint="check the path")
    if status.st_size > MAX_FILE_BYTES:
        raise UsageError(
            f"{name} has {status.st_size >> 20} MiB; weights files have at most {MAX_FILE_BYTES >> 20} MiB",
            hint="save the model's state dict without the state of the optimizer",
        )


@contextmanager
def open_archive(file: Path) -> Iterator[ZipFile]:
    """A zip archive whose directory is small; entries are read with `read_entry`."""
    with _BoundedReader(io.FileIO(file)) as stream, ZipFile(stream) as archive:
        yield archive


def read_entry(archive: ZipFile, name: str, budget: Budget) -> bytearray:
    """The content of an entry, after its unpacked size was checked.

    Raises:
        ValueError: the entry is missing, compressed in an unusual way, or larger than the budget.
    """
    try:
        entry = archive.getinfo(name)
    except KeyError as error:
        raise ValueError(f"the archive has no {name}") from error
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed by method {entry.compress_type}")
    budget.spend(entry.file_size)
    content = bytearray()
    with archive.open(entry) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            content += chunk
            if len(content) > entry.file_size:
                raise ValueError(f"{name} is larger than the archive's directory states")
    return content


class _BoundedReader(io.BufferedReader):
    """Refuses a single huge read: zipfile reads the directory whole, of the size that the archive states."""

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `_MAX_READ_BYTES`, else ValueError."""
        if size is not None and size > _MAX_READ_BYTES:
            raise ValueError(f"the archive's directory has {size} bytes")
        return super().read(size)
