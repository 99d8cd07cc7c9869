"""ExecuTorch programs written field by field, without ExecuTorch: right ones, and any wrong one.

The field numbers are those of `schema/program.fbs` in ExecuTorch's wheel. Nothing here can be executed: that
is what `own_programs.py` lowers.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TENSOR, KERNEL_CALL = 5, 1


@dataclass(frozen=True)
class Scalar:
    """A number of this `struct` format."""

    kind: str
    value: int


@dataclass(frozen=True)
class Table:
    """Fields by their number in the schema."""

    fields: Mapping[int, object]


@dataclass(frozen=True)
class Vector:
    """Tables, or numbers of a `struct` format."""

    items: Sequence[object]
    kind: str = ""


@dataclass(frozen=True)
class Tensor:
    """An input or output as the file says it; `scalar_type` 6 is float32, 4 int64."""

    scalar_type: int = 6
    sizes: tuple[int, ...] = (2, 8)
    dim_order: tuple[int, ...] = (0, 1)
    dynamism: int = 0
    external: str = ""

    def table(self) -> Table:
        fields: dict[int, object] = {
            0: Scalar("b", self.scalar_type),
            2: Vector(self.sizes, "i"),
            3: Vector(self.dim_order, "B"),
            8: Scalar("b", self.dynamism),
        }
        if self.external:
            fields[9] = Table({1: self.external, 2: Scalar("b", 1)})
        return value(TENSOR, fields)


def value(kind: int, fields: Mapping[int, object]) -> Table:
    """An EValue: the number of its kind, and its table."""
    return Table({0: Scalar("B", kind), 1: Table(fields)})


@dataclass(frozen=True)
class MethodText:
    """One method; `calls` are places in `operators`."""

    name: str = "forward"
    inputs: tuple[Tensor, ...] = (Tensor(),)
    outputs: tuple[Tensor, ...] = (Tensor(),)
    delegates: tuple[str, ...] = ("XnnpackBackend",)
    operators: tuple[tuple[str, str], ...] = ()
    calls: tuple[int, ...] = ()
    other_values: tuple[Table, ...] = ()
    input_places: tuple[int, ...] | None = None
    buffers: tuple[int, ...] = (0, 256)

    def table(self) -> Table:
        values = [one.table() for one in (*self.inputs, *self.outputs)] + list(self.other_values)
        ins = self.input_places if self.input_places is not None else tuple(range(len(self.inputs)))
        outs = tuple(range(len(self.inputs), len(self.inputs) + len(self.outputs)))
        calls = [Table({0: Scalar("B", KERNEL_CALL), 1: Table({0: Scalar("i", at)})}) for at in self.calls]
        return Table(
            {
                0: self.name,
                2: Vector(values),
                3: Vector(ins, "i"),
                4: Vector(outs, "i"),
                5: Vector([Table({2: Vector(calls)})]),
                6: Vector([Table({0: name, 1: overload}) for name, overload in self.operators]),
                7: Vector([Table({0: name}) for name in self.delegates]),
                8: Vector(self.buffers, "q"),
            }
        )


@dataclass(frozen=True)
class ProgramText:
    """A program; its `segments` are sizes in bytes of what follows the description."""

    methods: tuple[MethodText, ...] = (MethodText(),)
    version: int = 0
    segments: tuple[int, ...] = (64,)
    identifier: bytes = b"ET12"
    cut: int = 0
    changes: Mapping[int, bytes] = field(default_factory=dict)

    def write(self, path: Path) -> Path:
        """Write the file; `cut` bytes are missing at its end, `changes` replace bytes at places."""
        content = bytearray(self.encode())
        for at, replaced in self.changes.items():
            content[at : at + len(replaced)] = replaced
        path.write_bytes(content[: len(content) - self.cut])
        return path

    def encode(self) -> bytes:
        offsets = [sum(self.segments[:index]) for index in range(len(self.segments))]
        root = Table(
            {
                0: Scalar("I", self.version),
                1: Vector([method.table() for method in self.methods]),
                4: Vector(
                    [
                        Table({0: Scalar("Q", offset), 1: Scalar("Q", size)})
                        for offset, size in zip(offsets, self.segments, strict=True)
                    ]
                ),
            }
        )
        body = bytearray(40)
        body[4:8], body[8:12] = self.identifier, b"eh00"
        struct.pack_into("<I", body, 12, 32)
        struct.pack_into("<I", body, 0, _write(body, root))
        body += bytes(-len(body) % 16)
        struct.pack_into("<QQQ", body, 16, len(body), len(body), sum(self.segments))
        return bytes(body) + bytes(sum(self.segments))


def _write(body: bytearray, item: object) -> int:
    """Append a table, vector or text, then what it points to; where it begins."""
    body += bytes(-len(body) % 8)
    if isinstance(item, str):
        at = len(body)
        content = item.encode("utf-8", "surrogateescape")
        body += struct.pack("<I", len(content)) + content + b"\0"
        return at
    if isinstance(item, Vector):
        at = len(body)
        body += struct.pack("<I", len(item.items))
        if item.kind:
            body += struct.pack(f"<{len(item.items)}{item.kind}", *item.items)
            return at
        body += bytes(4 * len(item.items))
        for index, one in enumerate(item.items):
            _point(body, at + 4 + 4 * index, one)
        return at
    assert isinstance(item, Table)
    return _write_table(body, item)


def _write_table(body: bytearray, table: Table) -> int:
    last = max(table.fields, default=-1)
    slots = [0] * (last + 1)
    inline, pointers = bytearray(4), []
    for number, one in sorted(table.fields.items()):
        if isinstance(one, Scalar):
            size = struct.calcsize(one.kind)
            inline += bytes(-len(inline) % size)
            slots[number] = len(inline)
            inline += struct.pack(f"<{one.kind}", one.value)
        else:
            inline += bytes(-len(inline) % 4)
            slots[number] = len(inline)
            pointers.append((len(inline), one))
            inline += bytes(4)
    vtable = len(body)
    body += struct.pack(f"<HH{len(slots)}H", 4 + 2 * len(slots), len(inline), *slots)
    body += bytes(-len(body) % 8)
    at = len(body)
    struct.pack_into("<i", inline, 0, at - vtable)
    body += inline
    for place, one in pointers:
        _point(body, at + place, one)
    return at


def _point(body: bytearray, place: int, item: object) -> None:
    struct.pack_into("<I", body, place, _write(body, item) - place)
