"""How a run ends on the terminal: its report, a table a device or one JSON document, its errors."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.cli.application import console_for

if TYPE_CHECKING:
    from harness.records import Cell
    from harness.run import Outcome


def show_outcome(outcome: "Outcome", *, json: bool) -> None:
    """The report, and a table or one JSON document; ends the command with its exit code."""
    from harness.cli.console import print_error

    folder = outcome.folder
    report = write_report_of([folder], folder / "report") if outcome.cells else None
    if json:
        _print_json(outcome, report)
    else:
        _show_summary(outcome.cells)
        if report:
            console_for().print(f"report: {report}", soft_wrap=True, highlight=False, markup=False)
    for error in outcome.errors:
        print_error(console_for(stderr=True), error)
    raise typer.Exit(outcome.errors[0].exit_code if outcome.errors else 0)


def _print_json(outcome: "Outcome", report: Path | None) -> None:
    import msgspec

    document = {
        "folder": str(outcome.folder.resolve()),
        "report": str(report.resolve()) if report else None,
        "cells": outcome.cells,
        "errors": [str(error) for error in outcome.errors],
    }
    typer.echo(msgspec.json.encode(document).decode())


def _show_summary(cells: "tuple[Cell, ...]") -> None:
    """One table a device, then what their marks mean."""
    from harness.cli.console import print_table
    from reports.tables import summarise

    console = console_for()
    notes: dict[str, None] = {}
    for info in dict.fromkeys(cell.device for cell in cells):
        table = summarise([cell for cell in cells if cell.device == info])
        verdicts = [row.cells[-1] for row in table.rows]
        print_table(
            console,
            f"{info.name}: {info.model}",
            table.columns,
            [(*row.cells[:-1], row.cells[-1].partition(":")[0]) for row in table.rows],
            droppable=(
                "branch misses k",
                "cache misses k",
                "dumpsys Pss MB",
                "MACs M",
                "threads",
                "file MB",
                "Pss MB",
                "p90 ms",
            ),
        )
        for verdict in dict.fromkeys(verdict for verdict in verdicts if ":" in verdict):
            names = [" ".join(row.cells[:2]) for row in table.rows if row.cells[-1] == verdict]
            which = "all" if len(names) == len(verdicts) else ", ".join(names)
            console.print(f"{verdict} ({which})", markup=False, highlight=False)
        console.print()
        notes |= dict.fromkeys(table.notes)
    for note in notes:
        console.print(note, style="dim", markup=False, highlight=False)


def write_report_of(folders: list[Path], out: Path) -> Path:
    """Write the report of saved runs and return its index.html."""
    from harness.records.run_folder import load_runs
    from reports.report import write_report

    return write_report(load_runs(folders), out)
