"""A report of measured cells: `index.html`, `report.md`, `cells.csv` and every plot as PNG."""

from collections.abc import Sequence
from pathlib import Path

from harness.analysis.budget import Budget
from harness.analysis.comparison import Comparison
from harness.analysis.device_pools import find_pools
from harness.analysis.machines import cells_of_runs
from harness.analysis.uncounted_cells import describe_repeated, describe_unreadable, without_repeated
from harness.errors import UsageError
from harness.records import Cell, Run
from harness.records.cell_files import refuse_link
from harness.records.outcomes import OutcomesByFigures
from harness.system.files import write_atomically
from reports.cells_csv import write_csv
from reports.earlier import TRACE, remove_earlier_files
from reports.pages import Link, Page, describe_parts, render_html, render_markdown
from reports.pictures import draw_pictures
from reports.sections import Section, arrange
from reports.trace import write_trace
from reports.trace_devices import traced_devices

# Of the run folder that a report lies in, and what they hold.
_BESIDE = (
    ("cells", "every sample of each cell, in the order it was taken"),
    ("base", "the same of the run it was measured against"),
    ("run.json", "the plan and all versions"),
    ("accuracy", "accuracy per class, confusions, and whether each image was classified correctly"),
)


def write_report(
    runs: Sequence[tuple[Run, Sequence[Cell]]],
    folder: Path,
    *,
    budget: Budget | None = None,
    outcomes: OutcomesByFigures | None = None,
    include_predicted: bool = False,
    against: Sequence[Comparison] = (),
    trace: bool = False,
    bases: Sequence[tuple[Run, Sequence[Cell]]] = (),
    unreadable: int = 0,
) -> Path:
    """Write the report of one or several runs and return its `index.html`; it answers for the budget first.

    `against` are the results of runs that were measured against another, `bases` those runs with the cells
    measured of the other, for a trace. With `include_predicted`, variants
    that nobody measured are shown apart. With `trace`, also a trace that Perfetto opens, beside the page.
    `unreadable` counts the cells that were left out of the runs.

    Raises:
        UsageError: there is no cell to report on, or the folder is a symbolic link.
    """
    repeated = describe_repeated([members for _, members in runs])
    distinct = without_repeated([members for _, members in runs])
    runs = [(run, members) for (run, _), members in zip(runs, distinct, strict=True) if members]
    cells = cells_of_runs(members for _, members in runs)
    if not cells:
        raise UsageError("there is no measured cell to report on", hint="measure one first: harness run")
    refuse_link(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pools = find_pools(runs)
    sections = arrange(cells, predicted=include_predicted, pools=pools)
    pictures = {section.slug: draw_pictures(section, folder) for section in sections}
    drawn = [picture.name for members in pictures.values() for picture in members]
    page = Page(
        runs=tuple(run for run, _ in runs),
        sections=sections,
        budget=budget or Budget(),
        outcomes=outcomes or {},
        pictures=pictures,
        runs_of=_runs_by_section(runs, sections),
        links=_links(folder, drawn, trace=trace),
        include_predicted=include_predicted,
        against=tuple(one for at, one in enumerate(against) if one not in against[:at]),
        remarks=(*pools.remarks, *repeated, *describe_unreadable(unreadable)),
    )
    write_csv(runs, folder / "cells.csv")
    if trace:
        write_trace(traced_devices(runs, bases, pools=pools), folder / TRACE)
    parts = describe_parts(page)
    write_atomically(folder / "report.md", render_markdown(page, parts))
    index = folder / "index.html"
    write_atomically(index, render_html(page, parts))
    remove_earlier_files(folder, [*drawn, TRACE] if trace else drawn)
    return index


def _runs_by_section(
    runs: Sequence[tuple[Run, Sequence[Cell]]], sections: Sequence[Section]
) -> dict[str, tuple[Run, ...]]:
    """The runs that measured a section's device, by its slug."""
    owners = [number for number, (_, members) in enumerate(runs) for _ in members]
    return {
        section.slug: tuple(runs[number][0] for number in sorted({owners[at] for at in section.positions}))
        for section in sections
    }


def _links(folder: Path, pictures: Sequence[str], *, trace: bool) -> tuple[Link, ...]:
    """Only to files that lie where the page says."""
    beside = [
        Link("cells.csv", "cells.csv", "one line per cell, with units in the column names"),
        Link("report.md", "report.md", "this page in Markdown, for a pull request"),
        *([Link(TRACE, TRACE, "what ran when, at which clock: open it in ui.perfetto.dev")] if trace else []),
        *(Link(name, name, "a plot of 1920 × 1080 for a talk") for name in pictures),  # noqa: RUF001
    ]
    of_run = [Link(f"../{name}", name, what) for name, what in _BESIDE if (folder.parent / name).exists()]
    return (*beside, *of_run)
