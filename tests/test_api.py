"""The Python API gives what the commands print and write."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from builders import make_cell, make_device, make_run
from harness import api
from harness.errors import UsageError
from harness.records import Cell
from harness.records.run_folder import write_cell, write_run
from harness_command import HarnessCommand
from reports.cells_csv import write_csv
from reports.escaping import spreadsheet
from synthetic import PHONE, simulate_cells

BASE = Path(__file__).parents[1] / "benchmarks" / "base"

REQUEST = api.RunRequest(
    devices=("emulator",), widths=(0.25,), resolutions_px=(32,), precisions=("fp32",), threads=(1,)
)


def save(folder: Path, *cells: Cell) -> Path:
    write_run(folder, make_run(cells))
    for cell in cells:
        write_cell(folder, cell)
    return folder


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("phone"), *simulate_cells(PHONE, precisions=("fp32", "int8")))


def test_importing_it_imports_neither_torch_nor_what_draws_or_tabulates() -> None:
    heavy = ("torch", "executorch", "pandas", "matplotlib", "pyarrow", "typer")
    program = f"import harness.api, sys; print([name for name in {heavy} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.stdout == "[]\n", ended.stderr


def test_the_frame_equals_cells_csv_column_by_column(phone: Path, tmp_path: Path) -> None:
    formula = make_cell(device=make_device(model="=1+1", soc=None))
    runs = api.load_runs(phone, BASE, save(tmp_path / "formula", formula))
    frame = api.to_frame(runs)
    write_csv([(one.run, one.cells) for one in runs], tmp_path / "cells.csv")
    with (tmp_path / "cells.csv").open(newline="") as file:
        names, *rows = csv.reader(file)
    assert list(frame.columns) == names
    assert len(frame) == len(rows) == sum(len(one.cells) for one in runs)
    for at, name in enumerate(names):
        column = frame[name]
        texts = ["" if na else _text(value) for value, na in zip(column, column.isna(), strict=True)]
        assert texts == [_number(row[at], str(column.dtype)) for row in rows], name
    assert {str(kind) for kind in frame.dtypes} == {"Float64", "Int64", "string"}


def _text(value: object) -> str:
    plain = value.item() if isinstance(value, np.generic) else value
    return spreadsheet(plain) if isinstance(plain, str) else repr(plain)


def _number(text: str, kind: str) -> str:
    """The CSV's number as Python prints it, in the column's type."""
    if not text or kind == "string":
        return text
    return repr(float(text)) if kind == "Float64" else repr(int(text))


def test_a_pick_is_the_document_of_the_command(phone: Path, run_harness: HarnessCommand) -> None:
    answers = api.pick(api.load_runs(phone), api.Budget(max_latency_ns=6e6, min_accuracy=0.4))
    printed = json.loads(
        run_harness("pick", phone, "--max-latency", "6ms", "--min-accuracy", "40%", "--json").stdout
    )
    assert printed.pop("errors") == []
    assert json.loads(_json(answers.document)) == printed
    assert "Ship" in answers.explain() or "ship" in answers.explain()


def _json(document: object) -> bytes:
    import msgspec

    return msgspec.json.encode(document, enc_hook=str)


def test_a_prediction_is_that_of_the_command(phone: Path, run_harness: HarnessCommand) -> None:
    grids = api.predict(api.load_runs(phone), widths=(0.6,), resolutions_px=(160,))
    printed = json.loads(
        run_harness("predict", phone, "--width", "0.6", "--resolution", "160", "--json").stdout
    )
    predicted = [one for grid in printed["grids"] for one in grid["predicted"]]
    ours = [one for grid in grids for one in grid.predictions]
    assert [one["latency_ns"]["estimate"] for one in predicted] == [
        one.figures["latency"].estimate for one in ours
    ]
    assert len(ours) == 2
    with pytest.raises(UsageError, match="not 144"):
        api.predict(api.load_runs(phone), resolutions_px=(144,))
    with pytest.raises(UsageError, match="confidence"):
        api.predict(api.load_runs(phone), confidence=1.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"widths": (0.0,)}, "--width"),
        ({"resolutions_px": (100,)}, "not 100"),
        ({"precisions": ("int4",)}, "--precision"),
        ({"threads": (0,)}, "--threads"),
        ({"cores": ("everywhere",)}, "--cores"),
        ({"rates_hz": (30.0, 1e6)}, "the request is malformed"),
        ({"widths": ("0.25",)}, "the request is malformed"),
        ({"widths": ()}, "widths of the request is empty"),
        ({"resolutions_px": ()}, "resolutions_px of the request is empty"),
        ({"precisions": ()}, "precisions of the request is empty"),
        ({"runtimes": ()}, "runtimes of the request is empty"),
        ({"processes": 0}, "processes 0 is less than 1"),
        ({"max_minutes": 0.0}, "max_minutes 0 is not above 0"),
        ({"max_seconds": 0.0}, "max_seconds 0 is not above 0"),
        ({"processes": 5, "max_rounds": 2}, "--max-rounds 2 is fewer"),
        ({"min_seconds": 2.0, "max_seconds": 1.0}, "--max-time 1s is less"),
        ({"accuracy_dataset": "fashion-mnist"}, "needs trained weights"),
    ],
)
def test_a_request_is_held_to_the_ranges_of_the_command_line(
    changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        api.run(replace(REQUEST, **changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_damaged_cell_is_an_error_unless_it_is_to_be_left_out(tmp_path: Path) -> None:
    cells = (make_cell(), make_cell(device=make_device(name="other")))
    folder = save(tmp_path / "run", *cells)
    damaged = sorted((folder / "cells").iterdir())[0]
    damaged.write_text("{")
    with pytest.raises(UsageError, match=rf"{damaged.name} is damaged"):
        api.load_runs(folder)
    (loaded,) = api.load_runs(folder, folder, skip_damaged=True)
    assert len(loaded.cells) == 1
    assert [error.what.endswith("left out") for error in loaded.damaged] == [True]


@pytest.mark.parametrize("package", ["pandas", "pyarrow"])
def test_a_missing_package_is_named_with_the_line_that_installs_it(
    package: str, phone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    runs = api.load_runs(phone)
    with pytest.raises(UsageError, match=f"{package}, which is not installed") as raised:
        api.to_frame(runs) if package == "pandas" else api.write_samples(runs, tmp_path / "samples")
    extra = {"pandas": "frame", "pyarrow": "parquet"}[package]
    assert raised.value.hint == f"pip install 'mobilenet-harness[{extra}]'"
    assert list(tmp_path.iterdir()) == []


def test_a_request_that_cannot_be_met_touches_nothing(tmp_path: Path) -> None:
    request = REQUEST
    with pytest.raises(UsageError, match="--max-latency limits a time"):
        api.run(request, tmp_path / "run", budget=api.Budget(max_latency_ns=1e6))
    with pytest.raises(UsageError, match="--search"):
        api.run(request, tmp_path / "run", search=True)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is not empty"):
        api.run(request, tmp_path)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_run_is_saved_reported_and_heard_of(tmp_path: Path) -> None:
    request = replace(
        REQUEST,
        devices=("host",),
        processes=1,
        max_rounds=1,
        min_seconds=0.1,
        max_seconds=0.2,
    )
    heard: list[api.Event] = []
    outcome = api.run(request, tmp_path / "run", listen=heard.append)
    assert (outcome.errors, outcome.exit_code, len(outcome.cells)) == ((), 0, 1)
    assert outcome.report == tmp_path / "run" / "report" / "index.html"
    assert any(event.cell for event in heard)
    (loaded,) = api.load_runs(tmp_path / "run")
    assert loaded.cells == outcome.cells
