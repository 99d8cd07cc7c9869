"""How equal the devices of a pool are, and what that means for a cell that one of them measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.analysis.budget import LIMITS, PACED_P99, SUSTAINED_LATENCY, Budget, Quantity, limit_on
from harness.analysis.placements import cell_key
from harness.analysis.units import UnitSpread, describe_further, spread_between_units
from harness.analysis.worst_units import spot_of
from harness.records import Cell
from harness.system.text import printable

# What an inference takes: it differs between devices as their figures do. Start-up and memory need not.
_LATENCIES = ("latency", "p90 latency", "p99 latency")


@dataclass(frozen=True)
class PoolFacts:
    """The devices of a pool; `measured` are those with a cell that can be used, which are `cells`."""

    devices: tuple[str, ...]
    measured: tuple[str, ...]
    cells: tuple[Cell, ...]

    def spread_for(self, cell: Cell) -> UnitSpread | None:
        """The largest difference between the devices: of the same file and placement if several have it, else
        of the same placement, else of any cell; None where no cell was measured on several devices."""
        for key in _likenesses(cell):
            if spreads := self._spreads.get(key):
                device = cell.device.name
                return max(spreads, key=lambda spread: spread.further_factor(device))
        return None

    @cached_property
    def _spreads(self) -> dict[object, tuple[UnitSpread, ...]]:
        alike: dict[object, list[Cell]] = {}
        for cell in self.cells:
            for key in _likenesses(cell):
                alike.setdefault(key, []).append(cell)
        return {key: spread_between_units(members) for key, members in alike.items()}


def pool_facts(cells: Sequence[Cell]) -> PoolFacts:
    """The facts of the devices that these cells of one pool are of."""
    usable = tuple(cell for cell in cells if cell.usable)
    return PoolFacts(_devices(cells), _devices(usable), usable)


def count_devices(count: int) -> str:
    """As it stands behind a pool's name."""
    return f"({count} device{'s' if count > 1 else ''})"


def describe_in_pool(cell: Cell, pool: PoolFacts) -> tuple[str, ...]:
    """Which device measured the cell, and how unequal the devices of its pool are."""
    count = len(pool.devices)
    among = f"one of {count} devices" if count > 1 else "the only measured device of the pool"
    lines = [f"measured on {printable(cell.device.name)}, {among}"]
    spread = pool.spread_for(cell)
    if spread is not None:
        lines.append(_differences(spread))
    return tuple(lines)


def pool_cautions(cell: Cell, pool: PoolFacts, budget: Budget) -> tuple[str, ...]:
    """That nothing shows how equal the devices are, or limits that another device could miss."""
    spread = pool.spread_for(cell)
    if spread is None:
        return (unknown_spread(pool),)
    factor, why = spread.further_factor(cell.device.name), further_reason(spread)
    found = []
    for quantity in LIMITS:
        limit, worst = limit_on(cell, quantity, budget), quantity.worst(cell)
        if (
            limit is not None
            and worst is not None
            and scales(quantity, cell)
            and worst <= limit < worst * factor
        ):
            found.append(
                f"{quantity.name} on a further device could be up to {quantity.text(worst * factor)}, over"
                f" {quantity.text(limit)}: {why}"
            )
    return tuple(found)


def unknown_spread(pool: PoolFacts) -> str:
    """Why nothing shows how equal the devices are."""
    if len(pool.measured) == 1:
        name = printable(pool.measured[0])
        return f"only {name} of the pool has cells that can be used: nothing shows how equal its devices are"
    return "no cell was measured on two devices of the pool: nothing shows how equal they are"


def further_reason(spread: UnitSpread) -> str:
    """What the figure of a further device is reckoned from."""
    if spread.next_high is None:
        return f"the {len(spread.figures)} devices differ by {spread.range_share:.1%}"
    return (
        f"{len(spread.figures)} devices differ by {spread.range_share:.1%}, and 95% of further ones need at"
        f" most {spread.next_high - 1:.1%} more than their mean"
    )


def scales(quantity: Quantity, cell: Cell) -> bool:
    """Whether the quantity differs between devices as the figures of `UnitSpread` do."""
    if cell.device.emulated:
        return quantity.name == "instructions"
    return quantity.name in _LATENCIES or quantity in (PACED_P99, SUSTAINED_LATENCY)


def _differences(spread: UnitSpread) -> str:
    return (
        f"the slowest of {len(spread.figures)} devices took {spread.range_share:.1%} more than the fastest"
        f" ({spread.name}); {describe_further(spread)}"
    )


def _likenesses(cell: Cell) -> tuple[object, ...]:
    """What cells share, the closest first: file and placement, placement, nothing but the pool."""
    return (spot_of(cell), cell_key(cell.variant, cell.plan)[1:], ())


def _devices(cells: Sequence[Cell]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cell.device.name for cell in cells))
