"""`harness export`: a file or stdout, and what is refused."""

import json
from pathlib import Path

import pytest

from builders import make_cell, make_run
from harness.records.run_folder import write_cell, write_run
from harness_command import run_main
from reports.exports import FORMATS

BASE = Path(__file__).parents[2] / "benchmarks" / "base"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cell = make_cell()
    write_run(tmp_path / "run", make_run((cell,)))
    write_cell(tmp_path / "run", cell)
    return tmp_path / "run"


def test_the_export_goes_to_stdout_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run_main(monkeypatch, "export", folder, "--format", "bmf") == 0
    printed = capsysbinary.readouterr()
    assert list(json.loads(printed.out)) == ["pi4-mobilenet_v1_0.5_128_fp32-t1"]
    assert printed.err == b""


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_is_written_to_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch, format: str) -> None:
    if format == "parquet":
        pytest.importorskip("pyarrow")
    out = folder.parent / "new" / "cells"
    assert run_main(monkeypatch, "export", folder, "--format", format, "--out", out) == 0
    assert out.stat().st_size > 0
    assert [path.name for path in out.parent.iterdir()] == ["cells"]


def test_samples_are_written_to_a_file_as_they_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    out = folder.parent / "new" / "samples.parquet"
    assert run_main(monkeypatch, "export", folder, "--format", "samples-parquet", "--out", out, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    rows = sum(len(process.warmup_ns) + len(process.latencies_ns) for process in make_cell().processes)
    assert document == {
        "file": str(out),
        "format": "samples-parquet",
        "rows": rows,
        "emulated_cells_left_out": 0,
        "errors": [],
    }
    assert parquet.read_table(out).num_rows == rows


def test_samples_do_not_go_to_stdout(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "export", folder, "--format", "samples-parquet") == 2
    assert "--format samples-parquet needs a file" in capsys.readouterr().err


def test_samples_of_emulated_devices_alone_are_refused_and_leave_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyarrow")
    out = tmp_path / "samples.parquet"
    assert run_main(monkeypatch, "export", BASE, "--format", "samples-parquet", "--out", out) == 2
    assert "has no inference that was timed by a real clock" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_cell_is_left_out_of_the_samples_and_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyarrow")
    (folder / "cells" / "other.json").write_text("{")
    assert (
        run_main(monkeypatch, "export", folder, "-f", "samples-parquet", "-o", folder.parent / "samples") == 1
    )
    assert "other.json is damaged" in capsys.readouterr().err
    assert (folder.parent / "samples").stat().st_size > 0
    for path in (folder / "cells").iterdir():
        path.write_text("{")
    assert run_main(monkeypatch, "export", folder, "-f", "samples-parquet", "-o", folder.parent / "none") == 2
    assert "is damaged" in capsys.readouterr().err
    assert not (folder.parent / "none").exists()


def test_a_document_names_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder.parent / "cells.csv"
    assert run_main(monkeypatch, "export", folder, "--format", "csv", "--out", out, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {"file": str(out), "format": "csv", "cells": 1, "errors": []}


def test_a_document_and_the_export_cannot_share_stdout(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "export", folder, "--format", "csv", "--json") == 2
    assert "cannot both go to stdout" in capsys.readouterr().err


def test_an_unknown_format_is_refused_with_those_there_are(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "export", folder, "--format", "xlsx") == 2
    error = capsys.readouterr().err
    assert "--format 'xlsx' is not known" in error
    assert "bmf, github-benchmark" in error


def test_a_damaged_cell_is_named_and_ends_with_1(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "cells" / "other.json").write_text("{")
    assert run_main(monkeypatch, "export", folder, "--format", "bmf") == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)
    assert "other.json" in printed.err
    assert "left out" in printed.err
