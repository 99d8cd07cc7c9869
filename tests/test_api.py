"""The Python API gives what the commands print and write."""

import csv
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from builders import make_cell, make_device, make_run
from harness import api
from harness.errors import UsageError
from harness.measuring.run_outcome import Outcome
from harness.records import RANDOM_WEIGHTS, Cell
from harness.records.run_folder import write_cell, write_run
from harness.system import extras
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


OWN = {"programs": ("a.pte",), "widths": (), "resolutions_px": (), "precisions": ()}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"widths": (0.0,)}, "widths '0.0'"),
        ({"widths": ()}, "widths is empty"),
        ({"widths": (0.25, 0.25)}, "widths is 0.25, 0.25, which is not"),
        ({"resolutions_px": (100,)}, "not 100"),
        ({"resolutions_px": ()}, "resolutions_px is empty"),
        ({"precisions": ("int4",)}, "precisions 'int4'"),
        ({"precisions": ()}, "precisions is empty"),
        ({"precisions": ("all",)}, "precisions is all, which is not"),
        ({"runtimes": ()}, "runtimes is empty"),
        ({"runtimes": ("onnxruntime",), "precisions": ("fp16",)}, "fp16 cannot be lowered to ONNX Runtime"),
        ({"runtimes": ("onnxruntime",), "profile": True}, "profile is of ExecuTorch alone"),
        ({"threads": (0,)}, "threads '0'"),
        ({"threads": (1, 1)}, "threads is 1, 1, which is not"),
        ({"cores": ("everywhere",)}, "cores 'everywhere'"),
        ({"cores": ("little,big",)}, "cores is little,big, which is not"),
        ({"cpus": "everywhere"}, "cores 'everywhere'"),
        ({"rates_hz": (30.0, 1e6)}, "the request is malformed"),
        ({"rates_hz": (math.nan,)}, "the request is malformed"),
        ({"widths": ("0.25",)}, "the request is malformed"),
        ({"sampler": object()}, "the request is malformed"),
        ({"processes": 0}, "processes is 0, which is not from 1 to 1000"),
        ({"warmup_iterations": -1}, "warmup_iterations is -1, which is not"),
        ({"classes": 1}, "classes is 1, which is not from 2"),
        ({"seed": -1}, "seed is -1, which is not from 0 to 9007199254740992"),
        ({"weights": replace(RANDOM_WEIGHTS, seed=-1)}, "weights.seed is -1"),
        ({"max_minutes": -1.0}, "max_minutes is -1, which is not above 0"),
        ({"max_minutes": math.nan}, "max_minutes is nan, which is not"),
        ({"target_precision": math.nan}, "target_precision is nan, which is not above 0 and below 1"),
        ({"target_precision": 0.0}, "target_precision is 0"),
        ({"max_cooling_seconds": -1.0}, "max_cooling_seconds is -1"),
        ({"cooled_within_celsius": 0.0}, "cooled_within_celsius is 0"),
        ({"max_temp_celsius": math.nan}, "max_temp_celsius is nan, which is not above 0 and at most 120"),
        ({"min_seconds": math.inf}, "min_seconds is inf"),
        ({"sustain_seconds": 5}, "sustain_seconds is 5, which is not from 60 to 14400"),
        ({"sustain_seconds": 60, "cold": True}, "sustain_seconds and cold conflict"),
        ({"processes": 5, "max_rounds": 2}, "max_rounds 2 is fewer than processes 5"),
        ({"min_seconds": 2.0, "max_seconds": 1.0}, "max_seconds 1s is less than min_seconds"),
        ({"energy": "device", "rates_hz": (30.0,)}, "energy and rates_hz conflict"),
        ({"energy": "command"}, "energy 'command' is of the command line alone"),
        ({"lab": "10.7.0.1"}, "lab is of the command line alone"),
        ({"any_of": ("emulator",)}, "any_of shares the variants"),
        ({"accuracy_dataset": "fashion-mnist"}, "accuracy_dataset fashion-mnist needs trained weights"),
        ({"methods": ("forward",)}, "methods needs programs"),
        ({"programs": ("a.pte",)}, "programs are measured as they are; widths, resolutions_px, precisions"),
        ({**OWN, "accuracy_dataset": "fashion-mnist"}, "as they are; accuracy_dataset: of the built-in"),
        ({"max_minutes": 0.0}, "max_minutes is 0, which is not above 0 and at most 527040"),
        ({"max_seconds": 0.0}, "max_seconds is 0, which is not above 0 and at most 3600"),
    ],
)
def test_a_request_is_held_to_the_ranges_of_the_command_line(
    changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        api.run(replace(REQUEST, **changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_runtime_whose_converter_is_missing_is_refused_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(extras._IMPORTED, "litert", ("no_such_converter",))
    with pytest.raises(UsageError, match="needs what is not installed: no_such_converter") as raised:
        api.run(replace(REQUEST, runtimes=("litert",)), tmp_path / "run")
    assert raised.value.hint == "pip install 'mobilenet-harness[litert]'"
    assert not (tmp_path / "run").exists()


NO_NUMBERS = (math.nan, math.inf, -1.0, 0, "20ms", True, [1], b"1")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *(
            ({name: value}, f"{name} is {value!r}, not a number above 0")
            for name in (
                field.name for field in fields(api.Budget) if field.default is None and field.name != "cores"
            )
            for value in NO_NUMBERS
        ),
        ({"max_latency_ns": "20ms"}, "max_latency_ns is '20ms', not a number above 0"),
        ({"min_accuracy": 60}, "min_accuracy is 60, which is more than 1"),
        ({"threads": (0,)}, "threads '0'"),
        ({"threads": 1}, "threads is 1"),
        ({"precisions": "int8"}, "precisions is 'int8'"),
        ({"precisions": ("fp99",)}, "precisions 'fp99'"),
        ({"cores": "mid"}, "cores 'mid'"),
        ({"cores": 4}, "cores is 4"),
        ({"rate_hz": 1e9}, "rate_hz '1000000000.0'"),
        ({"sustained": 1}, "sustained is 1"),
        ({"sustained": True, "rate_hz": 30.0}, "sustained and rate_hz conflict"),
        ({"max_energy_joules": 1.0}, "max_energy_joules needs the energy"),
    ],
)
def test_a_budget_is_held_to_the_ranges_of_the_command_line(
    changes: dict[str, Any], message: str, phone: Path, tmp_path: Path
) -> None:
    budget = api.Budget(**changes)
    with pytest.raises(UsageError, match=re.escape(message)):
        api.run(REQUEST, tmp_path / "run", budget=budget)
    if "max_energy_joules" not in message or "number" in message:
        with pytest.raises(UsageError, match=re.escape(message)):
            api.pick(api.load_runs(phone), budget)


ODD = (
    None,
    "",
    "nowhere",
    b"x",
    7,
    -1.5,
    math.nan,
    math.inf,
    (),
    (None,),
    ["a\0b"],
    {"a": 1},
    object(),
    Path("/no"),
)


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_odd_arguments_are_errors_of_the_harness_or_are_used(
    value: Any, phone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`None` and empty tuples are what some arguments are by default."""
    monkeypatch.chdir(tmp_path)
    runs = api.load_runs(phone)
    calls: tuple[Callable[[], object], ...] = (
        lambda: api.load_runs(value),
        lambda: api.to_frame(value),
        lambda: api.write_samples(value, tmp_path / "a.parquet"),
        lambda: api.write_samples(runs, value),
        lambda: api.write_samples((), tmp_path / "missing" / "a.parquet"),
        lambda: api.pick(value),
        lambda: api.pick(runs, value),
        lambda: api.pick(runs, device=value),
        lambda: api.predict(value),
        lambda: api.predict(runs, device=value),
        lambda: api.predict(runs, widths=value),
        lambda: api.predict(runs, resolutions_px=value),
        lambda: api.predict(runs, confidence=value),
        lambda: api.run(value, tmp_path / "run"),
        lambda: api.run(REQUEST, tmp_path / "file" / "run", budget=value),
    )
    (tmp_path / "file").touch()
    for call in calls:
        with suppress(api.HarnessError):
            call()


def test_no_runs_give_a_frame_of_the_same_columns_and_no_answer(phone: Path) -> None:
    empty, some = api.to_frame([]), api.to_frame(api.load_runs(phone))
    assert len(empty) == 0
    assert list(empty.dtypes.items()) == list(some.dtypes.items())
    for choose in (api.pick, api.predict):
        with pytest.raises(UsageError, match="there is no run to choose from"):
            choose([])


def test_what_a_notebook_shows_of_runs_and_answers_is_short(phone: Path) -> None:
    runs = api.load_runs(phone)
    assert repr(runs[0]) == f"LoadedRun({str(phone)!r}, {len(runs[0].cells)} cells, 0 damaged)"
    answers = api.pick(runs)
    assert repr(answers) == answers.explain()
    outcome = Outcome(phone, runs[0].cells, (), phone / "report" / "index.html")
    assert len(repr(outcome)) < 3 * len(str(phone)) + 100


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
    with pytest.raises(UsageError, match="search needs a limit"):
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
