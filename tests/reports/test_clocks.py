"""The clock that was held while measuring, in the report."""

import csv
import io
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import make_cell, make_run
from harness.records import Cell, HeldClock
from reports.clocks import held_clock_text, held_clocks_of
from reports.report import write_report


def held(cores: str, held_khz: int, max_khz: int) -> HeldClock:
    return HeldClock(cores=cores, held_khz=held_khz, max_khz=max_khz, source="sampler")


BIG = held("6-7", 1_980_000, 3_400_000)
LITTLE = held("0-3", 1_800_000, 1_800_000)


def cell_with(*clocks: HeldClock) -> Cell:
    return replace(make_cell(), held_clocks=clocks)


@pytest.mark.parametrize(
    ("clocks", "text"),
    [
        ((BIG,), "1.98 of 3.40 GHz"),
        ((LITTLE, BIG), "cores 0-3: 1.80 of 1.80 GHz; cores 6-7: 1.98 of 3.40 GHz"),
        ((), "–"),  # noqa: RUF001
    ],
)
def test_a_cell_shows_the_held_clock_of_each_cluster_and_its_maximum(
    clocks: tuple[HeldClock, ...], text: str
) -> None:
    assert held_clock_text(cell_with(*clocks)) == text


def test_a_device_shows_the_range_of_held_clocks_over_its_cells() -> None:
    cells = (cell_with(LITTLE, BIG), cell_with(replace(BIG, held_khz=1_950_000)), cell_with())
    assert held_clocks_of(cells) == "cores 0-3: 1.80 of 1.80 GHz; cores 6-7: 1.95 to 1.98 of 3.40 GHz"
    assert held_clocks_of([cell_with()]) == ""


def test_cores_that_a_damaged_file_names_reach_no_terminal_unfiltered() -> None:
    assert "\x1b" not in held_clocks_of([cell_with(replace(BIG, cores="6\x1b[2J"))])


def test_both_pages_and_the_csv_have_the_held_clocks(tmp_path: Path) -> None:
    cells = (cell_with(BIG),)
    page = write_report([(make_run(cells), cells)], tmp_path).read_text()
    assert '<th scope="row">Clock held while measuring</th><td>cores 6-7: 1.98 of 3.40 GHz</td>' in page
    assert "<td>1.98 of 3.40 GHz</td>" in page
    assert "holds a lower clock that can be sustained" in page
    text = (tmp_path / "report.md").read_text()
    assert "| Clock held while measuring | cores 6-7: 1.98 of 3.40 GHz |" in text
    (row,) = csv.DictReader(io.StringIO((tmp_path / "cells.csv").read_text()))
    assert row["held_clocks"] == "cores 6-7: 1980000 of 3400000 kHz"


def test_without_a_known_clock_the_pages_do_not_mention_it(tmp_path: Path) -> None:
    cells = (cell_with(),)
    page = write_report([(make_run(cells), cells)], tmp_path).read_text()
    assert "Clock held while measuring" not in page
    assert "can be sustained" not in page
