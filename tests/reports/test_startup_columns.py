"""Start-up in the table, on the pages and in the CSV."""

import csv
import io
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import make_cell, make_cold, make_device, make_processes, make_run
from harness.records import Cell, Interval, Startup
from reports.exports.measures import measures_of
from reports.report import write_report
from reports.startup import describe_startup
from reports.table_notes import COLD, STARTUP
from reports.tables import summarise


def interval(estimate_ms: float, half_width_ms: float) -> Interval:
    estimate, half_width = estimate_ms * 1e6, half_width_ms * 1e6
    return Interval(estimate=estimate, low=estimate - half_width / 2, high=estimate + half_width)


def started_cell() -> Cell:
    startup = Startup(
        load_ns=interval(4, 0.1),
        init_ns=interval(20, 1.2),
        first_ns=interval(19, 2),
        total_ns=interval(43.2, 2.4),
    )
    return replace(make_cell(), startup=startup)


def column(cell: Cell) -> list[str]:
    table = summarise([cell])
    return [row.cells[table.columns.index(STARTUP)] for row in table.rows]


def test_the_table_has_the_total_with_the_wider_side_of_its_interval() -> None:
    assert column(started_cell()) == ["43.2 ± 2.4"]
    notes = summarise([started_cell()]).notes
    assert any(note.startswith("Start-up is load, init and first inference") for note in notes)


def test_a_cell_saved_without_a_startup_has_no_figure() -> None:
    assert column(replace(started_cell(), startup=None)) == ["–"]  # noqa: RUF001


def test_one_process_has_figures_without_an_interval() -> None:
    assert column(make_cell(processes=make_processes(10_000_000))) == ["44.000"]


def test_load_init_and_first_inference_have_their_intervals_on_both_pages(tmp_path: Path) -> None:
    cells = (started_cell(),)
    page = write_report([(make_run(cells), cells)], tmp_path).read_text()
    row = ("4.00 ± 0.10", "20.0 ± 1.2", "19 (18–21)", "43.2 ± 2.4")  # noqa: RUF001
    (described,) = describe_startup(cells)
    assert described.texts == row
    assert "Start-up of each cell" in page
    assert "".join(f'<td class="number">{text}</td>' for text in row) in page
    assert f"| 0.5/128 fp32 | {' | '.join(row)} |" in (tmp_path / "report.md").read_text()


def test_the_csv_has_the_interval_of_each_phase_in_nanoseconds(tmp_path: Path) -> None:
    cells = (started_cell(), replace(started_cell(), startup=None))
    write_report([(make_run(cells), cells)], tmp_path)
    row, without = csv.DictReader(io.StringIO((tmp_path / "cells.csv").read_text()))
    phases = ("load", "init", "first_inference", "startup")
    names = [f"{phase}_median{end}_ns" for phase in phases for end in ("", "_low", "_high")]
    milliseconds = [4, 3.95, 4.1, 20, 19.4, 21.2, 19, 18, 21, 43.2, 42, 45.6]
    assert [float(row[name]) / 1e6 for name in names] == pytest.approx(milliseconds)
    assert {without[name] for name in names} == {""}


def test_emulated_devices_have_no_startup_in_milliseconds(tmp_path: Path) -> None:
    cells = (replace(started_cell(), device=make_device(name="emulator", clock="emulated")),)
    assert STARTUP not in summarise(cells).columns
    assert describe_startup(cells) == ()
    page = write_report([(make_run(cells), cells)], tmp_path).read_text()
    assert "Start-up of each cell" not in page
    assert "Start-up" not in (tmp_path / "report.md").read_text()


def test_a_cold_start_has_its_row_and_its_columns(tmp_path: Path) -> None:
    cells = (replace(started_cell(), cold=make_cold(60, 61, 62, 63, 64, 65)),)
    table = summarise(cells)
    assert table.rows[0].cells[table.columns.index(COLD)] == "62.5 ± 2.1"
    assert [row.name for row in describe_startup(cells)] == ["0.5/128 fp32", "0.5/128 fp32, cold"]
    page = write_report([(make_run(cells), cells)], tmp_path).read_text()
    assert "cold first inference" in page
    (row,) = csv.DictReader(io.StringIO((tmp_path / "cells.csv").read_text()))
    assert (row["cold_startup_median_ns"], row["cold_processes"]) == ("62500000.0", "6")
    assert (float(row["cold_load_median_ns"]), row["cold_unavailable"]) == (1e6, "")


def test_a_start_that_was_not_cold_has_the_reason_and_no_figure(tmp_path: Path) -> None:
    cells = (replace(started_cell(), cold=make_cold(60, 61, kept_pages=1)),)
    _, row = describe_startup(cells)
    assert row.name == "0.5/128 fp32, cold: 2 of 2 processes were not cold: a page stayed"
    assert set(row.texts) == {"–"}  # noqa: RUF001
    assert COLD not in summarise(cells).columns
    write_report([(make_run(cells), cells)], tmp_path)
    (line,) = csv.DictReader(io.StringIO((tmp_path / "cells.csv").read_text()))
    assert line["cold_startup_median_ns"] == ""
    assert line["cold_unavailable"] == "2 of 2 processes were not cold: a page stayed"


def test_a_wide_uneven_interval_is_shown_with_both_ends() -> None:
    total = Interval(estimate=2.6e6, low=1.9e6, high=4.4e6)
    cell = started_cell()
    assert cell.startup
    assert column(replace(cell, startup=replace(cell.startup, total_ns=total))) == ["2.6 (1.9–4.4)"]  # noqa: RUF001


def test_exports_have_the_first_launch_apart_from_the_later_ones() -> None:
    cell = started_cell()
    first = replace(cell, first_launch=cell.startup)
    assert "first-launch-startup" not in {one.name for one in measures_of(cell)}
    (measure,) = [one for one in measures_of(first) if one.name == "first-launch-startup"]
    assert cell.startup
    assert (measure.value, measure.unit) == (cell.startup.total_ns.estimate, "ns")
