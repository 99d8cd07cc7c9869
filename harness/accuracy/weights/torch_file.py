"""Files of `torch.save`: its zip archive, and the format before torch 1.6."""

import math
import struct
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from harness.accuracy.weights.border import MAX_DIMENSIONS, Budget, open_archive, read_entry
from harness.accuracy.weights.torch_pickle import Storage, StoredTensor, parse_pickle
from harness.errors import UsageError

_ZIP_MAGIC = b"PK\x03\x04"
# torch/serialization.py: MAGIC_NUMBER, pickled with protocol 2.
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_PICKLE_MAGIC = b"\x80"
_TAR_MAGIC_AT, _TAR_MAGIC = 257, b"ustar"
_MAX_PICKLE_BYTES = 16 << 20
_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_NAMED_DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (*_DTYPES.values(), torch.float8_e4m3fn, torch.float8_e5m2)
}

ReadStorage = Callable[[Storage], bytearray | memoryview]


class TorchFile:
    """The object that was saved, its tensors still in the file."""

    def __init__(self, content: object, read_storage: ReadStorage) -> None:
        self.content = content
        self._read_storage = read_storage

    def tensors(self, stored: Mapping[str, StoredTensor]) -> dict[str, Tensor]:
        """Read these tensors.

        Raises:
            ValueError: the tensors are larger than any checkpoint's, or one reaches beyond its storage.
        """
        budget = Budget()
        return {name: self._tensor(tensor, budget) for name, tensor in stored.items()}

    def _tensor(self, stored: StoredTensor, budget: Budget) -> Tensor:
        dtype = _dtype(stored.kind)
        _check_place(stored)
        end = _end(stored)
        budget.spend(max(math.prod(stored.shape), end - stored.first) * dtype.itemsize)
        data = memoryview(self._read_storage(stored.storage))
        if end * dtype.itemsize > len(data):
            raise ValueError("a tensor reaches beyond its storage")
        if not end:
            return torch.empty(stored.shape, dtype=dtype)
        # Only its part of the storage, copied: other tensors may share the rest.
        part = bytearray(data[stored.first * dtype.itemsize : end * dtype.itemsize])
        return torch.frombuffer(part, dtype=dtype).as_strided(stored.shape, stored.strides).clone()


def read_file(file: Path, use: Callable[[TorchFile], dict[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors that `use` takes from the file, which stays open for that long.

    Raises:
        UsageError: the file is a tar archive.
        ValueError or another built-in error: the file is damaged.
    """
    with file.open("rb") as stream:
        start = stream.read(_TAR_MAGIC_AT + len(_TAR_MAGIC))
    if start.startswith(_ZIP_MAGIC):
        return _read_archive(file, use)
    if start[_TAR_MAGIC_AT:] == _TAR_MAGIC:
        raise UsageError(
            f"{file.name} is a tar archive, which is not read",
            hint="unpack the archive, or save the model's state dict with a torch of 1.6 or newer",
        )
    if start.startswith(_PICKLE_MAGIC):
        return use(_read_legacy(file.read_bytes()))
    raise ValueError("the file is neither a zip archive nor a pickle")


def _read_archive(file: Path, use: Callable[[TorchFile], dict[str, Tensor]]) -> dict[str, Tensor]:
    with open_archive(file) as archive:
        pickled = [name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"]
        if len(pickled) != 1:
            raise ValueError("the archive is not one of torch.save")
        folder = pickled[0].removesuffix("data.pkl")
        budget = Budget()
        content, _ = parse_pickle(BytesIO(read_entry(archive, pickled[0], Budget(_MAX_PICKLE_BYTES))))
        order = f"{folder}byteorder"
        if order in archive.namelist() and bytes(read_entry(archive, order, Budget(16))) != b"little":
            raise ValueError("the numbers are stored big-endian")
        stored: dict[str, bytearray] = {}

        def read_storage(storage: Storage) -> bytearray:
            if storage.key not in stored:
                stored[storage.key] = read_entry(archive, f"{folder}data/{storage.key}", budget)
            return stored[storage.key]

        return use(TorchFile(content, read_storage))


def _read_legacy(data: bytes) -> TorchFile:
    """Magic number, protocol, system, object and storage keys as pickles, then the storages in that order."""
    stream = BytesIO(data)
    first, _ = parse_pickle(stream)
    if first != _LEGACY_MAGIC:
        # A bare pickle: it has no storages, but may hold objects, which are refused by name.
        return TorchFile(first, _no_storage)
    _, (system, _) = parse_pickle(stream), parse_pickle(stream)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ValueError("the numbers are stored big-endian")
    content, storages = parse_pickle(stream)
    keys, _ = parse_pickle(stream)
    if not isinstance(keys, list):
        raise ValueError("the list of storages is missing")
    found = _find_storages(memoryview(data), stream.tell(), [storages[key] for key in keys])
    return TorchFile(content, lambda storage: found[storage.key])


def _no_storage(storage: Storage) -> memoryview:
    raise ValueError("the tensors' storages are missing")


def _find_storages(data: memoryview, at: int, storages: Iterable[Storage]) -> dict[str, memoryview]:
    """Each storage is its number of elements (int64), then the elements."""
    found = {}
    for storage in storages:
        (count,) = struct.unpack_from("<q", data, at)
        start, size = at + 8, count * _dtype(storage.kind).itemsize
        if size < 0 or start + size > len(data):
            raise ValueError("a storage ends after the file")
        found[storage.key] = data[start : start + size]
        at = start + size
    return found


def _dtype(kind: str) -> torch.dtype:
    dtype = _DTYPES.get(kind) or _NAMED_DTYPES.get(kind)
    if dtype is None:
        raise ValueError(f"the type of numbers {kind} is not read")
    return dtype


def _check_place(stored: StoredTensor) -> None:
    if len(stored.shape) > MAX_DIMENSIONS or min((stored.first, *stored.shape, *stored.strides)) < 0:
        raise ValueError("a tensor has an impossible shape or place")


def _end(stored: StoredTensor) -> int:
    """The number of elements of the storage that the tensor needs."""
    if not math.prod(stored.shape):
        return 0
    steps = zip(stored.shape, stored.strides, strict=True)
    return stored.first + sum((size - 1) * step for size, step in steps) + 1
