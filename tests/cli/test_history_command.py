"""`harness history` on run folders: the table, the page, the document and the exit code."""

import json
from pathlib import Path

import pytest
import typer

from builders import make_cell, make_device, make_process
from harness.cli.main import history
from harness.cli.run_folders import open_run_folders
from harness.errors import UsageError
from harness.records.run_folder import load_run, write_cell, write_run
from past_runs import past_run
from reports.report import write_report


@pytest.fixture
def nights(tmp_path: Path) -> list[Path]:
    """Three nights on an emulated core; the last one costs 5 % more."""
    folders = []
    for number, count in enumerate((7_600_000, 7_600_000, 7_980_000)):
        cell = make_cell(
            device=make_device(name="emulator", kind="emulator", clock="emulated"),
            processes=tuple(make_process(i, instructions_per_inference=count) for i in range(2)),
        )
        run, cells = past_run(number, cell)
        folder = tmp_path / run.id
        write_run(folder, run)
        write_cell(folder, cells[0])
        folders.append(folder)
    return folders


def ended(folders: list[Path], **options: object) -> int:
    defaults = {"min_change": None, "out": None, "json": False}
    with pytest.raises(typer.Exit) as exit:
        history.history(folders, **defaults | options)  # type: ignore[arg-type]
    return exit.value.exit_code


def test_a_newest_run_that_is_worse_ends_with_1(
    nights: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(nights) == 1
    out = capsys.readouterr().out
    assert "worse: +5 % (7.6 M → 7.98 M)" in out
    assert "Worse since the newest run: instructions of emulator-" in out
    page = nights[0].parent / "history.html"
    assert out.splitlines()[-1] == f"page: {page}"
    assert "night-02" in page.read_text()


def test_runs_without_a_change_end_with_0(nights: list[Path], tmp_path: Path) -> None:
    assert ended(nights[:2], out=tmp_path / "pages" / "own.html") == 0
    assert (tmp_path / "pages" / "own.html").exists()
    assert not (tmp_path / "history.html").exists()


def test_a_smallest_change_leaves_out_smaller_ones(nights: list[Path]) -> None:
    assert ended(nights, min_change="6%") == 0


def test_an_unreadable_smallest_change_is_refused(nights: list[Path]) -> None:
    with pytest.raises(UsageError, match="--min-change"):
        history.history([*map(str, nights)], min_change="much")


def test_the_document_has_every_point_and_change(
    nights: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(nights, json=True) == 1
    document = json.loads(capsys.readouterr().out)
    (trend,) = (one for one in document["trends"] if one["figure"] == "instructions")
    assert [point["value"]["estimate"] for point in trend["points"]] == [7.6e6, 7.6e6, 7.98e6]
    (change,) = trend["changes"]
    assert (change["at"], change["direction"]) == (2, "worse")
    assert document["newly_worse"] is True
    assert document["errors"] == []


def test_a_damaged_cell_is_named_and_ends_with_1(
    nights: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write_cell(nights[0], make_cell())
    next((nights[0] / "cells").glob("pi4*")).write_text("{")
    assert ended(nights[:2]) == 1
    assert "left out" in capsys.readouterr().err


def test_a_pattern_names_the_runs_and_not_the_pages_that_were_written_beside_them(
    nights: list[Path], tmp_path: Path
) -> None:
    """A shell expands `results/*` to all of them, from the second time on."""
    ended(nights)
    write_report([load_run(night) for night in nights], tmp_path / "report-of-three")
    everything = sorted(tmp_path.iterdir())
    assert len(everything) == 5
    opened = open_run_folders(everything)
    assert opened.folders == tuple(night.resolve() for night in nights)
    assert ended(everything) == 1
    alone = open_run_folders([tmp_path / "history.html"])
    with pytest.raises(UsageError, match=r"history\.html is not a run folder: it is a file"):
        alone.load()
