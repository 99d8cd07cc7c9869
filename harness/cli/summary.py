"""How a run ends on the terminal: a table per device or one JSON document, and its errors."""

from typing import TYPE_CHECKING

import typer

from harness.cli.application import console_for, print_json, show

if TYPE_CHECKING:
    from harness.analysis.budget import Budget
    from harness.measuring.run_outcome import Outcome
    from harness.records import Cell


def show_outcome(outcome: "Outcome", budget: "Budget | None" = None, *, json: bool) -> None:
    """Print how a run ended and its answer within the budget, and end the command with its exit code."""
    from harness.analysis import comparison_text
    from harness.analysis.budget import Budget
    from harness.analysis.comparison import EXIT_CODES
    from harness.analysis.machines import cells_of_runs
    from harness.analysis.units import describe_units
    from harness.cli.ending import conclude
    from harness.cli.failures import error_document, show_errors
    from harness.measuring.search import describe_search

    ending = conclude(outcome, budget or Budget())
    errors = (*outcome.errors, *((ending.no_answer,) if ending.no_answer else ()))
    against = outcome.against
    if json:
        document = {
            "folder": outcome.folder.resolve(),
            "report": outcome.report.resolve() if outcome.report else None,
            "cells": outcome.cells,
            **({"searches": outcome.searches} if outcome.searches else {}),
            **({"against": against} if against else {}),
            **({"between_devices": outcome.units} if outcome.units else {}),
            **ending.document,
            "errors": [error_document(error) for error in errors],
        }
        print_json(document)
    else:
        _show_summary(cells_of_runs([outcome.cells]))
        for line in describe_units(outcome.units):
            show(line)
        if outcome.report:
            console_for().print(f"report: {outcome.report}", soft_wrap=True, highlight=False, markup=False)
        for search in outcome.searches:
            show(describe_search(search))
        if against:
            show("\n".join(["", *comparison_text.to_lines(against, console_for().width)]))
        if ending.text:
            show(f"\n{ending.text}")
    show_errors(errors)
    # A result that is worse weighs more than one that is inconclusive, and its code is the smaller one.
    codes = [ending.exit_code, EXIT_CODES[against.result] if against else 0]
    raise typer.Exit(outcome.exit_code or min(filter(None, codes), default=0))


def _show_summary(cells: "tuple[Cell, ...]") -> None:
    """Print one table per device, real ones first, then what their marks mean."""
    from harness.cli.tables import print_table
    from reports.table_notes import COLUMN_NOTES
    from reports.tables import summarise

    console = console_for()
    notes: dict[str, None] = {}
    for info in sorted(dict.fromkeys(cell.device for cell in cells), key=lambda info: info.emulated):
        table = summarise([cell for cell in cells if cell.device == info])
        verdicts = [row.cells[-1] for row in table.rows]
        # Where they differ, they say which cell it is.
        threads = {cell.plan.threads for cell in cells if cell.device == info}
        constant_threads = ("threads",) if len(threads) == 1 else ()
        shown = print_table(
            console,
            f"{info.name}: {info.model}",
            table.columns,
            [(*row.cells[:-1], row.cells[-1].partition(":")[0]) for row in table.rows],
            droppable=(
                "branch misses k",
                "cache misses k",
                "dumpsys Pss MB",
                "MACs M",
                *constant_threads,
                "file MB",
                "Pss MB",
                "p90 ms",
                "start-up ms",
            ),
            identity=2,
        )
        for verdict in dict.fromkeys(verdict for verdict in verdicts if ":" in verdict):
            names = [row.name for row in table.rows if row.cells[-1] == verdict]
            which = "all" if len(names) == len(verdicts) else ", ".join(names)
            console.print(f"{verdict} ({which})", markup=False, highlight=False)
        if any(":" in verdict for verdict in verdicts):
            console.print()
        hidden = {note for column, note in COLUMN_NOTES.items() if column not in shown}
        notes |= dict.fromkeys(note for note in table.notes if note not in hidden)
    for note in notes:
        console.print(note, style="dim", markup=False, highlight=False)
