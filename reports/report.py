"""A report of measured cells: `index.html`, `report.md`, `cells.csv` and every plot as SVG and PNG."""

from collections.abc import Sequence
from pathlib import Path

from harness.analysis.machines import cells_of_runs
from harness.errors import UsageError
from harness.records import Cell, Run
from harness.records.run_folder import refuse_link
from harness.system.files import write_atomically
from reports.cells_csv import write_csv
from reports.earlier import remove_earlier_pictures
from reports.pages import Page, render_html, render_markdown
from reports.pictures import Picture, draw_pictures
from reports.sections import arrange


def write_report(runs: Sequence[tuple[Run, Sequence[Cell]]], folder: Path) -> Path:
    """Write the report of one or several runs and return its `index.html`.

    Raises:
        UsageError: there is no cell to report on, or the folder is a symbolic link.
    """
    cells = cells_of_runs(members for _, members in runs)
    if not cells:
        raise UsageError("there is no measured cell to report on", hint="measure one first: harness run")
    refuse_link(folder)
    folder.mkdir(parents=True, exist_ok=True)
    sections = arrange(cells)
    pictures = {section.slug: draw_pictures(section, folder) for section in sections}
    page = Page(tuple(run for run, _ in runs), sections, pictures)
    write_csv(runs, folder / "cells.csv")
    write_atomically(folder / "report.md", render_markdown(page))
    index = folder / "index.html"
    write_atomically(index, render_html(page))
    drawn = [picture for members in pictures.values() for picture in members if isinstance(picture, Picture)]
    remove_earlier_pictures(folder, [name for one in drawn for name in (one.svg_name, one.png_name)])
    return index
