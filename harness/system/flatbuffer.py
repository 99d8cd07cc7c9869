"""A reader for the parts of a FlatBuffer that TFLite models and ExecuTorch programs use.

Every read is bounds-checked.
"""

import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

# MobileNetV1 has some 100 tensors and 31 operators. Vectors may overlap: a small file could hold many.
_MAX_TABLES = 10_000
_MAX_INDICES = 16
_MAX_TEXT = 1_000

Scalar = Literal["<b", "<B", "<i", "<I"]


@dataclass(frozen=True)
class Table:
    """A table at a position of a buffer; fields are addressed by their number in the schema.

    Reading beyond the buffer raises `struct.error` or `ValueError`.
    """

    buffer: bytes
    position: int

    @classmethod
    def root(cls, buffer: bytes) -> "Table":
        """The root table of a file."""
        return cls(buffer, _unsigned(buffer, 0))

    def scalar(self, field: int, kind: Scalar, default: int = 0) -> int:
        """A number, or the schema's default if the field is absent."""
        at = self._field(field)
        return default if at is None else int(struct.unpack_from(kind, self.buffer, at)[0])

    def long(self, field: int) -> int:
        """An unsigned number of 64 bits, 0 if the field is absent."""
        at = self._field(field)
        return 0 if at is None else int(struct.unpack_from("<Q", self.buffer, at)[0])

    def table(self, field: int) -> "Table | None":
        """A table that this one points to."""
        at = self._field(field)
        return None if at is None else Table(self.buffer, at + _unsigned(self.buffer, at))

    def tables(self, field: int, most: int = _MAX_TABLES) -> tuple["Table", ...]:
        """A vector of tables; one of more than `most` raises ValueError."""
        start, length = self._vector(field)
        if length > most:
            raise ValueError(f"a vector of {length} tables")
        if start + 4 * length > len(self.buffer):
            raise ValueError("a vector ends after the file")
        places = (start + 4 * index for index in range(length))
        return tuple(Table(self.buffer, place + _unsigned(self.buffer, place)) for place in places)

    def indices(self, field: int) -> tuple[int, ...]:
        """A short vector of 32-bit numbers: tensors of an operator, or sizes of a tensor."""
        if self._vector(field)[1] > _MAX_INDICES:
            raise ValueError(f"a list of more than {_MAX_INDICES} numbers")
        return tuple(self.numbers(field, "<i4").tolist())

    def numbers(self, field: int, dtype: str) -> NDArray[np.generic]:
        """A vector of numbers, without a copy; empty if the field is absent."""
        start, length = self._vector(field)
        if length > len(self.buffer):
            raise ValueError(f"a vector of {length} numbers")
        return (
            np.frombuffer(self.buffer, dtype=dtype, count=length, offset=start)
            if length
            else np.empty(0, dtype)
        )

    def text(self, field: int) -> str:
        """The beginning of a string; empty if the field is absent."""
        return self.numbers(field, "u1")[:_MAX_TEXT].tobytes().decode("utf-8", "replace")

    def _field(self, field: int) -> int | None:
        vtable = self.position - struct.unpack_from("<i", self.buffer, self.position)[0]
        if vtable < 0:
            raise ValueError("a table's layout is before the start of the file")
        (size,) = struct.unpack_from("<H", self.buffer, vtable)
        slot = 4 + 2 * field
        if slot + 2 > size:
            return None
        (offset,) = struct.unpack_from("<H", self.buffer, vtable + slot)
        return self.position + offset if offset else None

    def _vector(self, field: int) -> tuple[int, int]:
        at = self._field(field)
        if at is None:
            return 0, 0
        start = at + _unsigned(self.buffer, at)
        return start + 4, _unsigned(self.buffer, start)


def _unsigned(buffer: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", buffer, at)[0])
