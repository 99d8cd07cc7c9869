"""What one answer is for: the cells of a device, or those of all devices of a pool together."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from harness.analysis.device_pools import NO_POOLS, DevicePool, Pools
from harness.analysis.machines import fitting_names, name_machines_apart
from harness.analysis.variant_labels import label_variants
from harness.records import Cell, DeviceInfo


@dataclass(frozen=True)
class CellGroup:
    """Cells that are decided on together; of a `pool`, `device` has its name and the facts of its model."""

    device: DeviceInfo
    cells: tuple[Cell, ...]
    pool: DevicePool | None = None

    @property
    def name(self) -> str:
        """The device's name, or the pool's."""
        return self.device.name


def group_of(cells: Sequence[Cell], pool: DevicePool | None = None) -> CellGroup:
    """The group of cells that are known to be of one device, or of one pool."""
    device = cells[0].device
    named = msgspec.structs.replace(device, name=pool.name) if pool else device
    return CellGroup(named, tuple(cells), pool)


def group_cells(
    cells: Sequence[Cell], device: str | None = None, pools: Pools = NO_POOLS
) -> tuple[CellGroup, ...]:
    """A group for each device or pool; or only those whose name, or a member's, is `device` or contains it.

    Real devices come before emulated ones.

    Raises:
        UsageError: none fits.
    """
    named = name_machines_apart(cells)
    found = [pools.pool_of(cell.device) for cell in cells]
    owners = [pool or cell.device.name for pool, cell in zip(found, named, strict=True)]
    grouped: dict[DevicePool | str, list[Cell]] = {}
    for owner, cell in zip(owners, label_variants(named, owners), strict=True):
        grouped.setdefault(owner, []).append(cell)
    groups = [
        group_of(members, owner if isinstance(owner, DevicePool) else None)
        for owner, members in grouped.items()
    ]
    groups.sort(key=lambda group: group.device.emulated)
    members = {group.name: [cell.device.name for cell in group.cells] for group in groups if group.pool}
    fitting = fitting_names([group.name for group in groups], device, members)
    return tuple(group for group in groups if group.name in fitting)
