"""What the user's own program is fed: arrays of `.npy` and `.npz` files, or seeded ones of each type."""

import math
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.lowering.program_file import LARGEST_INPUT_BYTES
from harness.records import TensorSpec
from harness.system.files import open_regular
from harness.system.text import excerpt, printable

Array = NDArray[np.generic]
# An array of any type that a program takes fits with its header.
LARGEST_FILE_BYTES = LARGEST_INPUT_BYTES + 2**20
MOST_ARRAYS = 100
# 0 and 1: every vocabulary has these rows, and every list of things to choose from.
SEEDED_INTEGERS = 2
# numpy.savez calls arrays that were given no name arr_0, arr_1, ...
_PLACE = re.compile(r"(?:arr_|input_|input|)([0-9]{1,3})")


@dataclass(frozen=True)
class NamedArray:
    """An array, where it is from, and which input its name stands for; None for the next one in order."""

    origin: str
    array: Array
    place: int | None = None


def read_arrays(files: Sequence[Path]) -> tuple[NamedArray, ...]:
    """The arrays of the files, in order; nothing in them is executed.

    Raises:
        UsageError: a file cannot be read, is too large, or has an array whose name stands for no input.
    """
    return tuple(array for file in files for array in _read(file))


def _read(file: Path) -> list[NamedArray]:
    if file.suffix not in (".npy", ".npz"):
        raise UsageError(
            f"--input {file} is neither .npy nor .npz", hint="write one with numpy.save or savez"
        )
    try:
        if file.stat().st_size > LARGEST_FILE_BYTES:
            raise UsageError(f"--input {file} has more than {LARGEST_FILE_BYTES / 1e6:.0f} MB")
        with open_regular(file) as content, _strict(file):
            if file.suffix == ".npy":
                return [NamedArray(file.name, np.lib.format.read_array(content, allow_pickle=False))]
            return list(_archive(file, content))
    except OSError as error:
        raise UsageError(f"cannot read --input {file}: {error.strerror or error}") from error


@contextmanager
def _strict(file: Path) -> Iterator[None]:
    """numpy and zipfile raise many types for what is damaged."""
    try:
        yield
    except (UsageError, OSError):
        raise
    except Exception as error:
        raise UsageError(
            f"--input {file} is damaged, or holds objects: {excerpt(str(error))}",
            hint="write it again with numpy.save or numpy.savez, numbers alone",
        ) from error


def _archive(file: Path, content: object) -> Iterator[NamedArray]:
    with zipfile.ZipFile(content) as archive:  # type: ignore[call-overload]
        members = archive.infolist()
        if not members:
            raise UsageError(
                f"--input {file} holds no arrays",
                hint="write it again with numpy.savez, or leave out --input",
            )
        if len(members) > MOST_ARRAYS or sum(one.file_size for one in members) > LARGEST_FILE_BYTES:
            raise UsageError(f"--input {file} holds too much: {len(members)} arrays")
        for member in members:
            name = member.filename.removesuffix(".npy")
            match = _PLACE.fullmatch(name)
            if not match:
                raise UsageError(
                    f"--input {file} has an array {printable(name)[:60]!r}, and a program's inputs have no"
                    " such name",
                    hint="call them input_0, input_1, ... or let numpy.savez number them",
                )
            with archive.open(member) as stream:
                array = np.lib.format.read_array(stream, allow_pickle=False)
            yield NamedArray(f"{printable(name)} in {file.name}", array, int(match[1]))


def encode_inputs(
    program: str, specs: Sequence[TensorSpec], arrays: Sequence[NamedArray], seed: int
) -> bytes:
    """All inputs as the runner reads them: little-endian, in the program's memory order, one after the other.

    Without arrays they are seeded. `program` is for messages.

    Raises:
        UsageError: the number, a type or a shape of the arrays is not what the program takes.
    """
    if not arrays:
        return b"".join(
            _raw(_seeded(spec, np.random.default_rng([seed, index])), spec)
            for index, spec in enumerate(specs)
        )
    takes = f"{program} takes {', '.join(spec.text for spec in specs)}"
    placed: dict[int, NamedArray] = {}
    for array in arrays:
        place = next(i for i in range(len(arrays)) if i not in placed) if array.place is None else array.place
        if place in placed:
            raise UsageError(f"--input gives input {place} twice: {placed[place].origin}, {array.origin}")
        placed[place] = array
    if placed.keys() != set(range(len(specs))):
        raise UsageError(
            f"--input gives {_counted(placed)}, and {takes}", hint="give one array for each input"
        )
    return b"".join(_fitting(placed[index], spec, takes) for index, spec in enumerate(specs))


def _counted(placed: dict[int, NamedArray]) -> str:
    numbers = ", ".join(map(str, sorted(placed)))
    if set(placed) != set(range(len(placed))):
        return f"inputs {numbers}" if len(placed) > 1 else f"input {numbers} alone"
    return "1 array" if len(placed) == 1 else f"{len(placed)} arrays"


def _fitting(given: NamedArray, spec: TensorSpec, takes: str) -> bytes:
    array = given.array
    if array.dtype.newbyteorder("=") != np.dtype(spec.dtype):
        raise UsageError(
            f"{given.origin} is {excerpt(str(array.dtype))}, and {takes}",
            hint=f"convert it: array.astype({spec.dtype!r})",
        )
    if array.shape != spec.sizes:
        bound = "; a dynamic shape is measured at its upper bound" if spec.dynamic else ""
        raise UsageError(
            f"{given.origin} has the shape {list(array.shape)}, and {takes}{bound}",
            hint=f"give an array of the shape {list(spec.sizes)}",
        )
    return _raw(array, spec)


def _raw(array: Array, spec: TensorSpec) -> bytes:
    ordered = np.transpose(array, spec.dim_order) if spec.dim_order else array
    return np.ascontiguousarray(ordered, dtype=np.dtype(spec.dtype).newbyteorder("<")).tobytes()


def _seeded(spec: TensorSpec, rng: np.random.Generator) -> Array:
    count = math.prod(spec.sizes)
    values: Array
    match spec.dtype:
        case "float64":
            values = rng.standard_normal(count)
        case "float16" | "float32":
            values = rng.standard_normal(count, np.float32).astype(spec.dtype, copy=False)
        case "uint8" | "int8":
            values = rng.integers(0, 256, count, dtype=np.uint8).view(spec.dtype)
        case "bool" | "int16" | "int32" | "int64":
            values = rng.integers(0, SEEDED_INTEGERS, count, dtype=np.uint8).astype(spec.dtype)
    return values.reshape(spec.sizes)
