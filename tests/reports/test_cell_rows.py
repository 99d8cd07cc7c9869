"""The rows of the page's table."""

from msgspec.structs import replace

from builders import make_cold, make_energy_cell, make_energy_run, make_sustained_cell, make_sustained_run
from harness.records import Cell
from reports.cell_rows import CellTable, list_cells
from reports.numbers import MISSING, significant
from reports.sections import arrange
from synthetic import PHONE, VM, simulate_cells

FURTHER = ("cold", "sustained", "retained", "energy")


def two_cells() -> tuple[Cell, Cell]:
    small, large = simulate_cells(PHONE, widths=(0.25, 0.5), resolutions_px=(128,), precisions=("int8",))
    return small, large


def table_of(*cells: Cell) -> CellTable:
    (section,) = arrange(cells)
    return list_cells(section, 0)


def texts_of(table: CellTable, key: str) -> list[str]:
    place = [column.key for column in table.columns].index(key)
    return [row.texts[place] for row in table.rows]


def sustained(cell: Cell, plateau_ms: float = 12.5) -> Cell:
    return make_sustained_cell(make_sustained_run((60, 10.0), (120, plateau_ms)), cell)


def test_the_peak_of_a_row_is_the_median_that_other_tables_show() -> None:
    (section,) = arrange(simulate_cells(widths=(0.25, 0.5), resolutions_px=(128,)))
    table = list_cells(section, 0)
    place = [column.key for column in table.columns].index("memory")
    for row in table.rows:
        memory = section.cells[row.index].memory
        assert memory
        assert memory.peak_rss_bytes
        assert row.texts[place] == significant(memory.peak_rss_bytes / 1e6)


def test_figures_that_were_not_asked_for_are_no_columns() -> None:
    table = table_of(*two_cells())
    assert not {column.key for column in table.columns} & set(FURTHER)
    assert not any("MACs" in text for text in table.constant)


def test_energy_plateau_and_what_is_retained_stand_with_their_intervals_on_wide_screens() -> None:
    small, large = two_cells()
    first = make_energy_cell(make_energy_run(2.0), sustained(small))
    second = make_energy_cell(make_energy_run(3.0), sustained(large, 11.0))
    table = table_of(first, second)
    titles = {column.key: column.title for column in table.columns}
    assert [titles[key] for key in FURTHER[1:]] == ["sustained, ms", "retained, %", "energy, mJ"]
    assert all(column.wide for column in table.columns if column.key in FURTHER)
    assert [column.key for column in table.columns if not column.wide] == ["cost", "accuracy"]
    assert [text.partition(" (")[0] for text in texts_of(table, "energy")] == ["10.000", "20.000"]
    plateaus = texts_of(table, "sustained")
    assert [text.partition(" (")[0] for text in plateaus] == ["12.5000", "11.0000"]
    for text in (*texts_of(table, "energy"), *plateaus):
        assert text.endswith(")")
    assert texts_of(table, "retained") == ["80.0", "90.9"]


def test_a_figure_that_only_one_cell_has_is_a_column_and_missing_in_the_other() -> None:
    small, large = two_cells()
    failed = make_energy_cell("the meter died", make_sustained_cell("the device restarted", large))
    table = table_of(make_energy_cell(make_energy_run(), sustained(small)), failed)
    for key in FURTHER[1:]:
        assert texts_of(table, key)[1] == MISSING
        assert texts_of(table, key)[0] != MISSING
    assert not {column.key for column in table_of(failed, failed).columns} & set(FURTHER)


def test_a_share_that_all_cells_retain_is_said_once() -> None:
    small, large = two_cells()
    table = table_of(sustained(small), sustained(large))
    assert "80.0 % of the first speed retained" in table.constant
    assert "retained" not in {column.key for column in table.columns}


def test_a_cold_start_stands_beside_the_warm_one() -> None:
    small, large = two_cells()
    cold = replace(small, cold=make_cold(60, 61, 62, 63, 64, 65))
    table = table_of(cold, large)
    assert texts_of(table, "cold") == ["62.5", MISSING]
    assert texts_of(table, "startup")[0] != "62.5"


def test_times_of_a_clock_that_is_not_real_are_no_columns() -> None:
    (cell,) = simulate_cells(VM, widths=(0.25,), resolutions_px=(128,), precisions=("int8",))
    table = table_of(sustained(replace(cell, cold=make_cold(60, 61, 62, 63, 64, 65))))
    assert not {column.key for column in table.columns} & set(FURTHER)
