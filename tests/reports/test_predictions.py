"""What nobody measured stands apart in a report, on request, and counts for nothing."""

import csv
import json
import re
from pathlib import Path

import pytest

from builders import make_run
from harness.analysis.budget import Budget
from reports.plots import tradeoff
from reports.report import write_report
from reports.sections import arrange
from reports.style import Plot
from synthetic import EMULATOR, PHONE, simulate_cells

GRID = simulate_cells(PHONE, precisions=("int8",))
# 0.5/160 is missing.
CELLS = (*GRID[:5], *GRID[6:])


def test_only_a_report_that_asks_for_predictions_has_them() -> None:
    assert arrange(CELLS)[0].predicted == ()
    (section,) = arrange(CELLS, predicted=True)
    (found,) = section.predicted
    assert (found.name, found.precision, found.placement) == ("0.5/160 int8", "int8", "1 thread")
    assert found.cost.low < found.cost.value < found.cost.high
    assert all(text and text.startswith("≈ ") for text in found.texts[:3])
    assert found.texts[3] == "published 57.7%"
    assert section.cells == CELLS


def test_the_cost_of_an_emulated_device_is_in_instructions() -> None:
    cells = simulate_cells(EMULATOR, precisions=("int8",))
    (section,) = arrange((*cells[:5], *cells[6:]), predicted=True)
    assert [one.texts[0] and one.texts[0].split(" (")[0][-1] for one in section.predicted] == ["M"]


def test_too_few_cells_predict_nothing() -> None:
    (section,) = arrange(GRID[:3], predicted=True)
    assert section.predicted == ()


@pytest.mark.parametrize("include", [False, True])
def test_the_pages_name_them_and_neither_answer_nor_table_of_cells_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, include: bool
) -> None:
    monkeypatch.setattr("reports.report.draw_pictures", lambda *_: ())
    budget = Budget(max_latency_ns=5e6)  # 0.5/160 would be the most accurate within it
    index = write_report([(make_run(CELLS), CELLS)], tmp_path, budget=budget, include_predicted=include)
    page, markdown = index.read_text(), (tmp_path / "report.md").read_text()
    assert ("Predicted, not measured</h2>" in page) is include
    assert ("| 0.5/160 int8 | 1 thread | ≈ " in markdown) is include
    answer = markdown.partition("<details>")[0]
    assert "0.5/128 int8" in answer
    assert "0.5/160" not in answer
    with (tmp_path / "cells.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(CELLS)
    found = re.search(r'<script type="application/json" id="document">(.*?)</script>', page)
    assert found
    document = json.loads(found[1])
    assert len(document["cells"]) == len(CELLS)
    assert [one["name"] for one in document["predicted"]] == (["0.5/160 int8"] if include else [])


def test_the_picture_draws_them_hollow_and_calls_them_predicted() -> None:
    (section,) = arrange(CELLS, predicted=True)
    plot = tradeoff.draw(section)
    assert isinstance(plot, Plot)
    (axes,) = plot.figure.axes
    _, labels = axes.get_legend_handles_labels()
    assert labels == ["int8 (predicted, not measured)", "int8 (published accuracy)"]
