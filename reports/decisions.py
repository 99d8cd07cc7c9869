"""What each answer of a report is for: one device, or the devices of a pool together."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.budget import Budget
from harness.analysis.cell_groups import CellGroup, group_of
from harness.analysis.device_pools import DevicePool
from harness.analysis.ladder import climb
from harness.analysis.pool_facts import count_devices
from harness.analysis.units import UnitSpread, spread_between_units
from harness.records.outcomes import OutcomesByFigures
from harness.system.text import printable
from reports.answers import Shipped, ship
from reports.figures import clock_mark
from reports.sections import Section
from reports.steps import StepText, describe_step


@dataclass(frozen=True)
class SectionGroup:
    """The sections that one answer is for; `machines` are their places among all sections."""

    cells: CellGroup
    machines: tuple[int, ...]

    @property
    def title(self) -> str:
        """The device's name, or the pool's with its number of devices, and the clock if that is not real."""
        device = self.cells.device
        counted = count_devices(len(self.machines)) if self.cells.pool else ""
        return " ".join(filter(None, (printable(device.name), counted, clock_mark(device))))


@dataclass(frozen=True)
class Decision:
    """What to ship on a device or a pool, and what a larger budget buys there."""

    title: str
    emulated: bool
    shipped: Shipped
    ladder: tuple[StepText, ...]


def group_sections(sections: Sequence[Section]) -> tuple[SectionGroup, ...]:
    """Each section alone, but those of a pool together, where the first of them stands."""
    places: dict[DevicePool | int, list[int]] = {}
    for at, section in enumerate(sections):
        places.setdefault(section.pool or at, []).append(at)
    return tuple(
        SectionGroup(
            group_of([cell for at in machines for cell in sections[at].cells], sections[machines[0]].pool),
            tuple(machines),
        )
        for machines in places.values()
    )


def decide(group: SectionGroup, budget: Budget, outcomes: OutcomesByFigures) -> Decision:
    """The answer within the budget, and the ladder, as texts."""
    pooled = group.cells.pool is not None
    steps = climb(group.cells.cells, budget, outcomes)
    return Decision(
        title=group.title,
        emulated=group.cells.device.emulated,
        shipped=ship(group.cells, budget, outcomes),
        ladder=tuple(describe_step(step, pooled=pooled) for step in steps),
    )


def pool_spreads(sections: Sequence[Section]) -> list[UnitSpread]:
    """How equal the devices of each pool are."""
    return [
        spread
        for group in group_sections(sections)
        if group.cells.pool
        for spread in spread_between_units(group.cells.cells)
    ]
