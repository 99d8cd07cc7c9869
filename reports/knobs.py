"""How the knobs act: cost over width and resolution, throughput, threads, and precisions against fp32."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.cell_comparison import instruction_ratio
from harness.analysis.cell_text import placement
from harness.analysis.intervals import CONFIDENCE
from harness.analysis.precisions import BASELINE
from harness.analysis.process_figures import instruction_counts, latency_medians_ns
from harness.analysis.ratios import ratio_interval
from harness.records import Cell, Interval
from harness.system.text import printable
from reports.bars import Axis, Bar, axis_over, evenly, ticks
from reports.figures import LATENCY, Estimate
from reports.heat_maps import HeatMap, group, heat_maps, name_of, placed_as, placement_maps
from reports.numbers import span, with_ends
from reports.sections import Point, Section

SHOWN_RATIOS = 16


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
        heat_maps(section),
        placement_maps(section),
        tuple(chart for chart in charts if chart),
    )


def _throughput(section: Section) -> Chart | None:
    """How many multiply-accumulates a second; instructions per multiply-accumulate where no clock is real."""
    real = section.scale == LATENCY
    rows = group(
        section.of_network, lambda point: (printable(point.cell.variant.precision), placed_as(point))
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
    for members in group(
        section.points,
        lambda point: (point.cell.variant, *point.placement[1:]),
    ).values():
        base, *others = sorted(members, key=lambda point: point.cell.plan.threads)
        pairs += [(other, base) for other in others if other.cell.plan.threads > base.cell.plan.threads]
    return _ratio_chart(
        "Speed-up by threads",
        "How many times as fast as with the fewest threads on the same cores, with {interval}.",
        [
            (f"{name_of(slow)}, {slow.cell.plan.threads} → {placement(fast.cell)}", fast, slow)
            for fast, slow in pairs
        ],
    )


def _precision_ratios(section: Section) -> Chart | None:
    """Cost of each precision as a share of fp32's for the same shape and placement."""
    pairs = []
    for members in group(section.of_network, _shape).values():
        base = next((point for point in members if point.cell.variant.precision == BASELINE), None)
        pairs += [(base, point) for point in members if base and point is not base]
    pairs.sort(key=lambda pair: (pair[1].cell.variant.precision, pair[1].cell.artifact.macs or 0))
    return _ratio_chart(
        f"Cost against {BASELINE}",
        f"Cost of the same network as a share of {BASELINE}'s, with {{interval}}; under 1 is cheaper.",
        [(f"{name_of(point)}, {placement(point.cell)}", base, point) for base, point in pairs],
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
    return variant.width, variant.resolution_px, variant.padding, variant.classes, placed_as(point)
