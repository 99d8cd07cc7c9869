"""Figures of paced cells in the table, on the pages, in the CSV and in exports."""

import csv
import io
import re
from pathlib import Path

from builders import make_cell, make_paced_cell, make_run
from reports.cell_figures import cost_figure
from reports.cells_csv import cells_table, to_csv
from reports.exports.measures import measures_of
from reports.exports.parquet import column_type
from reports.pace import COLUMNS, describe_pace
from reports.report import write_report
from reports.sections import arrange, placement_of
from reports.table_notes import MISSED, RATE
from reports.tables import summarise

CELLS = (make_cell(), make_paced_cell(30.0), make_paced_cell(15.0, 80_000_000, late_ns=2_000_000))


def test_the_table_has_rate_and_misses_only_where_something_was_paced() -> None:
    table = summarise(CELLS)
    at = {name: [row.cells[table.columns.index(name)] for row in table.rows] for name in (RATE, MISSED)}
    assert dict(zip(at[RATE], at[MISSED], strict=True)) == {"–": "–", "30": "0", "15": "100"}  # noqa: RUF001
    assert "p99 ms" in table.columns
    (note,) = (note for note in table.notes if note.startswith("Missed are periods that ended without"))
    assert note.endswith("Latency, p90 and p99 count from an inference's start, not from its slot.")
    alone = summarise(CELLS[:1])
    assert not {RATE, MISSED, "p99 ms"} & set(alone.columns)


def test_placements_are_told_apart_by_their_rate() -> None:
    assert [placement_of(cell).text for cell in CELLS] == ["1 thread", "1 thread at 30/s", "1 thread at 15/s"]
    (section,) = arrange(CELLS)
    assert len(section.placements) == 3


def test_both_pages_have_a_row_for_each_paced_cell(tmp_path: Path) -> None:
    page = write_report([(make_run(CELLS), CELLS)], tmp_path).read_text()
    quick, slow = describe_pace(CELLS)
    assert (quick.name, slow.name) == ("0.5/128 fp32 at 30/s", "0.5/128 fp32 at 15/s")
    assert quick.texts[:4] == ("33.3", "186", "0 (0.0%)", "0")
    # Each begins 2 ms late and takes about 80 ms, longer than the period.
    shown = ("66.7", "372", "372 (100.0%)", "186", "82.23 ± 0.12", "60.0", "2.00", "2.00", "2.00")
    assert slow.texts == shown
    assert slow.texts[COLUMNS.index("paced p99 ms")] == "82.23 ± 0.12"
    assert "Pace of each cell" in page
    markdown = (tmp_path / "report.md").read_text()
    assert all(
        "The paced p99 is that of the time from a slot to the end" in text for text in (page, markdown)
    )
    for row in (quick, slow):
        assert "".join(f'<td class="number">{text}</td>' for text in row.texts) in page
        assert f"| {row.name} | {' | '.join(row.texts)} |" in markdown


def test_the_csv_has_the_figures_in_base_units_and_none_back_to_back() -> None:
    free, quick, slow = csv.DictReader(io.StringIO(to_csv(cells_table([(make_run(CELLS), CELLS)]))))
    columns = [name for name in free if name == "rate_hz" or name.startswith("pace_")]
    assert len(columns) == 13
    assert {free[name] for name in columns} == {""}
    assert (quick["rate_hz"], quick["pace_period_ns"], quick["pace_periods"]) == ("30.0", "33333333", "186")
    assert (slow["pace_missed"], slow["pace_skipped"], slow["pace_missed_share"]) == ("372", "186", "1.0")
    low, p99, high = (float(slow[f"pace_p99_{end}ns"]) for end in ("low_", "", "high_"))
    assert 82e6 < low <= p99 <= high
    assert (slow["pace_lateness_median_ns"], slow["pace_lateness_max_ns"]) == ("2000000.0", "2000000")
    assert "string" not in {column_type(name) for name in columns}


def test_exports_have_the_share_of_missed_periods_the_lateness_and_the_p99_that_decides() -> None:
    figures = {one.name: (one.value, one.unit) for one in measures_of(CELLS[2])}
    assert figures["missed-periods"] == (100.0, "percent")
    assert figures["lateness-p99"] == (2_000_000.0, "ns")
    p99 = next(one for one in measures_of(CELLS[2]) if one.name == "paced-p99")
    assert p99.low is not None
    assert 82e6 < p99.low <= p99.value
    assert not {"missed-periods", "paced-p99"} & {one.name for one in measures_of(CELLS[0])}


def test_the_cost_of_a_cell_at_a_rate_has_the_p99_that_ranks_it() -> None:
    assert re.fullmatch(
        r"[0-9.]+ ms \(at most [0-9.]+ ms\), paced p99 [0-9.]+ ms( \(at most [0-9.]+ ms\))?",
        cost_figure(make_paced_cell(30.0)),
    )
    assert "p99" not in cost_figure(make_cell())
