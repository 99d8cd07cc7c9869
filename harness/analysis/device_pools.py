"""Which devices are one pool: those of a run with --any-of that are of one model, clock and kind of cores."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.analysis.machines import cells_of_runs, machine_key, model_key
from harness.records import Cell, DeviceInfo, Run
from harness.system.text import printable

MachineKey = tuple[object, ...]
# Of a list of many devices the first few tell which pool it is.
NAMED_DEVICES = 3


@dataclass(frozen=True)
class DevicePool:
    """Equal devices that shared the variants of a run: one answer is for all of them.

    `name` says how they were asked for: `any of tag:pixel6`. `machines` are the keys of `machine_key`.
    """

    name: str
    machines: frozenset[MachineKey]


@dataclass(frozen=True)
class Pools:
    """The pools of some runs; `remarks` are sentences on devices that were asked for and are no pool."""

    pools: tuple[DevicePool, ...] = ()
    remarks: tuple[str, ...] = ()

    def pool_of(self, device: DeviceInfo) -> DevicePool | None:
        """The pool that a device belongs to, by the name that its run gave it."""
        key = machine_key(device)
        return next((pool for pool in self.pools if key in pool.machines), None)


NO_POOLS = Pools()


def find_pools(runs: Iterable[tuple[Run, Sequence[Cell]]]) -> Pools:
    """The pools of the devices in `cells_of_runs` of the same runs; those that share a device are one."""
    pools: list[DevicePool] = []
    remarks: list[str] = []
    for run, members in runs:
        if not run.request.any_of:
            continue
        models: dict[tuple[object, ...], dict[MachineKey, DeviceInfo]] = {}
        for cell in cells_of_runs([members]):
            models.setdefault(model_key(cell.device), {})[machine_key(cell.device)] = cell.device
        asked = _asked(run.request.any_of)
        if len(models) > 1:
            remarks.append(_apart(asked, [list(devices.values()) for devices in models.values()]))
        for devices in models.values():
            # Alone of its model it shares nothing; alone in a run it stands for those that failed.
            if len(devices) > 1 or len(models) == 1:
                name = f"any of {asked}" if len(models) == 1 else f"any of {asked} ({_kind(devices)})"
                _add(pools, DevicePool(name, frozenset(devices)), run.id)
    return Pools(tuple(pools), tuple(dict.fromkeys(remarks)))


def _add(pools: list[DevicePool], new: DevicePool, run_id: str) -> None:
    """Join the new pool with those that share a machine with it; other pools keep a name of their own."""
    joined = [pool for pool in pools if pool.machines & new.machines]
    if joined:
        machines = new.machines.union(*(pool.machines for pool in joined))
        pools[:] = [pool for pool in pools if pool not in joined]
        pools.append(DevicePool(joined[0].name, machines))
        return
    taken = {pool.name for pool in pools}
    pools.append(DevicePool(f"{new.name} in {run_id}", new.machines) if new.name in taken else new)


def _asked(names: Sequence[str]) -> str:
    listed = ",".join(names[:NAMED_DEVICES])
    return listed if len(names) <= NAMED_DEVICES else f"{listed} and {len(names) - NAMED_DEVICES} more"


def _kind(devices: dict[MachineKey, DeviceInfo]) -> str:
    """Of one model with other cores or another clock, the first device tells them apart."""
    first = next(iter(devices.values()))
    return f"{first.model}, as {first.name}"


def _apart(asked: str, models: Sequence[Sequence[DeviceInfo]]) -> str:
    kinds = "; ".join(
        f"{_asked([device.name for device in devices])} ({devices[0].model})" for devices in models
    )
    return printable(
        f"any of {asked} is not a pool of equal devices: they differ in model, SoC, cores or clock, so each"
        f" kind is answered for apart: {kinds}"
    )
