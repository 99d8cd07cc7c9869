"""Names of rows are whole on a picture, also those of a placement and a rate."""

from collections.abc import Callable

import matplotlib
import pytest
from msgspec.structs import replace

from builders import make_cold
from harness.records import Cell
from reports import style
from reports.plots import memory, samples, startup
from reports.sections import Section, arrange
from reports.style import Omitted, Plot
from synthetic import simulate_cells


def with_long_names(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(
        replace(cell, plan=replace(cell.plan, cpus="0,2,4-7", rate_hz=29.97), cold=make_cold(60))
        for cell in cells
    )


@pytest.mark.parametrize("draw", [memory.draw, samples.draw, startup.draw])
def test_the_names_of_rows_are_not_cut(draw: Callable[[Section], Plot | Omitted]) -> None:
    cells = with_long_names(simulate_cells(widths=(0.25, 0.5), resolutions_px=(128,), threads=(2,)))
    with matplotlib.rc_context(style.RC):
        (section,) = arrange(cells)
        plot = draw(section)
        assert isinstance(plot, Plot)
        plot.figure.draw_without_rendering()
        labels = plot.figure.axes[0].get_yticklabels()
        assert any("on 0,2,4-7 at 29.97/s" in label.get_text() for label in labels)
        assert all(label.get_window_extent().x0 >= 0 for label in labels)
