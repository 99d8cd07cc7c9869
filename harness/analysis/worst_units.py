"""Of one file in one placement that was measured several times, the worst cell counts.

By one device in several runs, and by several devices of a pool.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from harness.analysis.budget import Miss
from harness.analysis.flags import is_flagged
from harness.records import Cell


class Judged(Protocol):
    """A cell and the limits that it misses."""

    @property
    def cell(self) -> Cell:
        """What was measured."""

    @property
    def misses(self) -> tuple[Miss, ...]:
        """Empty within the budget."""

    @property
    def usable(self) -> bool:
        """Whether only limits stand against the cell."""


One = TypeVar("One", bound=Judged)
Spot = tuple[object, ...]


def spot_of(cell: Cell) -> Spot:
    """Equal for the same file in the same placement, on whichever device."""
    plan = cell.plan
    placed = (plan.threads, plan.cpus, plan.rate_hz, plan.backend_options, plan.tune_device)
    return (cell.variant, cell.artifact.sha256, *placed, plan.task_profile)


def keep_worst_units(judged: Iterable[One], cost: Callable[[Cell], float]) -> list[One]:
    """Those that count, in their order; cells that cannot be used at all are kept as they are.

    Of several devices the one whose cell misses a limit the most counts, else the slowest. A device that
    lacks a figure counts only where all of them lack it: unknown is not worst.
    """
    everything = list(judged)
    if len({one.cell.device.name for one in everything}) < 2:
        return everything
    by_spot: defaultdict[Spot, defaultdict[str, list[One]]] = defaultdict(lambda: defaultdict(list))
    for one in everything:
        if one.usable:
            by_spot[spot_of(one.cell)][one.cell.device.name].append(one)
    kept = {id(one) for by_device in by_spot.values() for one in _worst(list(by_device.values()), cost)}
    return [one for one in everything if not one.usable or id(one) in kept]


def keep_worst_repeats(
    judged: Iterable[One], cost: Callable[[Cell], float]
) -> tuple[list[One], dict[int, tuple[Cell, ...]]]:
    """Those that count where a device measured a file several times in one placement, in their order.

    The worst of the cells that no reason speaks against, else of all: the luckiest run promises what the
    others did not keep. And, by the `id` of a cell that counts, its other measurements.
    """
    everything = list(judged)
    by_spot: defaultdict[tuple[str, Spot], list[One]] = defaultdict(list)
    for one in everything:
        if one.usable:
            by_spot[one.cell.device.name, spot_of(one.cell)].append(one)
    left_out: set[int] = set()
    repeats: dict[int, tuple[Cell, ...]] = {}
    for members in by_spot.values():
        if len(members) < 2:
            continue
        (worst,) = _worst(
            [[one] for one in members if not is_flagged(one.cell)] or [[one] for one in members], cost
        )
        others = [one for one in members if one is not worst]
        left_out |= set(map(id, others))
        repeats[id(worst.cell)] = tuple(one.cell for one in others)
    return [one for one in everything if id(one) not in left_out], repeats


def _worst(devices: Sequence[list[One]], cost: Callable[[Cell], float]) -> list[One]:
    """The cells of one device; a device counts as the best of its cells."""
    if len(devices) == 1:
        return devices[0]

    def badness(members: list[One]) -> tuple[float, float]:
        return min(
            (max((miss.excess for miss in one.misses), default=0.0), cost(one.cell)) for one in members
        )

    known = [members for members in devices if all(map(math.isfinite, badness(members)))]
    return max(known or devices, key=badness)
