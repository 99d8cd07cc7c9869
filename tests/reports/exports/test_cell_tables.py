"""Tables for other tools: CSV and Parquet, with the columns of a report."""

import csv
import io
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from exported_cells import CELLS, EMULATED, VALID, exported

from builders import (
    SHELL,
    STEADY_MEDIANS,
    make_cell,
    make_energy_cell,
    make_energy_run,
    make_processes,
    make_run,
    make_sustained_cell,
    make_sustained_run,
)
from harness.errors import UsageError
from harness.records import Cell
from reports.cell_columns import row_of
from reports.cells_csv import cells_table
from reports.exports.parquet import column_type, typed


def rows(*cells: object) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(exported("csv", *cells).decode())))  # type: ignore[arg-type]


def test_csv_has_a_row_for_each_cell_and_keeps_all_digits_of_counts() -> None:
    table = rows(*CELLS)
    assert len(table) == len(CELLS)
    assert table[0]["instructions_per_inference"] == ""
    assert table[4]["instructions_per_inference"] == "7601843"


def test_times_of_an_emulated_device_are_empty_and_those_of_a_device_are_not() -> None:
    emulated, real = rows(EMULATED, VALID)
    times = [name for name in real if name.endswith("_ns") and real[name]]
    assert {"latency_median_ns", "latency_min_ns", "load_median_ns", "startup_median_high_ns"} <= set(times)
    assert [emulated[name] for name in times] == [""] * len(times)
    assert emulated["instructions_per_inference"] == "7601843"


def test_formulas_in_names_are_escaped_in_csv() -> None:
    from msgspec.structs import replace

    from builders import make_device

    (row,) = rows(replace(VALID, device=make_device(name="=1+1")))
    assert row["device"] == "'=1+1"


def test_parquet_has_typed_columns_and_null_for_what_is_missing() -> None:
    table = read_parquet(CELLS)
    assert str(table.schema.field("instructions_per_inference").type) == "int64"
    assert table["instructions_per_inference"][4].as_py() == 7_601_843
    assert str(table.schema.field("latency_median_ns").type) == "double"
    assert table["latency_median_ns"][4].as_py() is None
    assert table["weights"][0].as_py() == "trained.pt"


def test_the_columns_of_parquet_do_not_depend_on_the_cells() -> None:
    assert read_parquet([VALID]).schema == read_parquet([EMULATED]).schema


def read_parquet(cells: Sequence[Cell]) -> Any:
    parquet = pytest.importorskip("pyarrow.parquet")
    return parquet.read_table(io.BytesIO(exported("parquet", *cells)))


# What a kernel says of its scheduling, as numbers where all processes agree, and what minutes of use show.
MINUTES = make_sustained_cell(
    make_sustained_run((60, 10.0), (120, 12.5), khz=(1_800_000, 1_440_000)),
    make_cell(processes=make_processes(*STEADY_MEDIANS, scheduling=SHELL)),
)


def test_each_column_has_the_type_of_its_values() -> None:
    kinds: dict[str, tuple[type, ...]] = {"Float64": (float, int), "Int64": (int,), "string": (str,)}
    for row in cells_table([(make_run(CELLS), (*CELLS, MINUTES))]):
        for name, value in typed(row).items():
            assert value is None or isinstance(value, kinds[column_type(name)]), name


def test_figures_of_minutes_and_of_scheduling_are_written_as_parquet() -> None:
    (row,) = read_parquet([MINUTES]).to_pylist()
    assert MINUTES.sustained is not None
    assert MINUTES.sustained.figures is not None
    assert row["sustained_seconds"] == 180
    assert row["sustained_plateau_ns"] == MINUTES.sustained.figures.plateau_ns.estimate
    assert row["timer_slack_ns"] == str(SHELL.timer_slack_ns)


def test_energy_and_temperatures_are_numbers_in_parquet() -> None:
    columns = row_of("a run", make_energy_cell(make_energy_run(3.0), MINUTES))
    numbers = [name for name, value in columns.items() if isinstance(value, int | float)]
    texts = {name for name in numbers if column_type(name) == "string"}
    # These are text where processes differ.
    assert texts == {
        *("uclamp_min_per_1024", "uclamp_max_per_1024"),
        *("oom_score_adj", "timer_slack_ns", "nice"),
    }
    for name in ("energy_net_joules", "energy_mean_watts", "sustained_began_celsius"):
        assert column_type(name) == "Float64"
    assert column_type("energy_inferences") == "Int64"


def test_parquet_without_pyarrow_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match="needs the package pyarrow") as refused:
        exported("parquet", VALID)
    assert "mobilenet-harness[parquet]" in refused.value.hint
