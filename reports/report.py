"""A report of measured cells: `index.html`, `report.md`, `cells.csv` and every plot as SVG and PNG."""

from collections.abc import Sequence
from pathlib import Path

from harness.analysis.machines import cells_of_runs
from harness.errors import UsageError
from harness.records import Cell, Run
from harness.system.files import write_atomically
from reports.cells_csv import write_csv
from reports.pages import Page, render_html, render_markdown
from reports.pictures import draw_pictures
from reports.sections import arrange


def write_report(runs: Sequence[tuple[Run, Sequence[Cell]]], folder: Path) -> Path:
    """Write the report of one or several runs and return its `index.html`.

    Raises:
        UsageError: there is no cell to report on.
    """
    cells = cells_of_runs(members for _, members in runs)
    if not cells:
        raise UsageError("there is no measured cell to report on", hint="measure one first: harness run")
    folder.mkdir(parents=True, exist_ok=True)
    sections = arrange(cells)
    pictures = {section.slug: draw_pictures(section, folder) for section in sections}
    page = Page(tuple(run for run, _ in runs), sections, pictures)
    write_csv(runs, folder / "cells.csv")
    write_atomically(folder / "report.md", render_markdown(page))
    index = folder / "index.html"
    write_atomically(index, render_html(page))
    return index
