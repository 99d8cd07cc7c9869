"""The rows of the page's table."""

from reports.cell_rows import list_cells
from reports.numbers import significant
from reports.sections import arrange
from synthetic import simulate_cells


def test_the_peak_of_a_row_is_the_median_that_other_tables_show() -> None:
    (section,) = arrange(simulate_cells(widths=(0.25, 0.5), resolutions_px=(128,)))
    table = list_cells(section, 0)
    place = [column.key for column in table.columns].index("memory")
    for row in table.rows:
        memory = section.cells[row.index].memory
        assert memory
        assert memory.peak_rss_bytes
        assert row.texts[place] == significant(memory.peak_rss_bytes / 1e6)
