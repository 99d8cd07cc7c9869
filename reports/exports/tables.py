"""A row for each cell, with the columns of a report's `cells.csv`; times of an emulated device are empty."""

from collections.abc import Sequence

import pandas as pd

from harness.records import Cell, Run
from reports.cells_csv import TIME_COLUMNS, cells_table, to_csv


def encode(run: Run, cells: Sequence[Cell]) -> bytes:
    """CSV in UTF-8; text that a spreadsheet would run as a formula is escaped."""
    return to_csv(exported_table(run, cells)).encode()


def exported_table(run: Run, cells: Sequence[Cell]) -> pd.DataFrame:
    """The table of cells, without figures that other tools would take for a device's."""
    table = cells_table([(run, cells)])
    times = [name for name in table.columns if TIME_COLUMNS.fullmatch(name)]
    table.loc[table["clock"] != "real", times] = None
    return table
