from collections.abc import Callable
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from msgspec.structs import replace

from builders import (
    failed,
    make_cold,
    make_energy_cell,
    make_energy_run,
    make_sustained_cell,
    make_sustained_run,
    with_accuracy,
    with_verdict,
)
from harness.records import Cell, DeviceInfo
from reports import style
from reports.plots import (
    PLOTS,
    by_macs,
    by_resolution,
    by_width,
    energy,
    memory,
    operators,
    samples,
    startup,
    sustained,
    tradeoff,
)
from reports.sections import Section, arrange
from reports.style import Omitted, Plot
from synthetic import EMULATOR, PHONE, VM, simulate_cells

COST_PLOTS = (tradeoff.draw, by_width.draw, by_resolution.draw, by_macs.draw)


def section(cells: tuple[Cell, ...]) -> Section:
    (only,) = arrange(cells)
    return only


def drawn(draw: Callable[[Section], Plot | Omitted], cells: tuple[Cell, ...]) -> Plot:
    with matplotlib.rc_context(style.RC):
        plot = draw(section(cells))
    assert isinstance(plot, Plot), plot
    return plot


def words(plot: Plot) -> str:
    """All the text of a picture, on one line."""
    texts = [text.get_text() for text in plot.figure.texts]
    for axes in plot.figure.axes:
        texts += [axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left")]
        texts += [text.get_text() for text in axes.texts]
        texts += [text.get_text() for legend in [axes.get_legend()] if legend for text in legend.get_texts()]
    return " ".join(" ".join(texts).split())


def marks(axes: Axes) -> list[ErrorbarContainer]:
    return [container for container in axes.containers if isinstance(container, ErrorbarContainer)]


def drawn_points(axes: Axes) -> int:
    """Points with a mark and an interval, gaps not counted."""
    return sum(int(np.isfinite(np.asarray(c.lines[0].get_ydata(), dtype=float)).sum()) for c in marks(axes))


def without_counts(cell: Cell) -> Cell:
    reports = tuple(
        replace(p, instructions_per_inference=None, counters_unavailable="no plugin") for p in cell.processes
    )
    return replace(cell, instructions_per_inference=None, processes=reports)


def test_published_accuracy_is_drawn_hollow_and_labelled() -> None:
    plot = drawn(tradeoff.draw, simulate_cells())
    (axes,) = plot.figure.axes
    assert {c.lines[0].get_markerfacecolor() for c in marks(axes)} == {style.PAPER}
    assert "ImageNet, published, not measured here" in words(plot)
    assert "int8 (published accuracy)" in words(plot)


def test_measured_accuracy_is_drawn_filled_with_intervals_both_ways() -> None:
    cells = tuple(
        with_accuracy(cell, 0.6 + i / 100) for i, cell in enumerate(simulate_cells(widths=(0.25, 0.5)))
    )
    (axes,) = drawn(tradeoff.draw, cells).figure.axes
    for container in marks(axes):
        assert container.lines[0].get_markerfacecolor() == container.lines[0].get_color()
        assert container.has_xerr
        assert container.has_yerr


def test_measured_and_published_accuracy_never_share_an_axis_or_a_frontier() -> None:
    first, *others = simulate_cells(widths=(0.25, 0.5), precisions=("int8",))
    plot = drawn(tradeoff.draw, (with_accuracy(first, 0.99), *others))
    measured, published = plot.figure.axes
    assert drawn_points(measured) == 1
    assert drawn_points(published) == len(others)
    assert measured.get_title(loc="left").startswith(
        "measured: Imagenette validation, 4,000 images, on pixel"
    )


def test_the_frontier_steps_through_exactly_the_points_that_nothing_dominates() -> None:
    cells = simulate_cells()
    (axes,) = drawn(tradeoff.draw, cells).figure.axes
    (step,) = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    (points,) = section(cells).frontiers().values()
    assert np.asarray(step.get_xdata()).tolist()[:-1] == [point.cost.value for point in points]
    labels = [text.get_text() for text in axes.texts]
    assert len(labels) == len(points)


@pytest.mark.parametrize("device", [EMULATOR, VM])
def test_what_is_not_a_real_clock_is_drawn_in_instructions_and_never_in_milliseconds(
    device: DeviceInfo,
) -> None:
    cells = simulate_cells(device, widths=(0.25, 0.5), resolutions_px=(128, 224))
    for draw in COST_PLOTS:
        text = words(drawn(draw, cells))
        assert "Instructions per inference, millions" in text
        assert " ms" not in text
    for draw in (memory.draw, samples.draw):
        assert " ms" not in words(drawn(draw, cells))


def test_a_real_clock_is_drawn_in_milliseconds() -> None:
    for draw in COST_PLOTS:
        assert "Latency, ms" in words(drawn(draw, simulate_cells()))


def test_cost_plots_of_an_emulated_device_without_counts_are_omitted_with_the_reason() -> None:
    cells = tuple(without_counts(cell) for cell in simulate_cells(EMULATOR))
    for draw in COST_PLOTS:
        omitted = draw(section(cells))
        assert isinstance(omitted, Omitted)
        assert "no instructions were counted (no plugin)" in omitted.why


def test_emulated_samples_are_marked_as_emulated() -> None:
    cells = simulate_cells(EMULATOR, widths=(0.25,))
    assert "Time of an inference (emulated) relative to its cell's median, %" in words(
        drawn(samples.draw, cells)
    )


def test_every_process_has_a_strip_of_its_quantiles_on_a_linear_axis() -> None:
    cells = simulate_cells(widths=(0.25,), resolutions_px=(128, 224))
    (axes,) = drawn(samples.draw, cells).figure.axes
    assert axes.get_xscale() == "linear"
    strips = [collection for collection in axes.collections if isinstance(collection, PolyCollection)]
    assert len(strips) == sum(len(cell.processes) for cell in cells)


def test_an_arrow_ends_a_strip_that_goes_on_beyond_the_axis() -> None:
    cell, other = simulate_cells(widths=(0.25,), resolutions_px=(128,))
    first, *rest = cell.processes
    tenth = len(first.latencies_ns) // 10
    slow = replace(
        first,
        latencies_ns=(*(2 * one for one in first.latencies_ns[:tenth]), *first.latencies_ns[tenth:]),
    )
    long = drawn(samples.draw, (replace(cell, processes=(slow, *rest)), other))
    short = drawn(samples.draw, (cell, other))
    (axes,), (usual,) = long.figure.axes, short.figure.axes
    arrows = [line for line in axes.lines if line.get_marker() == ">"]
    assert [np.ravel(line.get_xdata()).tolist() for line in arrows] == [[axes.get_xlim()[1]]]
    assert "An arrow: the strip goes on beyond the axis." in words(long)
    assert not [line for line in usual.lines if line.get_marker() == ">"]
    assert "An arrow" not in words(short)


def test_a_slide_shows_cells_evenly_over_their_sizes_where_not_all_have_room() -> None:
    cells = simulate_cells()
    (axes,) = drawn(samples.draw, cells).figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert len(names) == style.MOST_ROWS < len(cells)
    assert names[0].startswith("0.25/128")
    assert names[-1].startswith("1.0/224")


def test_intervals_are_drawn_from_their_low_to_their_high_end() -> None:
    cells = simulate_cells(widths=(0.25, 0.5), resolutions_px=(128,), precisions=("fp32",))
    (axes,) = drawn(by_width.draw, cells).figure.axes
    (container,) = marks(axes)
    ends = [segment[:, 1] for segment in container.lines[2][0].get_segments()]
    for (low, high), cell in zip(ends, cells, strict=True):
        assert cell.latency is not None
        assert (low, high) == pytest.approx(
            (cell.latency.median_ns.low / 1e6, cell.latency.median_ns.high / 1e6)
        )


def test_failed_and_invalid_cells_are_left_out_and_counted() -> None:
    first, second, *others = simulate_cells(widths=(0.25, 0.5))
    others = [
        make_energy_cell(
            make_energy_run(),
            make_sustained_cell(make_sustained_run((60, 9.0)), replace(cell, cold=make_cold(60, 61))),
        )
        for cell in others
    ]
    cells = (failed(first), with_verdict(second, "invalid", "parity", "off"), *others)
    for draw in PLOTS:
        assert f"2 of {len(cells)} cells left out" in words(drawn(draw, cells))
    (axes,) = drawn(by_macs.draw, cells).figure.axes
    assert drawn_points(axes) == len(others)


def test_a_line_breaks_where_a_cell_is_missing() -> None:
    cells = simulate_cells(resolutions_px=(128, 160, 224), precisions=("int8",))
    gone = next(c for c in cells if (c.variant.width, c.variant.resolution_px) == (0.5, 160))
    (axes,) = drawn(by_resolution.draw, tuple(c for c in cells if c is not gone)).figure.axes
    broken = [c for c in marks(axes) if np.isnan(np.asarray(c.lines[0].get_ydata(), dtype=float)).any()]
    assert len(broken) == 1


def test_suspect_cells_are_crossed_and_the_cross_is_explained() -> None:
    first, *others = simulate_cells(widths=(0.25, 0.5))
    plot = drawn(by_macs.draw, (with_verdict(first, "suspect", "throttled", "hot"), *others))
    assert len([line for line in plot.figure.axes[0].lines if line.get_marker() == "x"]) == 1
    assert "marks suspect cells" in words(plot)


def test_memory_phases_add_up_to_the_peak() -> None:
    cells = simulate_cells(widths=(0.25, 1.0), resolutions_px=(224,))
    (axes,) = drawn(memory.draw, cells).figure.axes
    bars = [container for container in axes.containers if isinstance(container, BarContainer)]
    totals = [sum(bar.patches[row].get_width() for bar in bars) for row in range(len(cells))]
    peaks = sorted((cell.memory.peak_rss_bytes or 0) / 1e6 for cell in cells if cell.memory)
    assert totals == pytest.approx(peaks)


def test_memory_given_back_between_phases_never_shrinks_a_bar() -> None:
    (cell,) = simulate_cells(widths=(0.25,), resolutions_px=(128,), precisions=("fp32",))
    assert cell.memory is not None
    shrunk = replace(cell, memory=replace(cell.memory, rss_loaded_bytes=1_000_000))
    (axes,) = drawn(memory.draw, (shrunk,)).figure.axes
    widths = [patch.get_width() for patch in axes.patches if isinstance(patch, Rectangle)]
    assert min(widths) >= 0
    assert cell.memory.peak_rss_bytes
    assert sum(widths) == pytest.approx(cell.memory.peak_rss_bytes / 1e6)


@pytest.mark.parametrize("draw", [by_width.draw, by_resolution.draw])
def test_every_line_of_a_panel_has_the_colour_of_its_precision(
    draw: Callable[[Section], Plot | Omitted],
) -> None:
    figure = drawn(draw, simulate_cells()).figure
    assert len(figure.axes) == 2
    for axes in figure.axes:
        lines = [bars.lines[0] for bars in axes.containers if isinstance(bars, ErrorbarContainer)]
        assert len(lines) == 4
        assert {line.get_color() for line in lines} == {
            style.colour_of(axes.get_title(loc="left").partition(",")[0])
        }
        assert len({line.get_marker() for line in lines}) == 4


def test_the_headlines_of_plots_are_computed_from_the_cells() -> None:
    cells = simulate_cells()
    small, large = (
        next(c for c in cells if c.variant.width == w and c.variant.resolution_px == 224) for w in (0.25, 1.0)
    )
    assert small.latency is not None
    assert large.latency is not None
    ratio = large.latency.median_ns.estimate / small.latency.median_ns.estimate
    title = drawn(by_width.draw, cells).title
    assert title.startswith(f"At 224 px, width 1.0 costs {ratio:.1f}× (fp32)")  # noqa: RUF001


# Of the plots whose figures are of other processes than latency.
HOW_OFTEN = {
    startup.draw: "Each cell: 2 cold processes, one inference in each.",
    sustained.draw: "Each cell: one process.",
    energy.draw: "Energy: one process of each cell.",
    operators.draw: "Each cell: one process, 30 profiled inferences.",
}


def test_each_plot_names_device_clock_processes_samples_and_weights() -> None:
    simulated = simulate_cells(PHONE, widths=(0.25, 0.5))
    cells = tuple(
        make_energy_cell(
            make_energy_run(),
            make_sustained_cell(make_sustained_run((60, 9.0)), replace(cell, cold=make_cold(60, 61))),
        )
        for cell in simulated
    )
    for draw in PLOTS:
        text = words(drawn(draw, cells))
        assert "pixel (Pixel 6), arm64-v8a, real clock" in text
        assert HOW_OFTEN.get(draw, "5 fresh processes, 300 timed inferences") in text
        assert "Weights are random: published accuracy is not that of these files" in text


@pytest.mark.parametrize(
    ("device", "why"),
    [(PHONE, "no cell was started cold"), (EMULATOR, "the device's clock is not a real one")],
)
def test_without_a_cold_start_its_plot_is_left_out_with_the_reason(device: DeviceInfo, why: str) -> None:
    plot = startup.draw(section(simulate_cells(device)))
    assert isinstance(plot, Omitted)
    assert plot.why.startswith(why)


def test_cold_starts_are_compared_by_their_total() -> None:
    first, second, *_ = simulate_cells(widths=(0.25, 0.5))
    plot = drawn(startup.draw, (replace(first, cold=make_cold(60)), replace(second, cold=make_cold(90))))
    assert plot.title.startswith("Cold start-up: from 60.0 ms (")
    assert all(
        phase in words(plot) for phase in ("load", "initialize", "first inference", "in all, not cold")
    )


def test_thread_counts_get_panels_of_their_own() -> None:
    plot = drawn(by_width.draw, simulate_cells(widths=(0.25, 0.5), resolutions_px=(128,), threads=(1, 4)))
    assert len(plot.figure.axes) == 4
    assert "int8, 4 threads" in words(plot)


def test_an_interval_that_misses_its_own_estimate_is_drawn_to_hold_it() -> None:
    cell, other = simulate_cells(widths=(0.25,), resolutions_px=(128,))
    assert cell.latency is not None
    median = replace(cell.latency.median_ns, estimate=5e6, low=5.1e6, high=5.2e6)
    changed = replace(cell, latency=replace(cell.latency, median_ns=median))
    (axes,) = drawn(tradeoff.draw, (changed, other)).figure.axes
    container, _ = marks(axes)
    assert container.lines[2][0].get_segments()[0][:, 0] == pytest.approx([5.0, 5.2])


def test_a_count_of_no_instructions_is_no_figure() -> None:
    cells = tuple(replace(cell, instructions_per_inference=0) for cell in simulate_cells(VM))
    assert section(cells).points == ()


@given(st.lists(st.floats(0, 100), min_size=1, max_size=12))
def test_names_of_lines_end_up_apart_and_in_the_order_of_their_lines(heights: list[float]) -> None:
    moved = style.spread(heights, gap=10)
    by_height = [moved[index] for index in np.argsort(heights, kind="stable")]
    assert all(above - below >= 10 - 1e-9 for below, above in pairwise(by_height))
    assert all(new >= old for new, old in zip(moved, heights, strict=True))


def test_marks_on_an_axis_that_would_overlap_are_dropped() -> None:
    assert style.apart([0.25, 0.35, 0.5, 0.6, 1.0], gap=0.11) == [0.25, 0.5, 1.0]


@pytest.mark.parametrize(("low", "high"), [(11.2, 11.9), (1.2, 4.0), (0.8, 90.0)])
def test_a_logarithmic_axis_always_has_marks_to_read_it_by(low: float, high: float) -> None:
    axes = Figure().subplots()
    style.log_axis(axes, "x", [low, high])
    left, right = axes.get_xlim()
    assert len([tick for tick in axes.get_xticks() if left <= tick <= right]) >= 2
