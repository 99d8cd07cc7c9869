"""What each further millisecond buys: the variants that `pick` ships as the limit on the cost rises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.analysis.budget import Budget, decisive_latency_high_ns, instructions_high
from harness.analysis.candidates import (
    Candidate,
    FileKey,
    Preference,
    file_key,
    measured_by_file,
    preference,
    split_cells,
)
from harness.analysis.cell_groups import group_cells
from harness.analysis.device_pools import NO_POOLS, Pools
from harness.analysis.known_accuracy import published_top1
from harness.analysis.selection import find_basis, is_tied, on_basis
from harness.records import Cell
from harness.records.outcomes import OutcomesByFigures


@dataclass(frozen=True)
class Step:
    """From a limit of `cost` on (nanoseconds, or instructions where the clock is not real), ship `candidate`.

    `gain_pp` and `more` are what it gains and costs over the step before; None for the first, and `gain_pp`
    also where no accuracy is known.
    """

    candidate: Candidate
    cost: float
    gain_pp: float | None
    more: float | None


def climb_each(
    cells: Sequence[Cell],
    budget: Budget,
    outcomes: OutcomesByFigures,
    *,
    device: str | None = None,
    pools: Pools = NO_POOLS,
) -> dict[str, tuple[Step, ...]]:
    """The steps of each device or pool, by its name; raises UsageError for an unknown one."""
    groups = group_cells(cells, device, pools)
    return {group.name: climb(group.cells, budget, outcomes) for group in groups}


def climb(cells: Sequence[Cell], budget: Budget, outcomes: OutcomesByFigures) -> tuple[Step, ...]:
    """The steps for the cells of one device or pool, cheapest first.

    They are within the budget's limits but those of latency. All are ranked by one kind of accuracy:
    the best one that a candidate has.
    """
    open_budget = replace(
        budget, max_latency_ns=None, max_p90_ns=None, max_p99_ns=None, max_instructions=None
    )
    candidates, _ = split_cells(cells, open_budget, outcomes)
    basis, data = find_basis(candidates)
    kept = {one.key for one in candidates if on_basis(one, basis, data)}
    measured = measured_by_file(cells, outcomes)
    placements = [
        (cost, preference(cell, open_budget), Candidate(cell, measured.get(key), published_top1(cell)))
        for one in candidates
        for cell in (one.cell, *one.other_placements)
        if (key := file_key(cell)) in kept and (cost := _limited_cost(cell, open_budget)) is not None
    ]
    placements.sort(key=lambda placement: placement[:2])
    ranked = [
        (cost, order, found)
        for cost, order, candidate in placements
        if (found := on_basis(candidate, basis, data))
    ]
    return _steps(ranked)


_Placed = tuple[float, Preference, Candidate]


def _steps(placements: Sequence[_Placed]) -> tuple[Step, ...]:
    steps: list[Step] = []
    within: dict[FileKey, _Placed] = {}
    for placed in placements:
        cost, order, candidate = placed
        known = within.get(candidate.key)
        if known is None or order < known[1]:
            within[candidate.key] = placed
        chosen = _choose(within)
        last = steps[-1].candidate if steps else None
        if last is None:
            steps.append(Step(chosen, cost, None, None))
        elif chosen.quality > last.quality and not is_tied(chosen, last):
            gain = 100 * (chosen.quality - last.quality) if chosen.accuracy else None
            steps.append(Step(chosen, cost, gain, cost - steps[-1].cost))
    return tuple(steps)


def _choose(within: Mapping[FileKey, _Placed]) -> Candidate:
    """As `pick` ranks: of those that are tied with the best, the preferred one."""
    highest = max(candidate.quality for _, _, candidate in within.values())
    leader = min(
        (one for one in within.values() if one[2].quality == highest),
        key=lambda one: one[1],
    )[2]
    group = [one for one in within.values() if one[2] is leader or is_tied(leader, one[2])]
    return min(group, key=lambda one: one[1])[2]


def _limited_cost(cell: Cell, budget: Budget) -> float | None:
    return instructions_high(cell) if cell.device.emulated else decisive_latency_high_ns(cell, budget)
