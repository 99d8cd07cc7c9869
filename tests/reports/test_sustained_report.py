"""Sustained runs in the table, on the pages, in the CSV, in exports and as a plot."""

import csv
import io
from pathlib import Path

import pytest
from matplotlib.text import Text
from msgspec.structs import replace

from builders import make_cell, make_device, make_run, make_sustained_cell, make_sustained_run
from harness.records import Cell, Fell
from reports.exports.measures import measures_of
from reports.plots.sustained import draw
from reports.report import write_report
from reports.sections import arrange
from reports.style import Omitted, Plot
from reports.sustained import describe_sustained, fell_text
from reports.sustained_series import MOST_POINTS, READINGS, describe_minutes, latencies_ms, readings
from reports.table_notes import PLATEAU, RETAINED
from reports.tables import summarise

RUN = make_sustained_run((60, 10.0), (120, 12.5), khz=(1_800_000, 1_440_000))
CELL = make_sustained_cell(RUN)
FAILED = make_sustained_cell("the device restarted")


def column(cell: Cell, title: str) -> str:
    table = summarise([cell])
    return table.rows[0].cells[table.columns.index(title)]


def test_the_table_has_the_plateau_and_what_is_retained() -> None:
    assert column(CELL, PLATEAU).startswith("12.50")
    assert column(CELL, RETAINED) == "80.0"
    assert PLATEAU not in summarise([make_cell()]).columns


def test_the_section_names_the_drop_its_cause_and_why_there_is_none() -> None:
    found, failed = describe_sustained([CELL, FAILED, make_cell()])
    assert found.texts[0] == "180"
    assert found.texts[5:] == ("60", "cores 0-3 fell from 1,800 to 1,440 MHz")
    assert failed.texts[-1] == "the device restarted"


def test_the_section_says_how_warm_the_device_began_or_that_this_is_unknown() -> None:
    began = replace(RUN, began_celsius=38.24, max_temp_celsius=45.0)
    unknown = replace(RUN, began_celsius=None, max_temp_celsius=None)
    found = describe_sustained([make_sustained_cell(began), make_sustained_cell(unknown)])
    assert [row.texts[1] for row in found] == ["38.2 (limit 45)", "unknown"]


@pytest.mark.parametrize(
    ("fell", "text"),
    [
        (
            Fell(what="thermal_status", name="the status", before=0, after=2),
            "the status rose from 0 to 2 during the run",
        ),
        (
            Fell(what="throttled_flags", name="flags", before=0, after=0x60006),
            "flags changed from 0x0 to 0x60006 during the run",
        ),
        (None, "unknown: no sampler ran"),
    ],
)
def test_each_cause_is_a_sentence(fell: Fell | None, text: str) -> None:
    drop = CELL.sustained and CELL.sustained.figures and CELL.sustained.figures.drop
    assert drop
    assert fell_text(replace(drop, fell=fell, unknown=None if fell else "no sampler ran")) == text


def test_the_reports_of_one_cell_have_the_figures_and_the_plot(tmp_path: Path) -> None:
    run = make_run((CELL,))
    write_report([(run, (CELL,))], tmp_path)
    page, markdown = ((tmp_path / name).read_text() for name in ("index.html", "report.md"))
    for text in (page, markdown):
        assert "Over minutes" in text
        assert "cores 0-3 fell from 1,800 to 1,440 MHz" in text
    assert page.count('<table class="rows timeline">') == 2
    pictures = list(tmp_path.glob("*-sustained.png"))
    assert len(pictures) == 1
    assert f"]({pictures[0].name})" in markdown
    (row,) = csv.DictReader(io.StringIO((tmp_path / "cells.csv").read_text()))
    assert (row["sustained_seconds"], row["sustained_drop_second"]) == ("180", "60")
    assert float(row["sustained_retained"]) == pytest.approx(0.8, abs=0.01)
    assert (row["sustained_fell"], row["sustained_fell_after"]) == ("cores 0-3", "1440000")
    assert row["sustained_unavailable"] == ""
    ran = CELL.sustained and CELL.sustained.run
    assert ran
    assert row["sustained_began_celsius"] == ("" if ran.began_celsius is None else str(ran.began_celsius))


def test_exports_have_the_plateau_with_its_interval() -> None:
    (measure,) = [one for one in measures_of(CELL) if one.name == "sustained-latency"]
    assert measure.unit == "ns"
    assert measure.low is not None
    assert measure.low <= measure.value


def test_the_plot_has_a_panel_for_each_quantity_that_was_sampled() -> None:
    (section,) = arrange([CELL])
    plot = draw(section)
    assert isinstance(plot, Plot)
    assert [axes.get_ylabel() for axes in plot.figure.axes] == [
        "Latency, ms",
        "Fastest clock, MHz",
        "Hottest zone, °C",
    ]
    assert plot.title == f"After 3 min {describe_sustained([CELL])[0].name} retains 80.0 % of its first speed"
    (bare,) = arrange([make_sustained_cell(make_sustained_run((60, 10.0)))])
    drawn = draw(bare)
    assert isinstance(drawn, Plot)
    assert len(drawn.figure.axes) == 1


def test_without_a_sustained_run_the_plot_says_how_to_get_one() -> None:
    (section,) = arrange([make_cell()])
    omitted = draw(section)
    assert isinstance(omitted, Omitted)
    assert "harness run --sustain 10m" in omitted.why
    (virtual,) = arrange([make_sustained_cell(RUN, make_cell(device=make_device(clock="virtual")))])
    assert isinstance(draw(virtual), Omitted)


def test_hours_are_drawn_by_medians_and_samples_lie_at_their_time() -> None:
    hours = make_sustained_run((5000, 10.0))
    points = latencies_ms(hours)
    assert len(points) <= MOST_POINTS
    assert points[0][0] == pytest.approx(0.075)
    name, reading, factor = READINGS[0]
    assert name == "fastest clock, MHz"
    assert readings(RUN, reading, factor)[0] == pytest.approx((0.5 / 60, 1800.0))
    late = replace(RUN, began_uptime_seconds=9e3)
    assert readings(late, reading, factor) == []


@pytest.mark.parametrize(("seconds", "text"), [(600, "of a second;"), (5000, "of up to 9 seconds;")])
def test_the_plot_says_of_how_many_seconds_a_point_is(seconds: int, text: str) -> None:
    (section,) = arrange([make_sustained_cell(make_sustained_run((seconds, 10.0)))])
    plot = draw(section)
    assert isinstance(plot, Plot)
    written = " ".join(" ".join(one.get_text() for one in plot.figure.findobj(Text)).split())
    assert f"Each point is the median {text}" in written


def test_the_page_says_nothing_of_minutes_where_no_cell_ran_for_them() -> None:
    assert describe_minutes([make_cell(), FAILED]).missing == "no cell ran for minutes"
    names = [panel.name for panel in describe_minutes([CELL]).panels]
    assert names[1:] == ["fastest clock, MHz", "hottest zone, °C"]
    assert names[0].endswith(", ms")
