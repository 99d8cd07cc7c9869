"""The clock that each core cluster held while measuring, of its maximum."""

from collections.abc import Sequence

from harness.records import Cell, HeldClock
from harness.system.text import printable
from reports.numbers import MISSING


def held_clock_text(cell: Cell) -> str:
    """`1.98 of 3.40 GHz`; with the cores if there are several clusters."""
    clocks = cell.held_clocks
    if len(clocks) == 1:
        return _of_maximum(clocks, clocks[0].max_khz)
    return (
        "; ".join(
            f"cores {printable(clock.cores)}: {_of_maximum((clock,), clock.max_khz)}" for clock in clocks
        )
        or MISSING
    )


def held_clocks_of(cells: Sequence[Cell]) -> str:
    """Each cluster of a device with the range over its cells: `cores 6-7: 1.95 to 1.98 of 3.40 GHz`."""
    clusters: dict[tuple[int, str], list[HeldClock]] = {}
    for cell in cells:
        for clock in cell.held_clocks:
            clusters.setdefault((clock.max_khz, clock.cores), []).append(clock)
    return "; ".join(
        f"cores {printable(cores)}: {_of_maximum(clocks, max_khz)}"
        for (max_khz, cores), clocks in sorted(clusters.items())
    )


def _of_maximum(clocks: Sequence[HeldClock], max_khz: int) -> str:
    low, high = (f"{khz(clock.held_khz for clock in clocks) / 1e6:.2f}" for khz in (min, max))
    held = low if low == high else f"{low} to {high}"
    return f"{held} of {max_khz / 1e6:.2f} GHz"
