"""Copies of a run folder count once, for each command that reads several; what cannot be read is counted."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import make_cell, make_device, make_run, with_accuracy
from harness.analysis.history import trace
from harness.analysis.history_text import summarize
from harness.analysis.uncounted_cells import describe_repeated, describe_unreadable, without_repeated
from harness.records import Cell
from harness.records.run_folder import write_cell, write_run
from harness_command import run_main

CELL = make_cell(device=make_device(boot_id="b"))
OTHER = replace(CELL, artifact=replace(CELL.artifact, sha256="d" * 64))
_VARIANT = replace(CELL.variant, width=0.25)
SMALLER = replace(OTHER, variant=_VARIANT, artifact=replace(OTHER.artifact, variant=_VARIANT))
SENTENCE = "2 cells are copies of what another run folder holds: each measurement counts once"


def test_of_copies_the_first_counts_and_a_fuller_one_before_it() -> None:
    assert without_repeated([(CELL, OTHER), (CELL,)]) == ((CELL, OTHER), ())
    evaluated = replace(CELL, accuracy=with_accuracy(CELL, 0.5).accuracy)
    assert without_repeated([(CELL, OTHER), (evaluated,)]) == ((OTHER,), (evaluated,))
    unfinished = replace(CELL, processes=CELL.processes[:2])
    assert without_repeated([(unfinished,), (CELL,)]) == ((), (CELL,))


@pytest.mark.parametrize(
    "other",
    [
        make_cell(device=make_device(boot_id="another")),
        make_cell((10_000_001,), device=CELL.device),
        replace(CELL, artifact=replace(CELL.artifact, sha256="e" * 64)),
        replace(CELL, plan=replace(CELL.plan, cpus="0-1")),
        replace(
            CELL, processes=tuple(replace(one, started_at="2027-01-01T00:00:00Z") for one in CELL.processes)
        ),
    ],
)
def test_measured_elsewhere_later_or_of_another_program_is_no_copy(other: Cell) -> None:
    assert without_repeated([(CELL,), (other,)]) == ((CELL,), (other,))
    assert describe_repeated([(CELL,), (other,)]) == ()


def test_the_copies_are_counted_in_one_sentence() -> None:
    assert describe_repeated([(CELL, OTHER), (CELL, OTHER)]) == (SENTENCE,)
    assert describe_repeated([(CELL, OTHER), (CELL,)]) == (
        "1 cell is a copy of what another run folder holds: each measurement counts once",
    )


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    for name in ("run", "copy"):
        write_run(tmp_path / name, make_run((CELL,)))
        for cell in (CELL, SMALLER):
            write_cell(tmp_path / name, cell)
    return str(tmp_path / "run"), str(tmp_path / "copy")


def test_pick_and_predict_name_no_cell_of_a_copy(
    folders: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "pick", *folders) == 0
    text = capsys.readouterr().out
    assert SENTENCE in text
    assert "the most accurate of 2 candidates" in text
    assert "also measured" not in text
    run_main(monkeypatch, "predict", *folders)
    assert SENTENCE in capsys.readouterr().out


def test_a_report_shows_each_cell_and_run_of_copies_once(
    folders: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.report.draw_pictures", lambda *_: ())
    assert run_main(monkeypatch, "report", *folders, "--out", str(tmp_path / "both")) == 0
    assert SENTENCE in (tmp_path / "both" / "index.html").read_text()
    assert len((tmp_path / "both" / "cells.csv").read_text().splitlines()) == 3


def test_a_history_says_that_a_copy_counts_once() -> None:
    run = make_run((CELL,))
    traced = trace([(run, (CELL,)), (run, (CELL,)), (run, (CELL,))])
    assert (traced.runs, traced.copies) == (1, 2)
    assert "2 folders are copies of another run: each run counts once." in summarize(traced)


def test_damaged_cells_are_counted_beside_the_answer_on_the_page_and_in_a_history(
    folders: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("reports.report.draw_pictures", lambda *_: ())
    folder = folders[0]
    next((tmp_path / "run" / "cells").iterdir()).write_text("{")
    counted = "1 cell cannot be read and is left out"
    assert run_main(monkeypatch, "pick", folder) == 1
    assert counted in capsys.readouterr().out
    assert run_main(monkeypatch, "report", folder, "--out", str(tmp_path / "page")) == 1
    for page in ("index.html", "report.md"):
        assert counted in (tmp_path / "page" / page).read_text()
    capsys.readouterr()
    assert run_main(monkeypatch, "history", folder, "--out", str(tmp_path / "history.html")) == 1
    assert f"{counted}." in capsys.readouterr().out
    assert counted in (tmp_path / "history.html").read_text()
    assert describe_unreadable(3) == ("3 cells cannot be read and are left out",)
    assert describe_unreadable(0) == ()
