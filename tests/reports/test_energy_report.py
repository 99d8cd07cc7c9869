"""Energy in the table, on the pages, in the CSV, in exports and as a plot."""

import csv
import io
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import make_cell, make_energy_cell, make_energy_run, make_run, with_accuracy
from harness.analysis.budget import Budget
from harness.records import Cell, Variant
from reports.energy import COLUMNS, describe_energy, energy_details, energy_text
from reports.exports.measures import measures_of
from reports.numbers import MISSING
from reports.plots.energy import draw
from reports.report import write_report
from reports.sections import arrange
from reports.style import Omitted, Plot
from reports.table_notes import ENERGY
from reports.tables import summarise

CELL = make_energy_cell(make_energy_run())
FAILED = make_energy_cell("the meter died")


def other(width: float, watts: float, top1: float | None = None) -> Cell:
    """Of another width, with another power."""
    cell = make_cell()
    variant = Variant(width=width, resolution_px=128, precision="fp32")
    cell = replace(cell, variant=variant, artifact=replace(cell.artifact, variant=variant))
    return make_energy_cell(make_energy_run(watts), with_accuracy(cell, top1) if top1 else cell)


def test_the_table_has_the_energy_where_a_cell_has_one() -> None:
    table = summarise([CELL])
    assert table.rows[0].cells[table.columns.index(ENERGY)].startswith("20.000 ± ")
    assert any(note.startswith("Energy is that of an inference") for note in table.notes)
    assert ENERGY not in summarise([make_cell()]).columns
    assert energy_text(FAILED) == MISSING


def test_the_section_names_the_source_or_why_there_is_none() -> None:
    found, failed = describe_energy([CELL, FAILED, make_cell()])
    assert len(found.texts) == len(failed.texts) == len(COLUMNS)
    assert found.texts[1:] == (
        *("30.0", "3.00", "1.00", "1.00", "6,000", "39/59/39"),
        "ina226 VDD_IN: what it is wired to",
    )
    assert failed.texts == (*(MISSING,) * 7, "the meter died")


def test_the_drawer_has_power_and_both_idle_powers() -> None:
    details = dict(energy_details(CELL))
    assert details["energy with idle"] == "30.0 mJ"
    assert details["power"] == "3.00 W; idle 1.00 W before, 1.00 W after"
    assert energy_details(FAILED) == [("energy", "the meter died")]
    assert energy_details(make_cell()) == []


def test_the_reports_have_the_figures_and_the_plot(tmp_path: Path) -> None:
    cells = (CELL, other(0.25, 1.5), replace(FAILED, plan=replace(FAILED.plan, threads=2)))
    write_report([(make_run(cells), cells)], tmp_path)
    page, markdown = ((tmp_path / name).read_text() for name in ("index.html", "report.md"))
    for text in (page, markdown):
        assert "Energy of one inference, back to back" in text
        assert "the meter died" in text
    pictures = list(tmp_path.glob("*-energy.png"))
    assert len(pictures) == 1
    assert f"]({pictures[0].name})" in markdown
    first, _, last = csv.DictReader(io.StringIO((tmp_path / "cells.csv").read_text()))
    assert float(first["energy_net_joules"]) == pytest.approx(0.02)
    assert float(first["energy_gross_joules"]) == pytest.approx(0.03)
    assert (first["energy_source"], first["energy_fewest_updates"]) == ("ina226 VDD_IN", "39")
    assert first["energy_unavailable"] == last["energy_net_joules"] == ""
    assert last["energy_unavailable"] == "the meter died"


def test_exports_have_the_energy_with_its_interval() -> None:
    (measure,) = [one for one in measures_of(CELL) if one.name == "energy"]
    assert measure.unit == "J"
    assert measure.low is not None
    assert measure.low < measure.value == pytest.approx(0.02)


def test_the_plot_sets_energy_against_accuracy_and_says_what_was_read() -> None:
    (section,) = arrange([CELL, other(0.25, 1.5)])
    plot = draw(section)
    assert isinstance(plot, Plot)
    assert plot.title.endswith(" points of accuracy cost 4.00 times the energy: 5.00 to 20.0 mJ")
    words = " ".join(text.get_text() for text in plot.figure.texts).split()
    assert "Covered: what it is wired to." in " ".join(words)
    (axes,) = plot.figure.axes
    assert axes.get_xlabel() == "Energy of an inference without the idle device, mJ (log scale)"


def test_measured_and_published_accuracy_have_a_panel_each() -> None:
    (section,) = arrange([CELL, other(0.25, 1.5), other(0.75, 4.0, 0.6)])
    plot = draw(section)
    assert isinstance(plot, Plot)
    assert len(plot.figure.axes) == 2


def test_runtimes_of_one_precision_have_marks_of_their_own() -> None:
    litert = other(0.25, 1.5)
    variant = replace(litert.variant, runtime="litert")
    litert = replace(litert, variant=variant, artifact=replace(litert.artifact, variant=variant))
    (section,) = arrange([CELL, other(0.75, 4.0), litert])
    plot = draw(section)
    assert isinstance(plot, Plot)
    (axes,) = plot.figure.axes
    _, entries = axes.get_legend_handles_labels()
    assert entries == ["fp32 (published accuracy)", "fp32, LiteRT (published accuracy)"]


def test_a_variant_that_is_cheapest_and_most_accurate_is_the_headline() -> None:
    (section,) = arrange([other(0.25, 1.5, 0.7), other(0.5, 4.0, 0.6)])
    plot = draw(section)
    assert isinstance(plot, Plot)
    assert plot.title.endswith("takes the least energy and is the most accurate")


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ((make_cell(), FAILED), "no cell has an energy; harness run --energy measures it"),
        ((CELL,), "needs at least two cells with an energy and an accuracy"),
    ],
)
def test_without_enough_cells_the_plot_says_what_is_missing(cells: tuple[Cell, ...], why: str) -> None:
    (section,) = arrange(cells)
    omitted = draw(section)
    assert isinstance(omitted, Omitted)
    assert omitted.why == why


def test_a_cell_without_an_energy_is_not_over_its_limit_on_the_page(tmp_path: Path) -> None:
    cells = (CELL, other_without_energy())
    write_report([(make_run(cells), cells)], tmp_path, budget=Budget(max_energy_joules=0.021))
    text = (tmp_path / "report.md").read_text()
    assert "Rejected: 1 cell (1 without a figure for the energy)." in text
    assert "20 mJ (at most 20." in text


def other_without_energy() -> Cell:
    return replace(other(0.25, 2.0), energy=None)
