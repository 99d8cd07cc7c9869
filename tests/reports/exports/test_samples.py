"""One row for each measured inference, process by process."""

import io
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from builders import make_cell, make_device, make_process, make_run
from harness.records import Cell
from reports.exports.samples import write_rows

parquet = pytest.importorskip("pyarrow.parquet")


def written(*cells: Cell) -> list[dict[str, object]]:
    file = io.BytesIO()
    found = write_rows([(make_run(cells), cells)], file)
    rows: list[dict[str, object]] = parquet.read_table(file).to_pylist()
    assert found.rows == len(rows)
    return rows


def test_each_sample_has_its_process_its_place_and_its_phase() -> None:
    processes = (
        make_process(warmup_ns=(9_000_000, 8_000_000), latencies_ns=(7_000_000, 7_100_000), round=3),
        make_process(warmup_ns=(), latencies_ns=(7_200_000,), round=4),
    )
    rows = written(make_cell(processes=processes))
    assert [
        (row["process"], row["round"], row["sample"], row["phase"], row["latency_ns"]) for row in rows
    ] == [
        (0, 3, 0, "warm-up", 9_000_000),
        (0, 3, 1, "warm-up", 8_000_000),
        (0, 3, 2, "steady", 7_000_000),
        (0, 3, 3, "steady", 7_100_000),
        (1, 4, 0, "steady", 7_200_000),
    ]
    assert {row["start_ns"] for row in rows} == {None}
    assert {row["cell"] for row in rows} == {make_cell().name}


def test_paced_samples_have_their_starts_and_untimed_warm_up_has_none() -> None:
    paced = make_process(
        warmup_ns=(9, 8), warmup_cut=1, latencies_ns=(7, 6), starts_ns=(0, 1_000_000, 2_000_500)
    )
    rows = written(replace(make_cell(), processes=(paced,)))
    assert [row["start_ns"] for row in rows] == [None, 0, 1_000_000, 2_000_500]


@pytest.mark.parametrize("clock", ["emulated", "virtual"])
def test_times_of_an_emulated_device_are_left_out_and_counted(clock: str) -> None:
    device = make_device(name="emulator", clock=clock)
    cells = (make_cell(), make_cell(device=device))
    found = write_rows([(make_run(cells), cells)], io.BytesIO())
    assert found.emulated_cells == 1
    assert found.rows == sum(len(p.warmup_ns) + len(p.latencies_ns) for p in cells[0].processes)


def test_text_of_a_device_is_cleaned() -> None:
    rows = written(make_cell(device=make_device(model="Pixel\x1b[31m 6")))
    assert "\x1b" not in str(rows[0]["device_model"])


def test_cells_are_written_as_they_come_and_not_collected() -> None:
    alive: list[str] = []

    def one_by_one() -> Iterator[Cell]:
        for name in ("a", "b", "c"):
            alive.append(name)
            assert file.tell() > 0 or name == "a", "the cell before was not written"
            yield make_cell(device=make_device(name=name))

    file = io.BytesIO()
    write_rows([(make_run((make_cell(),)), one_by_one())], file)
    assert alive == ["a", "b", "c"]
