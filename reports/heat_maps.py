"""Cost over two knobs as maps of shades: width and resolution, threads and cores."""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from harness.analysis.cell_text import placement
from harness.analysis.precisions import in_order
from harness.analysis.runtimes import runtime_title
from harness.records import EXECUTORCH
from harness.system.text import printable
from reports.figures import name_with_precision, width_text
from reports.numbers import significant
from reports.sections import Point, Section

Key = TypeVar("Key", bound=Hashable)
SHADES = 9


@dataclass(frozen=True)
class HeatMap:
    """Cost over two knobs; a cell is its text and its shade from 0, the cheapest, on.

    `corner` is what the rows are, `columns` are the headings of the others.
    """

    title: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, int] | None, ...]], ...]


def heat_maps(section: Section) -> tuple[HeatMap, ...]:
    """Cost over width and resolution, a map for each precision; none with under three shapes."""
    points = section.of_network
    if len({point.shape for point in points}) < 3:
        return ()
    maps = []
    for precision in in_order(point.cell.variant.precision for point in points):
        of_precision = [point for point in points if point.cell.variant.precision == precision]
        # One placement: the one with the most cells, of equally many the first by name.
        by_placement = group(of_precision, placed_as)
        chosen = min(by_placement, key=lambda name: (-len(by_placement[name]), name))
        members = by_placement[chosen]
        widths, sides = (sorted(set(one)) for one in zip(*(point.shape for point in members), strict=True))
        at = _first(members, lambda point: point.shape)
        maps.append(
            HeatMap(
                f"{printable(precision)}, {chosen}",
                "width",
                tuple(f"{side} px" for side in sides),
                tuple(
                    (width_text(width), _shaded([at.get((width, side)) for side in sides], points))
                    for width in widths
                ),
            )
        )
    return tuple(maps)


def placement_maps(section: Section) -> tuple[HeatMap, ...]:
    """Of each precision the variant in the most placements, if these differ in threads and in cores."""
    maps = []
    for precision in section.precisions:
        of_precision = [point for point in section.points if point.cell.variant.precision == precision]
        # Of equally many, the largest network: it gains the most from threads.
        members = max(
            group(of_precision, lambda point: (point.cell.variant, *point.placement[2:])).values(),
            key=lambda points: (
                len({point.placement for point in points}),
                points[0].cell.artifact.macs or 0,
            ),
        )
        at = _first(members, lambda point: point.placement)
        place = members[0].placement
        counts = sorted({place.threads for place in at})
        cores = dict.fromkeys(
            one.cores for one in sorted(at, key=lambda one: at[one].cost.value, reverse=True)
        )
        if len(counts) < 2 or len(cores) < 2:
            continue
        maps.append(
            HeatMap(
                name_of(members[0]),
                "cores",
                tuple(f"{count} {'thread' if count == 1 else 'threads'}" for count in counts),
                tuple(
                    (
                        name or "not pinned",
                        _shaded(
                            [at.get(place._replace(threads=count, cores=name)) for count in counts],
                            members,
                        ),
                    )
                    for name in cores
                ),
            )
        )
    return tuple(maps)


def _shaded(row: Iterable[Point | None], scale: Iterable[Point]) -> tuple[tuple[str, int] | None, ...]:
    """Texts and shades: logarithmic from the cheapest to the most expensive point of the scale."""
    logs = [math.log(point.cost.value) for point in scale if point.cost.value > 0]
    low, high = min(logs), max(logs)

    def shade(cost: float) -> int:
        return round((math.log(cost) - low) / (high - low) * (SHADES - 1)) if high > low else 0

    return tuple((significant(point.cost.value), shade(point.cost.value)) if point else None for point in row)


def _first(points: Iterable[Point], key: Callable[[Point], Key]) -> Mapping[Key, Point]:
    """The first point of each key."""
    return {key: members[0] for key, members in group(points, key).items()}


def name_of(point: Point) -> str:
    """`0.5/160 int8`."""
    return printable(name_with_precision(point.cell.variant))


def placed_as(point: Point) -> str:
    """With a runtime beside ExecuTorch: its kernels are others."""
    runtime = point.cell.variant.runtime
    named = "" if runtime == EXECUTORCH else f"{runtime_title(runtime)}, "
    return named + placement(point.cell)


def group(points: Iterable[Point], key: Callable[[Point], Key]) -> Mapping[Key, list[Point]]:
    """The points of each key, in order of first appearance."""
    grouped: dict[Key, list[Point]] = {}
    for point in points:
        grouped.setdefault(key(point), []).append(point)
    return grouped
