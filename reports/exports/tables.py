"""A row for each cell, with the columns of a report's `cells.csv`; times of an emulated device are empty."""

from collections.abc import Sequence

from harness.records import Cell, Run
from reports.cell_columns import TIME_COLUMNS, CellRow
from reports.cells_csv import cells_table, to_csv


def encode(run: Run, cells: Sequence[Cell]) -> bytes:
    """CSV in UTF-8; text that a spreadsheet would run as a formula is escaped."""
    return to_csv(exported_table(run, cells)).encode()


def exported_table(run: Run, cells: Sequence[Cell]) -> list[CellRow]:
    """The table of cells, without figures that other tools would take for a device's."""
    return [row if row["clock"] == "real" else _without_times(row) for row in cells_table([(run, cells)])]


def _without_times(row: CellRow) -> CellRow:
    return {name: None if TIME_COLUMNS.fullmatch(name) else value for name, value in row.items()}
