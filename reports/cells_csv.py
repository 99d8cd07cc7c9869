"""`cells.csv`: one line per cell."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from harness.records import Cell, Run
from harness.system.files import write_atomically
from reports.cell_columns import CellRow, row_of
from reports.column_names import column_names
from reports.escaping import spreadsheet


def write_csv(runs: Sequence[tuple[Run, Sequence[Cell]]], path: Path) -> None:
    """Missing figures are empty; text that a spreadsheet would run as a formula is escaped."""
    write_atomically(path, to_csv(cells_table(runs)))


def cells_table(runs: Sequence[tuple[Run, Sequence[Cell]]]) -> list[CellRow]:
    """One row for each cell; all rows have the same columns, and None where a figure is missing."""
    return [row_of(run.id, cell) for run, cells in runs for cell in cells]


def to_csv(table: Sequence[CellRow]) -> str:
    """The table as CSV, its text escaped."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table[0] if table else column_names())
    writer.writerows([_escaped(value) for value in row.values()] for row in table)
    return text.getvalue()


def _escaped(value: str | int | float | None) -> str | int | float | None:
    return spreadsheet(value) if isinstance(value, str) else value
