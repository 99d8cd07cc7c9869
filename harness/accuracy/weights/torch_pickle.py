"""Tensors in a pickle of `torch.save`, found by reading its opcodes: nothing of the file is ever called.

Python's unpickler runs what a pickle names, and even torch's restricted one allocates what the file asks for
(`UntypedStorage(10**12)`). Here only the builders of tensors and dictionaries are understood; any other
object becomes an `Opaque` placeholder, so that a checkpoint may carry its trainer's settings.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import NoReturn

# A checkpoint of MobileNetV1 with its optimizer has some 20 000.
_MAX_OPCODES = 2_000_000


@dataclass(frozen=True)
class Global:
    """A name that the pickle refers to; it is not imported."""

    name: str


@dataclass(frozen=True, eq=False)
class Opaque:
    """An object that is not needed, or not understood."""


@dataclass(frozen=True, eq=False)
class Storage:
    """A storage elsewhere in the file: its element type by torch's name (`FloatStorage`), and its elements.

    `first` is where a view of another storage begins (files before torch 1.0).
    """

    kind: str
    key: str
    count: int
    first: int = 0


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor to be read: `kind` is its storage's element type, or the name of a dtype (`float32`)."""

    storage: Storage
    kind: str
    first: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def parse_pickle(stream: BytesIO) -> tuple[object, dict[str, Storage]]:
    """The object that the pickle at the stream's position describes, and the storages that it refers to.

    The stream is left behind the pickle's end.

    Raises:
        ValueError, IndexError, TypeError or another built-in error: the pickle is damaged or too large.
    """
    machine = _Machine()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if count > _MAX_OPCODES:
            raise ValueError(f"the pickle has more than {_MAX_OPCODES} instructions")
        if opcode.name == "STOP":
            return machine.stack.pop(), machine.storages
        _STEPS.get(opcode.name, _refuse)(machine, argument)
    raise ValueError("the pickle has no end")


@dataclass
class _Machine:
    """The unpickler's stack, the stacks below its open marks, its memo, and the storages by key."""

    stack: list[object] = field(default_factory=list)
    below: list[list[object]] = field(default_factory=list)
    memo: dict[object, object] = field(default_factory=dict)
    storages: dict[str, Storage] = field(default_factory=dict)

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def pop_to_mark(self) -> list[object]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def pop(self, count: int) -> list[object]:
        if count > len(self.stack):
            raise ValueError("the pickle takes more than it has put")
        items = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return items


def _refuse(machine: _Machine, argument: object) -> NoReturn:
    raise ValueError("the pickle has an instruction that torch.save does not write")


def _skip(machine: _Machine, argument: object) -> None:
    """Framing, the protocol's number."""


def _push(machine: _Machine, argument: object) -> None:
    machine.stack.append(argument)


def _constant(make: Callable[[], object]) -> Callable[[_Machine, object], None]:
    return lambda machine, _: machine.stack.append(make())


def _collect(make: Callable[[list[object]], object]) -> Callable[[_Machine, object], None]:
    def collect(machine: _Machine, argument: object) -> None:
        # Only then is the stack below the mark the current one.
        items = machine.pop_to_mark()
        machine.stack.append(make(items))

    return collect


def _tuple_of(count: int) -> Callable[[_Machine, object], None]:
    return lambda machine, _: machine.stack.append(tuple(machine.pop(count)))


def _remember(machine: _Machine, argument: object) -> None:
    # MEMOIZE has no argument: its index is the number of entries.
    machine.memo[len(machine.memo) if argument is None else argument] = machine.stack[-1]


def _recall(machine: _Machine, argument: object) -> None:
    machine.stack.append(machine.memo[argument])


def _discard(machine: _Machine, argument: object) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.pop_to_mark()


def _discard_to_mark(machine: _Machine, argument: object) -> None:
    machine.pop_to_mark()


def _append(items: list[object], machine: _Machine) -> None:
    if isinstance(target := machine.stack[-1], list):
        target += items


def _set(items: list[object], machine: _Machine) -> None:
    if isinstance(target := machine.stack[-1], dict):
        target.update(_pairs(items))


def _pairs(items: list[object]) -> dict[object, object]:
    return {_key(key): value for key, value in zip(items[::2], items[1::2], strict=True)}


def _key(key: object) -> object:
    # Hashing a deeply nested tuple would overflow the interpreter's own stack.
    return key if isinstance(key, str | int | float | bytes | None) else Opaque()


def _global(machine: _Machine, argument: object) -> None:
    # pickletools gives module and name with a blank between them.
    machine.stack.append(Global(str(argument).replace(" ", ".", 1)))


def _stack_global(machine: _Machine, argument: object) -> None:
    module, name = machine.pop(2)
    machine.stack.append(Global(f"{module}.{name}"))


def _reduce(machine: _Machine, argument: object) -> None:
    function, arguments = machine.pop(2)
    machine.stack.append(_result(function, arguments))


def _replace_top(count: int) -> Callable[[_Machine, object], None]:
    """An object made of the `count` topmost, which is not understood."""

    def replace(machine: _Machine, argument: object) -> None:
        machine.pop(count)
        machine.stack.append(Opaque())

    return replace


def _build(machine: _Machine, argument: object) -> None:
    # The state of an ordered dictionary is torch's `_metadata`; of an opaque object, nothing is kept.
    machine.pop(1)


def _result(function: object, arguments: object) -> object:
    """The tensor or dictionary that this call would make, without calling anything."""
    if not isinstance(function, Global) or not isinstance(arguments, tuple):
        return Opaque()
    match function.name, arguments:
        case "collections.OrderedDict", ():
            return {}
        case "collections.OrderedDict", (list(pairs),):
            return _pairs([item for pair in pairs if isinstance(pair, list | tuple) for item in pair])
        case "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state", (tensor, *_):
            return tensor
        case "torch._tensor._rebuild_from_type_v2", (Global() as builder, _, tuple(inner), *_):
            # Not itself once more: one level is what torch writes.
            return _result(builder, inner) if builder.name.startswith("torch._utils.") else Opaque()
        case "torch._utils._rebuild_tensor_v3", (storage, first, shape, strides, _, _, Global() as dtype, *_):
            return _tensor(storage, dtype.name.removeprefix("torch."), first, shape, strides)
        case (
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2",
            (Storage() as storage, first, shape, strides, *_),
        ):
            return _tensor(storage, storage.kind, first, shape, strides)
    return Opaque()


def _tensor(storage: object, kind: str, first: object, shape: object, strides: object) -> object:
    if not isinstance(storage, Storage) or not isinstance(first, int):
        return Opaque()
    sizes, steps = _sizes(shape), _sizes(strides)
    if sizes is None or steps is None or len(sizes) != len(steps):
        return Opaque()
    return StoredTensor(storage, kind, storage.first + first, sizes, steps)


def _sizes(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, tuple) or not all(isinstance(size, int) for size in value):
        return None
    return tuple(size for size in value if isinstance(size, int))


def _persistent(machine: _Machine, argument: object) -> None:
    (reference,) = machine.pop(1)
    match reference:
        case ("storage", Global() as kind, str(key), _, int(count)):
            storage = Storage(kind.name.rpartition(".")[2], key, count)
        case ("storage", Global() as kind, str(key), _, int(count), view):
            first = view[1] if isinstance(view, tuple) and len(view) == 3 else 0
            if not isinstance(first, int):
                raise ValueError("a view of a storage begins nowhere")
            storage = Storage(kind.name.rpartition(".")[2], key, count, first)
        case _:
            raise ValueError("the pickle refers to something that is not a storage")
    machine.storages[storage.key] = storage
    machine.stack.append(storage)


_LITERALS = (
    "INT LONG FLOAT STRING UNICODE BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT BINSTRING SHORT_BINSTRING "
    "BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 BINUNICODE SHORT_BINUNICODE BINUNICODE8"
)
_STEPS: dict[str, Callable[[_Machine, object], None]] = {
    **dict.fromkeys(_LITERALS.split(), _push),
    **dict.fromkeys(("PROTO", "FRAME"), _skip),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _remember),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _recall),
    "NONE": _constant(lambda: None),
    "NEWTRUE": _constant(lambda: True),
    "NEWFALSE": _constant(lambda: False),
    "EMPTY_TUPLE": _constant(tuple),
    "EMPTY_LIST": _constant(list),
    "EMPTY_DICT": _constant(dict),
    "EMPTY_SET": _constant(Opaque),
    "MARK": lambda machine, _: machine.mark(),
    "TUPLE": _collect(tuple),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "LIST": _collect(list),
    "DICT": _collect(_pairs),
    "FROZENSET": _collect(lambda _: Opaque()),
    "OBJ": _collect(lambda _: Opaque()),
    "INST": _collect(lambda _: Opaque()),
    "APPEND": lambda machine, _: _append(machine.pop(1), machine),
    "APPENDS": lambda machine, _: _append(machine.pop_to_mark(), machine),
    "SETITEM": lambda machine, _: _set(machine.pop(2), machine),
    "SETITEMS": lambda machine, _: _set(machine.pop_to_mark(), machine),
    "ADDITEMS": _discard_to_mark,
    "POP": _discard,
    "POP_MARK": _discard_to_mark,
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "NEWOBJ": _replace_top(2),
    "NEWOBJ_EX": _replace_top(3),
    "BUILD": _build,
    "BINPERSID": _persistent,
}
