"""Cells that do not count: copies of what another folder holds, and those that cannot be read."""

from collections.abc import Hashable, Sequence

import msgspec

from harness.analysis.machines import machine_key
from harness.records import Cell


def without_repeated(runs: Sequence[Sequence[Cell]]) -> tuple[tuple[Cell, ...], ...]:
    """The cells of each run, but of those that are one measurement only the fullest, else the first."""
    if len(runs) < 2:
        return tuple(map(tuple, runs))
    kept: dict[Hashable, tuple[int, Cell]] = {}
    for number, members in enumerate(runs):
        for cell in members:
            key = _measurement(cell)
            if key not in kept or _fullness(cell) > _fullness(kept[key][1]):
                kept[key] = number, cell
    return tuple(
        tuple(cell for cell in members if kept[_measurement(cell)][0] == number)
        for number, members in enumerate(runs)
    )


def describe_repeated(runs: Sequence[Sequence[Cell]]) -> tuple[str, ...]:
    """One sentence that counts the cells that were there more than once; none where there are none."""
    given = sum(map(len, runs))
    distinct = sum(map(len, without_repeated(runs)))
    if given == distinct:
        return ()
    repeated = given - distinct
    cells = "1 cell is a copy" if repeated == 1 else f"{repeated} cells are copies"
    return (f"{cells} of what another run folder holds: each measurement counts once",)


def describe_unreadable(count: int) -> tuple[str, ...]:
    """One sentence that counts the cells that are damaged or of another version, if there are any."""
    if not count:
        return ()
    cells = "1 cell cannot be read and is" if count == 1 else f"{count} cells cannot be read and are"
    return (f"{cells} left out",)


def _measurement(cell: Cell) -> Hashable:
    """Equal for copies of one cell, also if one of them was measured or evaluated further.

    Two processes of one machine never begin in the same millisecond with the same samples.
    """
    if not cell.processes:
        return msgspec.json.encode(cell)
    first = min(cell.processes, key=lambda process: process.round)
    placement = cell.plan.threads, cell.plan.cpus, cell.plan.rate_hz
    samples = first.load_ns, first.init_ns, first.first_ns, first.latencies_ns
    return machine_key(cell.device), cell.artifact.sha256, placement, first.started_at, samples


def _fullness(cell: Cell) -> tuple[int, int]:
    further = (cell.accuracy, cell.profile, cell.cold, cell.sustained, cell.energy)
    return len(cell.processes), sum(one is not None for one in further)
