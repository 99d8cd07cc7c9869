"""How warm a device began, and which clocks it held, in the runs before a change and in those after it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from harness.analysis.differences import MAX_CLOCK_DIFFERENCE, MAX_START_DIFFERENCE_CELSIUS, start_celsius
from harness.analysis.held_clocks import used_clocks
from harness.records import Cell

_Cluster = tuple[str, int]


def describe_states(before: Sequence[Cell], after: Sequence[Cell]) -> Iterator[str]:
    """A sentence for each median over the runs of a side that differs enough to explain a change of times.

    `runs began 5.2 °C warmer (median 31.0 to 36.2 °C)`; `cores 4-7 held 3.40 GHz before, 1.98 GHz after`.
    """
    if before[-1].device.model != after[0].device.model:
        return
    old, new = _start_celsius(before), _start_celsius(after)
    if old is not None and new is not None and abs(new - old) > MAX_START_DIFFERENCE_CELSIUS:
        warmer = "warmer" if new > old else "cooler"
        yield f"runs began {abs(new - old):.1f} °C {warmer} (median {old:.1f} to {new:.1f} °C)"
    earlier, later = _shares(before), _shares(after)
    for cluster in sorted(earlier.keys() & later.keys()):
        cores, max_khz = cluster
        held, holds = median(earlier[cluster]), median(later[cluster])
        if abs(held - holds) > MAX_CLOCK_DIFFERENCE:
            ghz = max_khz / 1e6
            yield f"cores {cores} held {held * ghz:.2f} GHz before, {holds * ghz:.2f} GHz after"


def _start_celsius(cells: Sequence[Cell]) -> float | None:
    known = [celsius for cell in cells if (celsius := start_celsius(cell)) is not None]
    return median(known) if known else None


def _shares(cells: Sequence[Cell]) -> Mapping[_Cluster, Sequence[float]]:
    """By cluster of cores the shares of the maximum that each run held there."""
    found: dict[_Cluster, list[float]] = defaultdict(list)
    for clock in (clock for cell in cells for clock in used_clocks(cell)):
        found[clock.cores, clock.max_khz].append(clock.share)
    return found
