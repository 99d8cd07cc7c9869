"""Grids filled from simulated cells: which cells count, what is predicted from them, and what is refused."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from builders import failed, with_verdict
from harness.analysis.prediction import Fit, Grid, predict_grids
from harness.analysis.prediction_text import describe_method, explain_fits, title
from harness.errors import UsageError
from harness.records import Cell, Variant, Weights
from synthetic import EMULATOR, PHONE, simulate_cell, simulate_cells

# Every shape but three in the middle.
HELD_OUT = ((0.5, 160), (0.75, 192), (0.5, 224))


def phone_cells(*held_out: tuple[float, int], **options: Any) -> tuple[Cell, ...]:
    cells = simulate_cells(PHONE, precisions=("int8",), **options)
    return tuple(cell for cell in cells if shape(cell.variant) not in held_out)


def shape(variant: Variant) -> tuple[float, int]:
    return variant.shape


def only(cells: Sequence[Cell], **options: Any) -> Grid:
    (grid,) = predict_grids(cells, **options)
    return grid


def fit_of(grid: Grid, figure: str) -> Fit:
    return next(fit for fit in grid.fits if fit.figure == figure)


def test_the_shapes_that_were_not_measured_are_predicted_with_every_figure() -> None:
    grid = only(phone_cells(*HELD_OUT))
    assert {shape(one.variant) for one in grid.predictions} == set(HELD_OUT)
    assert len(grid.cells) == 13
    truth = {shape(cell.variant): cell for cell in phone_cells()}
    for one in grid.predictions:
        cell = truth[shape(one.variant)]
        assert cell.latency is not None
        assert cell.memory is not None
        assert cell.memory.peak_rss_bytes is not None
        assert set(one.figures) == {"latency", "peak memory", "file size"}
        latency = one.figures["latency"]
        assert latency.estimate == pytest.approx(cell.latency.median_ns.estimate, rel=0.03)
        assert latency.low < latency.estimate < latency.high < 1.1 * latency.low
        assert one.figures["peak memory"].estimate == pytest.approx(cell.memory.peak_rss_bytes, rel=0.01)
        assert one.figures["file size"].estimate == pytest.approx(cell.artifact.size_bytes, rel=0.01)
        assert latency.confidence == 0.9


def test_on_an_emulated_clock_instructions_are_predicted_and_times_are_not() -> None:
    cells = simulate_cells(EMULATOR, precisions=("int8",))
    grid = only(
        [with_verdict(one, "suspect", "emulated", "no real clock") for one in (*cells[:5], *cells[6:])]
    )
    assert (fit_of(grid, "instructions").cells, fit_of(grid, "latency").cells) == (15, 0)
    (prediction,) = grid.predictions
    counted = cells[5].instructions_per_inference
    assert prediction.figures["instructions"].estimate == pytest.approx(counted, rel=0.01)
    assert "latency" not in prediction.figures


def test_each_precision_and_each_placement_is_fitted_by_itself() -> None:
    cells = phone_cells()
    pinned = [replace(cell, plan=replace(cell.plan, cpus="6-7")) for cell in cells]
    fp32 = [replace(cell, variant=replace(cell.variant, precision="fp32")) for cell in cells]
    threaded = [replace(cell, plan=replace(cell.plan, threads=2)) for cell in cells[:10]]
    grids = predict_grids([*cells, *pinned, *fp32, *threaded])
    assert [len(grid.cells) for grid in grids] == [16, 16, 16, 10]
    assert [title(grid) for grid in grids] == [
        "pixel: Pixel 6, int8, 1 thread",
        "pixel: Pixel 6, int8, 1 thread on prime cores (6-7)",
        "pixel: Pixel 6, fp32, 1 thread",
        "pixel: Pixel 6, int8, 2 threads",
    ]


def test_cells_of_another_executorch_or_of_a_tuned_device_predict_nothing_here() -> None:
    cells = phone_cells()
    other = replace(cells[0], artifact=replace(cells[0].artifact, versions={"executorch": "1.4.0"}))
    tuned = replace(cells[1], plan=replace(cells[1].plan, tune_device=True))
    in_front = replace(cells[2], plan=replace(cells[2].plan, task_profile="top-app"))
    grids = predict_grids([other, tuned, in_front, *cells[3:]])
    assert [len(grid.cells) for grid in grids] == [1, 1, 1, 13]


def test_a_cell_is_left_out_of_the_figures_that_its_reasons_affect() -> None:
    cells = phone_cells(*HELD_OUT)
    throttled = with_verdict(cells[0], "suspect", "throttled", "the clock fell")
    grid = only([throttled, *cells[1:]])
    assert (fit_of(grid, "latency").cells, fit_of(grid, "peak memory").cells) == (12, 13)
    assert throttled in grid.cells


def test_a_failed_or_invalid_cell_is_not_measured_and_is_predicted() -> None:
    cells = phone_cells()
    wrong = with_verdict(cells[9], "invalid", "parity_failed", "differs")
    grid = only([*cells[:5], failed(cells[5]), *cells[6:9], wrong, *cells[10:]])
    assert {shape(one.variant) for one in grid.predictions} == {
        shape(cells[5].variant),
        shape(cells[9].variant),
    }


def test_checkpoints_of_one_shape_are_one_point() -> None:
    cells = phone_cells(*HELD_OUT)
    weights = Weights(source="trained.pt", sha256="b" * 64)
    twin = replace(cells[0], variant=replace(cells[0].variant, weights=weights))
    assert fit_of(only([*cells, twin]), "latency").cells == 13


def test_too_few_cells_are_refused_with_the_command_that_measures_more() -> None:
    cells = [cell for cell in phone_cells() if cell.variant.width == 0.25][:3]
    grid = only(cells)
    assert all(one.figures == {} for one in grid.predictions)
    assert explain_fits(grid) == [
        "not predicted: latency, peak memory, file size: 3 shapes have a usable cell, and an interval of 90%"
        " needs 9",
        "to measure more of the grid: harness run --device pixel --width 0.25,0.5,0.75,1 --resolution 128,224"
        " --precision int8",
    ]


def test_a_lower_confidence_needs_fewer_cells() -> None:
    corners = ((0.25, 128), (0.25, 224), (1.0, 128), (1.0, 224), (0.5, 160))
    cells = [cell for cell in phone_cells() if shape(cell.variant) in corners]
    grid = only(cells, confidence=0.8)
    assert all(one.figures for one in grid.predictions)
    assert {one.figures["latency"].confidence for one in grid.predictions} == {0.8}


def test_a_variant_outside_the_measured_range_is_not_predicted() -> None:
    cells = [cell for cell in phone_cells() if cell.variant.shape[0] < 1.0]
    grid = only(cells)
    assert {shape(one.variant)[0] for one in grid.predictions} == {1.0}
    assert all(one.outside_range and not one.figures for one in grid.predictions)
    assert explain_fits(grid)[-1] == (
        "4 variants are outside the measured range; to measure the grid's corners: harness run --device pixel"
        " --width 0.25,1 --resolution 128,224 --precision int8"
    )


def test_the_largest_network_is_outside_though_its_width_and_side_were_measured() -> None:
    (one,) = only(phone_cells((1.0, 224))).predictions
    assert one.outside_range


def test_the_grid_can_be_named() -> None:
    grid = only(phone_cells(), widths=(0.6, 0.5), resolutions_px=(160, 192))
    assert [shape(one.variant) for one in grid.predictions] == [(0.6, 160), (0.6, 192)]
    assert all(one.figures for one in grid.predictions)


def test_a_width_whose_channels_leave_tiles_part_empty_is_cautioned_of_unless_one_like_it_was_measured() -> (
    None
):
    caution = "caution: width 0.6: not all channels are multiples of 8, as those of every measured width are;"
    ragged = only(phone_cells(), widths=(0.6, 0.75), resolutions_px=(160, 192))
    assert explain_fits(ragged)[-1].startswith(caution)
    published = only(phone_cells((0.75, 160)), widths=(0.75,), resolutions_px=(160,))
    assert published.predictions[0].figures
    assert not any("caution" in line for line in explain_fits(published))
    like_it = simulate_cell(PHONE, Variant(width=0.4, resolution_px=160, precision="int8"))
    known = only([*phone_cells(), like_it], widths=(0.6,), resolutions_px=(160,))
    assert known.predictions[0].figures
    assert not any("caution" in line for line in explain_fits(known))


def test_only_the_named_device_is_predicted() -> None:
    cells = (*phone_cells(), *simulate_cells(EMULATOR))
    assert {grid.machine for grid in predict_grids(cells, device="pix")} == {"pixel"}
    with pytest.raises(UsageError, match="no cell was measured on nokia"):
        predict_grids(cells, device="nokia")


def test_machines_of_one_name_do_not_predict_each_other() -> None:
    other = replace(PHONE, model="Pixel 9")
    cells = (*phone_cells(), *(replace(cell, device=other) for cell in phone_cells()))
    grids = predict_grids(cells)
    assert [len(grid.cells) for grid in grids] == [16, 16]
    assert len({grid.machine for grid in grids}) == 2
    assert {grid.device.name for grid in grids} == {"pixel"}


def test_without_any_figure_there_is_nothing_to_predict_from() -> None:
    with pytest.raises(UsageError, match="all of them failed or are invalid"):
        predict_grids([failed(cell) for cell in phone_cells()])


def test_the_fit_states_how_far_off_left_out_cells_are() -> None:
    grid = only(phone_cells(*HELD_OUT))
    fit = fit_of(grid, "latency")
    assert fit.median_error is not None
    assert fit.largest_error is not None
    assert 0 < fit.median_error < fit.largest_error < 0.1
    assert explain_fits(grid)[0].startswith(
        "latency: fitted to 13 cells; each of them, when left out, is predicted"
    )
    assert title(grid) == "pixel: Pixel 6, int8, 1 thread"


def test_a_complete_grid_has_nothing_to_predict() -> None:
    assert explain_fits(only(phone_cells())) == ["every variant of the grid is measured"]


def test_the_method_states_both_what_is_likely_and_what_is_guaranteed() -> None:
    text = describe_method(0.9)
    assert "About 90% of measurements" in text
    assert "at least 80% whatever the distribution" in text
    assert "Barber et al." in text


def test_a_shape_that_was_never_published_can_be_measured_and_predict() -> None:
    cells = (
        *phone_cells(*HELD_OUT),
        simulate_cell(PHONE, Variant(width=0.6, resolution_px=256, precision="int8")),
    )
    grid = only(cells)
    assert 256 in grid.lists[1]
    assert 0.6 in grid.lists[0]
