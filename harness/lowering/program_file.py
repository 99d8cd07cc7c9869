"""What an ExecuTorch program says of itself: methods, tensors, delegates, operators. Nothing is executed.

The file may be anybody's: all of it is read in plain Python, each offset is checked, and work is bounded.
The format is that of `schema/program.fbs` in ExecuTorch's wheel; before it is the header of its
`schema/extended_header.h`.
"""

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.records import Dtype, TensorSpec
from harness.records.requests import METHOD_NAME, MethodName
from harness.system.files import open_regular
from harness.system.flatbuffer import Table
from harness.system.text import excerpt, printable

IDENTIFIER, EXTENDED_HEADER = b"ET12", b"eh00"
SCHEMA_VERSION = 0
# The part that describes the program; weights follow it. Those inside it are of ExecuTorch before 2024-09.
LARGEST_DESCRIPTION_BYTES = 512 * 2**20
# An exported language model has some 100,000 values. Vectors may overlap: a small file could name billions.
MOST_TABLES = 2_000_000
MOST_METHODS, MOST_TENSORS, MOST_DIMENSIONS = 100, 100, 16
LARGEST_INPUT_BYTES = 128 * 2**20
# What is fetched from a device in one file.
LARGEST_OUTPUT_BYTES = 48 * 2**20

SCALAR_TYPES: dict[int, Dtype] = {
    0: "uint8",
    1: "int8",
    2: "int16",
    3: "int32",
    4: "int64",
    5: "float16",
    6: "float32",
    7: "float64",
    11: "bool",
}
_OTHER_TYPES = {15: "bfloat16", 27: "uint16", 28: "uint32", 29: "uint64"}
# Numbers of tables in unions, and of values in enumerations.
_TENSOR, _KERNEL_CALL, _EXTERNAL, _DYNAMIC_BOUND, _DYNAMIC_UNBOUND = 5, 1, 1, 1, 2
_VALUE_KINDS = {1: "nothing", 2: "an integer", 3: "a boolean", 4: "a number", 6: "a string"}


class NotMeasurable(ValueError):
    """Why a program, or one of its methods, cannot be measured."""


@dataclass(frozen=True)
class Method:
    """One method: its tensors in order, the backends of its delegates, and each call of a kernel outside."""

    name: MethodName
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    delegate_ids: tuple[str, ...]
    operators: tuple[str, ...]
    planned_arena_bytes: int


@dataclass(frozen=True)
class ProgramFile:
    """A program's description; a method is read when it is asked for."""

    path: Path
    size_bytes: int
    plans: dict[str, Table]

    def method(self, name: str) -> Method:
        """What the program says of one of its methods.

        Raises:
            UsageError: there is no such method, or it cannot be fed or its outputs cannot be fetched.
        """
        if not re.fullmatch(METHOD_NAME, name):
            raise UsageError(
                f"{self.path.name} has a method {printable(name)[:60]!r}, whose name is not an identifier",
                hint="name a method to measure with --method",
            )
        if name not in self.plans:
            raise UsageError(
                f"{self.path.name} has no method {name!r}",
                hint=f"it has {', '.join(map(printable, self.plans))}",
            )
        try:
            return _Reader(self.plans[name], name).method()
        except NotMeasurable as error:
            raise UsageError(f"{self.path.name}, method {printable(name)}: {error}") from error
        except (struct.error, ValueError, OverflowError) as error:
            raise _damaged(self.path, str(error)) from error


def read_program(path: Path) -> ProgramFile:
    """Read a program's description.

    Raises:
        UsageError: the file cannot be read, is no ExecuTorch program of this version, or is damaged.
    """
    try:
        with open_regular(path) as file:
            size_bytes = path.stat().st_size
            head = file.read(40)
            description_bytes, segments_at = _header(path, head, size_bytes)
            content = (head + file.read(max(0, description_bytes - len(head))))[:description_bytes]
    except OSError as error:
        raise UsageError(f"cannot read the program {path}: {error.strerror or error}") from error
    try:
        root = Table.root(content)
        if (version := root.scalar(0, "<I")) != SCHEMA_VERSION:
            raise UsageError(
                f"{path.name} is a program of schema version {version}, and this ExecuTorch reads"
                f" {SCHEMA_VERSION}",
                hint="export it again with the version of ExecuTorch that the harness uses",
            )
        _check_segments(path, root, segments_at, size_bytes)
        return ProgramFile(path, size_bytes, _plans(root))
    except NotMeasurable as error:
        raise UsageError(f"{path.name}: {error}") from error
    except (struct.error, ValueError, OverflowError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path.name} is damaged: {excerpt(why)}", hint="copy the file again, or export the program again"
    )


def _header(path: Path, head: bytes, size_bytes: int) -> tuple[int, int]:
    """How many bytes describe the program, and where the segments of weights begin."""
    if len(head) < 12 or head[4:6] != IDENTIFIER[:2]:
        raise UsageError(
            f"{path.name} is not an ExecuTorch program",
            hint="name a .pte file, such as one that harness lower writes",
        )
    if head[4:8] != IDENTIFIER:
        raise UsageError(
            f"{path.name} is of the format {printable(head[4:8].decode('latin-1'))}, and this ExecuTorch"
            f" reads {IDENTIFIER.decode()}",
            hint="export it again with the version of ExecuTorch that the harness uses",
        )
    description, segments_at = size_bytes, 0
    if head[8:12] == EXTENDED_HEADER:
        if len(head) < 32:
            raise _damaged(path, "it ends in its header")
        description, segments_at = struct.unpack_from("<QQ", head, 16)
        if description > size_bytes or segments_at > size_bytes:
            raise _damaged(
                path, f"it has {size_bytes} bytes, its header names {max(description, segments_at)}"
            )
    if description > LARGEST_DESCRIPTION_BYTES:
        raise _damaged(path, f"its description has {description} bytes")
    return description, segments_at


def _check_segments(path: Path, root: Table, segments_at: int, size_bytes: int) -> None:
    """Weights and delegates' data lie in segments after the description."""
    for segment in root.tables(4, MOST_TABLES):
        offset, size = (segment.long(field) for field in (0, 1))
        if segments_at + offset + size > size_bytes:
            raise _damaged(
                path, f"it has {size_bytes} bytes, its weights end at {segments_at + offset + size}"
            )


def _plans(root: Table) -> dict[str, Table]:
    plans = root.tables(1)
    if not plans:
        raise NotMeasurable("it has no method")
    if len(plans) > MOST_METHODS:
        raise NotMeasurable(f"it has {len(plans)} methods, more than {MOST_METHODS}")
    # Of several with one name the runtime takes the first.
    found: dict[str, Table] = {}
    for plan in plans:
        found.setdefault(plan.text(0), plan)
    return found


class _Reader:
    """Reads one method and counts the tables that it follows."""

    def __init__(self, plan: Table, name: str) -> None:
        self._plan, self._name = plan, name
        self._left = MOST_TABLES

    def method(self) -> Method:
        values = self._tables(self._plan, 2)
        self._refuse_external_data(values)
        inputs = tuple(self._tensors(values, 3, "input"))
        outputs = tuple(self._tensors(values, 4, "output"))
        if not inputs or not outputs:
            raise NotMeasurable(
                f"it has {len(inputs)} inputs and {len(outputs)} outputs; 1 of each is needed"
            )
        for what, specs, most in (
            ("inputs", inputs, LARGEST_INPUT_BYTES),
            ("outputs", outputs, LARGEST_OUTPUT_BYTES),
        ):
            if (size_bytes := sum(spec.size_bytes for spec in specs)) > most:
                raise NotMeasurable(
                    f"its {what} have {size_bytes / 1e6:.0f} MB, and {most / 1e6:.0f} MB is the most"
                )
        buffers = [int(size) for size in self._plan.numbers(8, "<i8")[:MOST_TABLES]]
        if any(size < 0 for size in buffers):
            raise ValueError("a planned buffer has a negative size")
        return Method(
            name=self._name,
            inputs=inputs,
            outputs=outputs,
            delegate_ids=tuple(one.text(0) for one in self._tables(self._plan, 7)),
            operators=tuple(self._calls()),
            planned_arena_bytes=sum(buffers),
        )

    def _tables(self, table: Table, field: int) -> tuple[Table, ...]:
        found = table.tables(field, self._left)
        self._left -= len(found)
        return found

    def _calls(self) -> Iterator[str]:
        """The name of each kernel that is called, in order, as it is registered: `aten::add.out`."""
        names = [self._operator(one) for one in self._tables(self._plan, 6)]
        for chain in self._tables(self._plan, 5):
            for instruction in self._tables(chain, 2):
                call = instruction.table(1)
                if instruction.scalar(0, "<B") == _KERNEL_CALL and call is not None:
                    index = call.scalar(0, "<i")
                    if not 0 <= index < len(names):
                        raise ValueError(f"operator {index} of {len(names)} is called")
                    yield names[index]

    def _operator(self, operator: Table) -> str:
        name, overload = operator.text(0), operator.text(1)
        return f"{name}.{overload}" if overload else name

    def _tensors(self, values: tuple[Table, ...], field: int, what: str) -> Iterator[TensorSpec]:
        indices = self._plan.numbers(field, "<i4")
        if len(indices) > MOST_TENSORS:
            raise NotMeasurable(f"it has {len(indices)} {what}s, more than {MOST_TENSORS}")
        for number, index in enumerate(map(int, indices)):
            if not 0 <= index < len(values):
                raise ValueError(f"{what} {number} is value {index} of {len(values)}")
            kind, tensor = values[index].scalar(0, "<B"), values[index].table(1)
            if kind != _TENSOR or tensor is None:
                found = _VALUE_KINDS.get(kind, "a list")
                raise NotMeasurable(f"its {what} {number} is {found}; only tensors can be fed and fetched")
            yield _spec(tensor, f"{what} {number}")

    def _refuse_external_data(self, values: tuple[Table, ...]) -> None:
        for value in values:
            if value.scalar(0, "<B") != _TENSOR or (tensor := value.table(1)) is None:
                continue
            extra = tensor.table(9)
            if extra is not None and extra.scalar(2, "<b") == _EXTERNAL:
                raise NotMeasurable(
                    f"its tensor {printable(extra.text(1))[:60]!r} is in another file (.ptd), which the"
                    " runner does not load; export the program with its weights inside"
                )


def _spec(tensor: Table, what: str) -> TensorSpec:
    kind = tensor.scalar(0, "<b")
    if kind not in SCALAR_TYPES:
        name = _OTHER_TYPES.get(kind, f"scalar type {kind}")
        raise NotMeasurable(f"its {what} is {name}; it can be {', '.join(SCALAR_TYPES.values())}")
    sizes = tuple(int(size) for size in tensor.numbers(2, "<i4")[: MOST_DIMENSIONS + 1])
    order = tuple(int(dimension) for dimension in tensor.numbers(3, "u1")[: MOST_DIMENSIONS + 1])
    if len(sizes) > MOST_DIMENSIONS or any(size < 0 for size in sizes):
        raise ValueError(f"{what} has the sizes {list(sizes)}")
    if sorted(order) != list(range(len(sizes))):
        raise ValueError(f"{what} has {len(sizes)} dimensions in the order {list(order)}")
    dynamism = tensor.scalar(8, "<b")
    if dynamism == _DYNAMIC_UNBOUND:
        raise NotMeasurable(f"the shape of its {what} has no upper bound; export it with one (Dim(max=...))")
    if not math.prod(sizes):
        raise NotMeasurable(f"its {what} has no elements")
    return TensorSpec(
        dtype=SCALAR_TYPES[kind], sizes=sizes, dim_order=order, dynamic=dynamism == _DYNAMIC_BOUND
    )
