"""How the knobs act: cost over width and resolution, throughput, threads, and precisions against fp32."""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.analysis.cell_comparison import instruction_ratio
from harness.analysis.cell_text import placement
from harness.analysis.intervals import CONFIDENCE
from harness.analysis.precisions import BASELINE, in_order
from harness.analysis.process_figures import instruction_counts, latency_medians_ns
from harness.analysis.ratios import ratio_interval
from harness.analysis.runtimes import runtime_title
from harness.records import EXECUTORCH, Cell, Interval
from harness.system.text import printable
from reports.bars import Axis, Bar, axis_over, evenly, ticks
from reports.figures import LATENCY, Estimate, name_with_precision, width_text
from reports.numbers import significant, span, with_ends
from reports.sections import Point, Section

Key = TypeVar("Key", bound=Hashable)
SHADES = 9
SHOWN_RATIOS = 16


@dataclass(frozen=True)
class HeatMap:
    """Cost over two knobs; a cell is its text and its shade from 0, the cheapest, on.

    `corner` is what the rows are, `columns` are the headings of the others.
    """

    title: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, int] | None, ...]], ...]


@dataclass(frozen=True)
class Series:
    """A row of dots or one bar on the chart's axis; `text` is what it says in numbers."""

    name: str
    precision: str
    text: str
    dots: tuple[float, ...] = ()
    bar: Bar | None = None


@dataclass(frozen=True)
class Chart:
    """Rows on one linear axis; `ticks` are places and texts, `reference` the place of no difference."""

    title: str
    note: str
    rows: tuple[Series, ...]
    ticks: tuple[tuple[float, str], ...]
    reference: float | None = None


@dataclass(frozen=True)
class Knobs:
    """Empty parts have nothing to compare. `heat_maps` are over width and resolution, `placement_maps` over
    threads and cores."""

    unit: str
    heat_maps: tuple[HeatMap, ...]
    placement_maps: tuple[HeatMap, ...]
    charts: tuple[Chart, ...]


def describe_knobs(section: Section) -> Knobs:
    """All parts that a device's cells suffice for."""
    charts = (_throughput(section), _speed_up(section), _precision_ratios(section))
    return Knobs(
        section.scale.label,
        _heat_maps(section),
        _placement_maps(section),
        tuple(chart for chart in charts if chart),
    )


def _heat_maps(section: Section) -> tuple[HeatMap, ...]:
    points = section.of_network
    if len({point.shape for point in points}) < 3:
        return ()
    maps = []
    for precision in in_order(point.cell.variant.precision for point in points):
        of_precision = [point for point in points if point.cell.variant.precision == precision]
        # One placement: the one with the most cells, of equally many the first by name.
        by_placement = _group(of_precision, _placement)
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


def _placement_maps(section: Section) -> tuple[HeatMap, ...]:
    """Of each precision the variant in the most placements, if these differ in threads and in cores."""
    maps = []
    for precision in section.precisions:
        of_precision = [point for point in section.points if point.cell.variant.precision == precision]
        # Of equally many, the largest network: it gains the most from threads.
        members = max(
            _group(of_precision, lambda point: (point.cell.variant, *point.placement[2:])).values(),
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
                _name(members[0]),
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
    return {key: group[0] for key, group in _group(points, key).items()}


def _throughput(section: Section) -> Chart | None:
    """How many multiply-accumulates a second; instructions per multiply-accumulate where no clock is real."""
    real = section.scale == LATENCY
    rows = _group(
        section.of_network, lambda point: (printable(point.cell.variant.precision), _placement(point))
    )
    # Millions of MACs in a millisecond are thousands of millions in a second.
    values = {
        key: [
            _efficiency(point, real=real)
            for point in points
            if point.cost.value > 0 and point.cell.artifact.macs
        ]
        for key, points in rows.items()
    }
    every = [value for found in values.values() for value in found]
    if len(every) < 2:
        return None
    axis = Axis(0.0, max(every) * 1.02)
    unit = "GMAC/s" if real else "instructions per multiply-accumulate"
    series = [
        Series(f"{precision}, {place}", precision, span(found, 3), dots=tuple(sorted(map(axis.place, found))))
        for (precision, place), found in values.items()
        if found
    ]
    title = f"Throughput, {unit}" if real else f"{unit.capitalize()}"
    note = (
        "A dot is a variant. Small networks fill a core's units less well." if real else "A dot is a variant."
    )
    return Chart(title, note, tuple(series), _labels(axis))


def _efficiency(point: Point, *, real: bool) -> float:
    millions = point.million_macs
    return millions / point.cost.value if real else point.cost.value / millions


def _speed_up(section: Section) -> Chart | None:
    """How many times as fast a variant is with more threads as with the fewest, on the same cores."""
    pairs = []
    for members in _group(
        section.points,
        lambda point: (point.cell.variant, *point.placement[1:]),
    ).values():
        base, *others = sorted(members, key=lambda point: point.cell.plan.threads)
        pairs += [(other, base) for other in others if other.cell.plan.threads > base.cell.plan.threads]
    return _ratio_chart(
        "Speed-up by threads",
        "How many times as fast as with the fewest threads on the same cores, with {interval}.",
        [
            (f"{_name(slow)}, {slow.cell.plan.threads} → {placement(fast.cell)}", fast, slow)
            for fast, slow in pairs
        ],
    )


def _precision_ratios(section: Section) -> Chart | None:
    """Cost of each precision as a share of fp32's for the same shape and placement."""
    pairs = []
    for members in _group(section.of_network, _shape).values():
        base = next((point for point in members if point.cell.variant.precision == BASELINE), None)
        pairs += [(base, point) for point in members if base and point is not base]
    pairs.sort(key=lambda pair: (pair[1].cell.variant.precision, pair[1].cell.artifact.macs or 0))
    return _ratio_chart(
        f"Cost against {BASELINE}",
        f"Cost of the same network as a share of {BASELINE}'s, with {{interval}}; under 1 is cheaper.",
        [(f"{_name(point)}, {placement(point.cell)}", base, point) for base, point in pairs],
    )


def _ratio_chart(title: str, note: str, pairs: Sequence[tuple[str, Point, Point]]) -> Chart | None:
    """Of each pair, how many times as large the cost of the second is; the note says how sure that is."""
    found = [pair for pair in pairs if all(_has_figures(point.cell) for point in pair[1:])]
    if not found:
        return None
    shown = [(name, new, _ratio(base.cell, new.cell)) for name, base, new in evenly(found, SHOWN_RATIOS)]
    ratios = [ratio for _, _, ratio in shown]
    axis = axis_over([1.0, *(end for ratio in ratios for end in (ratio.low, ratio.high))], room=0.04)
    note = note.format(interval=_interval_text(ratios, emulated=shown[0][1].cell.device.emulated))
    rows = tuple(
        Series(
            name,
            printable(point.cell.variant.precision),
            with_ends(ratio.estimate, ratio.low, ratio.high),
            bar=axis.bar(Estimate(ratio.estimate, ratio.low, ratio.high)),
        )
        for name, point, ratio in shown
    )
    left_out = (
        f" {len(shown)} of {len(found)} pairs, evenly over their sizes." if len(shown) < len(found) else ""
    )
    return Chart(title, note + left_out, rows, _labels(axis), axis.place(1.0))


def _has_figures(cell: Cell) -> bool:
    if cell.device.emulated:
        return bool(instruction_counts(cell))
    return any(process.latencies_ns for process in cell.processes)


def _ratio(base: Cell, new: Cell) -> Interval:
    """New over base, by process; the counts of an emulator hardly vary, their range is the interval."""
    counted = instruction_ratio(base, new) if base.device.emulated else None
    return counted or ratio_interval(latency_medians_ns(base), latency_medians_ns(new))


def _interval_text(ratios: Sequence[Interval], *, emulated: bool) -> str:
    """What the ends are; with less than four processes a side, no interval reaches 95 %."""
    if emulated:
        return "the range of the counts"
    least = min(ratio.confidence for ratio in ratios)
    few = "" if least >= CONFIDENCE else f", of few processes one of only {100 * least:.0f} %"
    return f"its 95 % interval{few}"


def _labels(axis: Axis) -> tuple[tuple[float, str], ...]:
    return tuple((axis.place(value), f"{value:g}") for value in ticks(axis))


def _shape(point: Point) -> tuple[object, ...]:
    """Weights are ignored: those of another precision may have come from other training."""
    variant = point.cell.variant
    return variant.width, variant.resolution_px, variant.padding, variant.classes, _placement(point)


def _name(point: Point) -> str:
    return printable(name_with_precision(point.cell.variant))


def _placement(point: Point) -> str:
    """With a runtime beside ExecuTorch: its kernels are others."""
    runtime = point.cell.variant.runtime
    named = "" if runtime == EXECUTORCH else f"{runtime_title(runtime)}, "
    return named + placement(point.cell)


def _group(points: Iterable[Point], key: Callable[[Point], Key]) -> Mapping[Key, list[Point]]:
    grouped: dict[Key, list[Point]] = {}
    for point in points:
        grouped.setdefault(key(point), []).append(point)
    return grouped
