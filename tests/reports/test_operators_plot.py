"""The plot of time by operator."""

import matplotlib
import pytest
from msgspec.structs import replace

from harness.records import Cell
from reports import style
from reports.plots import operators
from reports.sections import arrange
from reports.style import Omitted, Plot
from synthetic import PHONE, VM, simulate_cells


def draw(cells: tuple[Cell, ...]) -> Plot | Omitted:
    (section,) = arrange(cells)
    with matplotlib.rc_context(style.RC):
        return operators.draw(section)


def test_each_cell_has_a_bar_of_all_kinds_that_adds_up_to_its_operators() -> None:
    cells = simulate_cells(PHONE, widths=(0.25, 0.5), resolutions_px=(128,))
    plot = draw(cells)
    assert isinstance(plot, Plot)
    (axes,) = plot.figure.axes
    assert len(axes.containers) == 5
    lengths = [sum(bars[row].get_width() for bars in axes.containers) for row in range(len(cells))]
    wholes = [sum(one.mean_ns for one in cell.profile.operators) / 1e6 for cell in cells if cell.profile]
    assert lengths == pytest.approx(sorted(wholes))
    assert plot.title == "Pointwise convolutions take 60 % of an inference"
    assert axes.get_xlabel() == "Time in operators, ms"


def test_virtual_time_is_shown_as_instructions() -> None:
    plot = draw(simulate_cells(VM, widths=(0.25,), resolutions_px=(128,)))
    assert isinstance(plot, Plot)
    assert plot.figure.axes[0].get_xlabel() == "Instructions in operators, millions"


def test_without_a_profile_the_report_names_the_option_that_makes_one() -> None:
    cells = tuple(replace(cell, profile=None) for cell in simulate_cells(widths=(0.25,)))
    omitted = draw(cells)
    assert isinstance(omitted, Omitted)
    assert "--profile" in omitted.why
