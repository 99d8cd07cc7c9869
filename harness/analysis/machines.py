"""Which cells are of one machine: a name alone, such as `host`, is not an identity."""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from harness.errors import UsageError
from harness.records import Cell, DeviceInfo
from harness.system.text import printable


def machine_key(device: DeviceInfo) -> tuple[object, ...]:
    """Equal for one machine since it started; an emulated one is the same after each start."""
    cores = tuple((core.index, core.name, core.max_frequency_khz) for core in device.cores)
    boot = None if device.emulated else device.boot_id
    return (device.name, device.clock, device.abi, device.model, device.soc, device.kernel, cores, boot)


def hardware_key(device: DeviceInfo) -> tuple[object, ...]:
    """Equal for one machine also after a restart or an update of its system; never for two models."""
    cores = tuple((core.index, core.name, core.max_frequency_khz) for core in device.cores)
    # The kernel's share varies with its version: as the memory that is fitted, in GiB.
    fitted = device.memory_total_bytes and math.ceil(device.memory_total_bytes / 2**30)
    memory = None if device.emulated else fitted
    return (device.name, device.kind, device.clock, device.abi, device.model, device.soc, cores, memory)


def model_key(device: DeviceInfo) -> tuple[object, ...]:
    """Equal for devices of one model, whose figures differ only as two of its units do."""
    cores = tuple((core.index, core.name, core.max_frequency_khz) for core in device.cores)
    return (device.clock, device.abi, device.model, device.soc, cores)


def cells_of_runs(runs: Iterable[Sequence[Cell]]) -> tuple[Cell, ...]:
    """All cells of several runs; within a run a machine that restarted is one machine, as it first booted.

    A run finds its devices once, so that a name and the same facts stand for one machine there. Between runs
    nobody knows: another unit of the same model may have been attached. See `without_repeated` for copies.
    """
    cells: list[Cell] = []
    for members in runs:
        boots: dict[tuple[object, ...], str | None] = {}
        for cell in members:
            facts = machine_key(msgspec.structs.replace(cell.device, boot_id=None))
            boot_id = boots.setdefault(facts, cell.device.boot_id)
            device = msgspec.structs.replace(cell.device, boot_id=boot_id)
            cells.append(msgspec.structs.replace(cell, device=device))
    return tuple(cells)


def name_machines_apart(
    cells: Sequence[Cell], key: Callable[[DeviceInfo], tuple[object, ...]] = machine_key
) -> tuple[Cell, ...]:
    """The cells in their order; machines that share a name get its model and a short identity added."""
    machines: dict[str, set[tuple[object, ...]]] = {}
    for cell in cells:
        machines.setdefault(cell.device.name, set()).add(key(cell.device))
    return tuple(
        cell if len(machines[cell.device.name]) == 1 else _renamed(cell, key(cell.device)) for cell in cells
    )


def names_apart(cells: Sequence[Cell]) -> dict[tuple[object, ...], str]:
    """The name of each machine by its key, with its model and a short identity where it shares the name."""
    renamed = name_machines_apart(cells)
    return {machine_key(one.device): new.device.name for one, new in zip(cells, renamed, strict=True)}


def fitting_names(
    names: Sequence[str], wanted: str | None, members: Mapping[str, Sequence[str]] | None = None
) -> tuple[str, ...]:
    """The machine of the wanted name, else those whose names contain it; all of them where none is wanted.

    A name of `members` stands for several machines, and is also found by the name of each.

    Raises:
        UsageError: none fits.
    """
    if wanted is None:
        return tuple(names)
    part = wanted.casefold()
    known = {name: (name, *(members or {}).get(name, ())) for name in names}
    fitting = [name for name in names if wanted in known[name]] or [
        name for name in names if any(part in one.casefold() for one in known[name])
    ]
    if not fitting:
        listed = ", ".join(printable(name) for name in names)
        raise UsageError(f"no cell was measured on {printable(wanted)}", hint=f"measured were: {listed}")
    return tuple(fitting)


def _renamed(cell: Cell, key: tuple[object, ...]) -> Cell:
    identity = hashlib.sha256(repr(key).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    name = f"{cell.device.name} ({cell.device.model}, {identity})"
    return msgspec.structs.replace(cell, device=msgspec.structs.replace(cell.device, name=name))
