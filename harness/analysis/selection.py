"""The variant to ship within a budget, for each device or pool of equal devices, and for all of them.

Candidates are the files, each in its best placement. They are ranked within the best basis that applies:
accuracy measured on the same data, else published, else none, and then the size of the network stands in.
Those that cannot be told apart from the most accurate one form a group, in which the cheaper wins.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.analysis.askable import check_figures
from harness.analysis.budget import Budget, limited
from harness.analysis.candidates import (
    Candidate,
    FileKey,
    Rejected,
    cost,
    outside,
    preference,
    split_cells,
)
from harness.analysis.cell_groups import CellGroup, group_cells
from harness.analysis.chance import chance_within
from harness.analysis.device_pools import NO_POOLS, Pools
from harness.analysis.flags import is_flagged
from harness.analysis.known_accuracy import Basis, KnownAccuracy, best_data, indistinguishable
from harness.analysis.pool_facts import PoolFacts, pool_facts
from harness.errors import UsageError
from harness.records import Cell, DeviceInfo
from harness.records.outcomes import OutcomesByFigures
from harness.system.text import printable

SIZE = "size of the network"


@dataclass(frozen=True)
class Upgrade:
    """A better cell outside the budget, the limits it misses, and what it would gain.

    `gain` is in percentage points of top-1, or None where no accuracy is known.
    """

    rejected: Rejected
    candidate: Candidate
    gain_pp: float | None


@dataclass(frozen=True)
class Answer:
    """What to ship on one device, or on those of a pool.

    `ranked` are the candidates within the budget, best first. The first `tied` of them cannot be told apart
    in accuracy. `set_aside` are candidates within the budget without an accuracy of this basis, or without a
    size where that stands in. `upgrades` has for each limit the smallest raise that admits a better cell.
    `nearest` is the cell nearest to the budget where none is within it. `pool` is None for one device.
    """

    device: DeviceInfo
    basis: Basis
    data: str
    ranked: tuple[Candidate, ...]
    tied: int
    set_aside: tuple[Candidate, ...]
    rejected: tuple[Rejected, ...]
    upgrades: tuple[Upgrade, ...]
    nearest: Rejected | None
    probability: float | None
    pool: PoolFacts | None = None

    @property
    def best(self) -> Candidate | None:
        """The candidate to ship."""
        return self.ranked[0] if self.ranked else None

    @property
    def considered(self) -> tuple[Cell, ...]:
        """The cells within the budget, also those without an accuracy of this basis."""
        return tuple(one.cell for one in (*self.ranked, *self.set_aside))

    @property
    def runner_up(self) -> Candidate | None:
        """The candidate after the best."""
        return self.ranked[1] if len(self.ranked) > 1 else None


@dataclass(frozen=True)
class ForAll:
    """The best file for all devices: one candidate each, in their order; `basis` is what they share."""

    basis: Basis
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class Selection:
    """An answer for each device or pool. `for_all` is None for one, or where no file fits all of them.

    `left_out` names devices whose clock cannot keep a budget in milliseconds; `remarks` are sentences on
    devices that are no pool, and on copies of cells.
    """

    budget: Budget
    answers: tuple[Answer, ...]
    for_all: ForAll | None
    left_out: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether each device that was considered has a variant to ship."""
        return all(answer.best for answer in self.answers)


def pick(
    cells: Sequence[Cell],
    budget: Budget | None = None,
    *,
    device: str | None = None,
    outcomes: OutcomesByFigures | None = None,
    pools: Pools = NO_POOLS,
) -> Selection:
    """Choose for each device, or pool of devices, among its cells.

    `outcomes` pairs accuracies image by image (`read_outcomes`); `pools` are those of the cells' runs.

    Raises:
        UsageError: the device is unknown, all clocks are emulated and a time is limited, no cell has a figure
            that is limited, or no cell can be used.
    """
    budget, outcomes = budget or Budget(), outcomes or {}
    groups = group_cells(cells, device, pools)
    timed = [one for one in limited(budget) if one.is_time]
    left_out = [group for group in groups if timed and group.device.emulated]
    considered = [group for group in groups if group not in left_out]
    if not considered:
        first = left_out[0].device
        raise UsageError(
            f"the clock of {printable(first.name)} is {first.clock}: its times cannot be compared with a"
            " budget in milliseconds",
            hint="limit instructions instead (--max-instructions 60M), or measure on a real device",
        )
    check_figures([cell for group in considered for cell in group.cells], budget)
    answers = tuple(answer_for(group, budget, outcomes) for group in considered)
    names = tuple(group.name for group in left_out)
    return Selection(budget, answers, find_for_all(answers, budget), names, pools.remarks)


def answer_for(group: CellGroup, budget: Budget, outcomes: OutcomesByFigures) -> Answer:
    """The answer for the cells of one device or pool."""
    candidates, rejected = split_cells(group.cells, budget, outcomes)
    basis, data = find_basis(candidates)
    compared = [found for one in candidates if (found := on_basis(one, basis, data))]
    keys = {one.key for one in compared}
    ranked, tied = _rank(compared, budget)
    beyond = outside(rejected, group.cells, outcomes)
    return Answer(
        device=group.device,
        basis=basis,
        data=data,
        ranked=ranked,
        tied=tied,
        set_aside=tuple(one for one in candidates if one.key not in keys),
        rejected=rejected,
        upgrades=_upgrades(ranked[0], beyond, basis, data) if ranked else (),
        nearest=None if ranked else _nearest([one for one, _ in beyond]),
        probability=_probability(ranked[0], budget) if ranked else None,
        pool=pool_facts(group.cells) if group.pool else None,
    )


def find_basis(candidates: Sequence[Candidate]) -> tuple[Basis, str]:
    """The best kind of accuracy that a candidate has, and the data that most of them were evaluated on.

    Without any accuracy, `SIZE` where a candidate has a size of the network; own programs have none.
    """
    if data := best_data(one.measured for one in candidates):
        return "measured", data
    if data := best_data(one.published for one in candidates):
        return "published", data
    return "none", SIZE if any(one.cell.artifact.macs for one in candidates) else ""


def on_basis(candidate: Candidate, basis: Basis, data: str) -> Candidate | None:
    """The candidate with its accuracy on this basis; None where it has none."""
    if basis == "none":
        return replace(candidate, accuracy=None) if candidate.cell.artifact.macs or data != SIZE else None
    accuracy = candidate.measured if basis == "measured" else candidate.published
    return replace(candidate, accuracy=accuracy) if accuracy and accuracy.data == data else None


def _rank(candidates: Sequence[Candidate], budget: Budget) -> tuple[tuple[Candidate, ...], int]:
    """Best first, and how many at the head cannot be told apart in accuracy."""
    if not candidates:
        return (), 0
    by_quality = sorted(candidates, key=lambda one: (-one.quality, preference(one.cell, budget)))
    leader = by_quality[0]
    group = [one for one in by_quality if is_tied(leader, one)]
    rest = [one for one in by_quality if not is_tied(leader, one)]
    group.sort(key=lambda one: preference(one.cell, budget))
    return (*group, *rest), len(group)


def is_tied(leader: Candidate, other: Candidate) -> bool:
    """Whether the two cannot be told apart in accuracy, of which `leader` is not the less accurate."""
    if leader is other:
        return True
    if leader.accuracy and other.accuracy:
        return indistinguishable(leader.accuracy, other.accuracy)
    return leader.quality == other.quality


def _upgrades(
    best: Candidate, beyond: Sequence[tuple[Rejected, Candidate]], basis: Basis, data: str
) -> tuple[Upgrade, ...]:
    """The smallest raise of each limit that alone admits a better cell; else the nearest better cell."""
    better = [
        Upgrade(rejected, found, 100 * (found.quality - best.quality) if found.accuracy else None)
        for rejected, candidate in beyond
        if (found := on_basis(candidate, basis, data))
        and found.quality > best.quality
        and not is_tied(found, best)
        and all(math.isfinite(miss.excess) for miss in rejected.misses)
    ]
    better.sort(key=lambda one: max(miss.excess for miss in one.rejected.misses))
    smallest: dict[str, Upgrade] = {}
    for one in better:
        if len(one.rejected.misses) == 1:
            smallest.setdefault(one.rejected.misses[0].limit, one)
    return tuple(smallest.values()) or tuple(better[:1])


def _nearest(rejected: Sequence[Rejected]) -> Rejected | None:
    """The cell whose largest excess over a limit is the smallest; one without a figure comes last."""
    return min(rejected, key=lambda one: max(miss.excess for miss in one.misses), default=None)


def _probability(best: Candidate, budget: Budget) -> float | None:
    if not budget.limits_anything:
        return None
    return chance_within(best.cell, best.measured or best.published, budget)


def find_for_all(answers: Sequence[Answer], budget: Budget) -> ForAll | None:
    """The best file for all devices: by its lowest accuracy on any, then by the product of its costs.

    Accuracies of different data are never compared: files are ranked within the best basis that all devices
    share, also those that were set aside on one of them. None for one device, or where no file fits all.
    """
    if len(answers) < 2:
        return None
    by_key: list[Mapping[FileKey, Candidate]] = [
        {one.key: one for one in (*answer.ranked, *answer.set_aside)} for answer in answers
    ]
    shared = [tuple(members[key] for members in by_key) for key in by_key[0] if all(key in m for m in by_key)]
    basis, data = _find_joint_basis(shared)
    rebased = ([on_basis(one, basis, data) for one in members] for members in shared)
    compared = [tuple(filter(None, members)) for members in rebased if all(members)]
    if not compared:
        return None
    leader = max(compared, key=lambda members: min(one.quality for one in members))
    group = [one for one in compared if all(is_tied(a, b) for a, b in zip(leader, one, strict=True))]
    return ForAll(basis, min(group, key=lambda members: _joint_preference(members, budget)))


def _find_joint_basis(shared: Sequence[Sequence[Candidate]]) -> tuple[Basis, str]:
    """As `find_basis`, of accuracies that a file has on all devices, on the same data."""
    if data := best_data(_of_all([one.measured for one in members]) for members in shared):
        return "measured", data
    if data := best_data(_of_all([one.published for one in members]) for members in shared):
        return "published", data
    return "none", SIZE if any(members[0].cell.artifact.macs for members in shared) else ""


def _of_all(known: Sequence[KnownAccuracy | None]) -> KnownAccuracy | None:
    """The first of accuracies that are all of the same data."""
    return known[0] if len({one and one.data for one in known}) == 1 else None


def _joint_preference(members: Sequence[Candidate], budget: Budget) -> tuple[bool, float, int]:
    return (
        any(is_flagged(one.cell) for one in members),
        math.fsum(math.log(cost(one.cell, budget)) for one in members),
        members[0].cell.artifact.size_bytes,
    )
