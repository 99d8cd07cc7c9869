"""What the page's script knows of pools: which devices are decided on together, and how unequal they are."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from harness.analysis.pool_facts import PoolFacts, further_reason, pool_facts, unknown_spread
from harness.analysis.worst_units import Spot, spot_of
from harness.records import Cell
from harness.system.text import printable
from reports.answers import in_pool
from reports.decisions import SectionGroup
from reports.sections import Section


class PageGroup(msgspec.Struct, frozen=True):
    """What one answer is for: `machines` are the places of its devices; a `pool` can have one alone."""

    title: str
    clock: str
    emulated: bool
    pool: bool
    machines: tuple[int, ...]


class PooledCell(msgspec.Struct, frozen=True):
    """A cell of a pool: `spot` is equal for the same file in the same placement on its devices.

    `sentences` say which device measured it. A figure of a further device is this one times `further`, for
    the reason `why`; where nothing shows how equal the devices are, `further` is None and `why` says so.
    """

    device: str
    spot: int
    sentences: tuple[str, ...]
    further: float | None
    why: str


def page_group(group: SectionGroup) -> PageGroup:
    """The group as the script knows it."""
    device = group.cells.device
    pooled = group.cells.pool is not None
    return PageGroup(group.title, device.clock, device.emulated, pooled, group.machines)


def pooled_cells(groups: Sequence[SectionGroup], sections: Sequence[Section]) -> dict[str, PooledCell]:
    """The cells of pools by their place among the cells of all sections, which are in this order."""
    found: dict[str, PooledCell] = {}
    spots: dict[Spot, int] = {}
    first = 0
    facts = {
        at: pool_facts(group.cells.cells) for group in groups if group.cells.pool for at in group.machines
    }
    for at, section in enumerate(sections):
        for place, cell in enumerate(section.cells, first):
            if at in facts:
                spot = spots.setdefault(spot_of(cell), len(spots))
                found[str(place)] = _pooled(cell, facts[at], spot)
        first += len(section.cells)
    return found


def repeated_cells(sections: Sequence[Section]) -> dict[str, int]:
    """Cells that measured what another cell of their device did, by their place: equal for such cells."""
    spots = [(at, spot_of(cell)) for at, section in enumerate(sections) for cell in section.cells]
    numbers = {spot: number for number, spot in enumerate(dict.fromkeys(spots))}
    counts = Counter(spots)
    return {str(place): numbers[spot] for place, spot in enumerate(spots) if counts[spot] > 1}


def _pooled(cell: Cell, pool: PoolFacts, spot: int) -> PooledCell:
    spread = pool.spread_for(cell) if cell.usable else None
    return PooledCell(
        device=printable(cell.device.name),
        spot=spot,
        sentences=in_pool(cell, pool),
        further=spread.further_factor(cell.device.name) if spread else None,
        why=further_reason(spread) if spread else unknown_spread(pool),
    )
