"""Reports of own programs: named by file, without what only the built-in network has."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from browser import CHROMIUM, open_browser, open_page
from builders import failed, make_own_cell, make_run
from harness.analysis.budget import Budget
from harness.records.run_folder import load_run, write_cell, write_run
from reports import report as written_report
from reports.report import write_report

SENTENCE = "The cheapest valid of 2 within the budget: the accuracy of own programs is not known."


CELLS = (make_own_cell("segmenter", 1.0), make_own_cell("detector", 0.5, "encode", "d"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(written_report, "draw_pictures", lambda *_: ())
    write_report([(make_run(CELLS), CELLS)], tmp_path, budget=Budget(max_latency_ns=1e9))
    return tmp_path


def test_own_programs_are_named_by_file_and_method_and_the_cheapest_is_shipped(folder: Path) -> None:
    text = (folder / "report.md").read_text()
    assert text.startswith("# Own programs on ")
    assert "**Ship this: detector.pte encode**" in text
    assert SENTENCE in text
    assert "harness evaluate" not in text
    assert "as_is MACs" not in text


def test_the_table_of_figures_has_the_method_and_no_width(folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((folder / "cells.csv").read_text())))
    assert [(row["model"], row["method"], row["weights"], row["width"], row["macs"]) for row in rows] == [
        ("segmenter", "forward", "segmenter.pte", "", ""),
        ("detector", "encode", "detector.pte", "", ""),
    ]


def test_a_saved_cell_of_an_own_program_reads_back_as_it_was(tmp_path: Path) -> None:
    write_run(tmp_path, make_run(()))
    for cell in (*CELLS, failed(make_own_cell("broken", 1.0, digest="e"))):
        write_cell(tmp_path, cell)
    _, cells = load_run(tmp_path)
    assert {cell.variant.name for cell in cells} == {"segmenter", "detector.encode", "broken"}
    assert cells[0].artifact.all_inputs[0].text == "int64[1,6]"
    assert cells[0].artifact.all_outputs[0].text == "float32[<=1,6,4]"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs Debian's package chromium")
    with open_browser() as browser:
        yield browser


def test_the_page_says_the_same_for_a_budget_that_is_typed(browser: Browser, folder: Path) -> None:
    with open_page(browser, (folder / "index.html").as_uri()) as page:
        assert SENTENCE in page.locator(".answer").first.inner_text()
        page.fill("input[name=max-latency]", "1000")
        assert SENTENCE in page.locator(".answer").first.inner_text()
        assert page.locator(".answer .name").first.inner_text().startswith("detector.pte encode")
        page.locator(".cells .open").first.click()
        drawer = page.locator("dialog").inner_text()
        assert "method" in drawer
        assert "int64[1,6], float32[<=1,6,4]" in drawer
