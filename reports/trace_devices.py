"""Whose cells a trace shows: of several runs, and of the run that one was measured against."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.device_pools import NO_POOLS, Pools
from harness.analysis.machines import cells_of_runs
from harness.records import Cell, Run
from harness.system.text import printable
from reports.sections import Section, arrange


@dataclass(frozen=True)
class TracedDevice:
    """A device, and a different name for each of its cells, in the order of `section.cells`."""

    section: Section
    names: tuple[str, ...]


def traced_devices(
    runs: Sequence[tuple[Run, Sequence[Cell]]],
    bases: Sequence[tuple[Run, Sequence[Cell]]] = (),
    *,
    pools: Pools = NO_POOLS,
) -> tuple[TracedDevice, ...]:
    """One for each section of a report, with the cells of `bases`, each beside the run it belongs to.

    Names have the run's id where there are several, and say which cells are those of a base.
    """
    several = len(runs) > 1
    labelled = [(f"run {run.id}" if several else "", cells) for run, cells in runs]
    labelled += [(f"base of run {run.id}" if several else "base", cells) for run, cells in bases]
    cells = cells_of_runs(members for _, members in labelled)
    labels = [label for label, members in labelled for _ in members]
    return tuple(
        TracedDevice(
            section,
            _names_apart(section.cells, [labels[position] for position in section.positions]),
        )
        for section in arrange(cells, pools=pools)
    )


def _names_apart(cells: Sequence[Cell], labels: Sequence[str]) -> tuple[str, ...]:
    """`pixel-mobilenet_v1_0.5_128_int8-t2, base`; a number where two of one run have one name, too."""
    names: dict[str, None] = {}
    for cell, label in zip(cells, labels, strict=True):
        name = plain = f"{printable(cell.name)}, {printable(label)}" if label else printable(cell.name)
        number = 2
        while name in names:
            name, number = f"{plain} ({number})", number + 1
        names[name] = None
    return tuple(names)
