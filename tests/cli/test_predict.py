"""`harness predict` and `harness pick --include-predicted` on saved runs."""

import json
import shlex
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner, Result

from builders import at_rate, make_run, with_verdict
from harness.cli.inputs import parse_variants
from harness.cli.main import app
from harness.errors import UsageError
from harness.records import Cell
from harness.records.run_folder import write_cell, write_run
from synthetic import PHONE, simulate_cells


def int8_cells(*, without: int) -> tuple[Cell, ...]:
    cells = simulate_cells(PHONE, precisions=("int8",))
    return (*cells[:without], *cells[without + 1 :])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save(tmp_path, int8_cells(without=13))


def save(folder: Path, cells: tuple[Cell, ...]) -> Path:
    write_run(folder, make_run(cells))
    for cell in cells:
        write_cell(folder, cell)
    return folder


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "160"})


def test_the_grid_is_printed_with_how_well_it_is_predicted(folder: Path) -> None:
    ended = run("predict", folder)
    assert ended.exit_code == 0, ended.output
    row = next(line for line in ended.stdout.splitlines() if line.startswith("1.0/160"))
    assert row.split()[1] == "≈"
    assert row.split()[-1] == "predicted"
    assert "latency: fitted to 15 cells" in ended.stdout
    assert "predicted, not measured" in ended.stdout


def test_json_keeps_measured_and_predicted_apart(folder: Path) -> None:
    ended = run("predict", folder, "--json")
    (grid,) = json.loads(ended.stdout)["grids"]
    assert len(grid["measured"]) == 15
    (predicted,) = grid["predicted"]
    assert predicted["source"] == "predicted"
    assert "verdict" not in predicted
    assert predicted["latency_ns"]["low"] < predicted["latency_ns"]["high"]
    assert predicted["instructions_per_inference"] is None
    assert predicted["measure"].startswith("harness run --device pixel --width 1 --resolution 160")


def test_what_a_rate_misses_is_not_predicted_and_the_rate_is_named(tmp_path: Path) -> None:
    save(tmp_path, tuple(at_rate(cell, 10) for cell in int8_cells(without=13)))
    ended = run("predict", tmp_path)
    assert ended.exit_code == 0, ended.output
    assert "1 thread at 10/s" in ended.stdout
    line = "not predicted: p99 and missed periods: only a measurement shows whether a variant keeps 10/s"
    assert line in ended.stdout
    (grid,) = json.loads(run("predict", tmp_path, "--json").stdout)["grids"]
    assert grid["rate_hz"] == 10.0
    assert "--rate 10" in grid["predicted"][0]["measure"]


def test_nothing_is_written(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    run("predict", folder)
    run("pick", folder, "--include-predicted")
    assert sorted(folder.rglob("*")) == before


def test_the_help_says_which_figures_of_suspect_cells_count(tmp_path: Path) -> None:
    cells = [with_verdict(cell, "suspect", "throttled", "the clock fell") for cell in int8_cells(without=13)]
    ended = run("predict", save(tmp_path, tuple(cells)), "--json")
    (predicted,) = json.loads(ended.stdout)["grids"][0]["predicted"]
    assert predicted["latency_ns"] is None
    assert predicted["artifact_bytes"] is not None
    text = " ".join(run("predict", "--help").stdout.split())
    assert "suspect cells' figures that no reason affects" in text


def test_too_few_cells_end_with_one_and_the_command_that_measures_more(tmp_path: Path) -> None:
    save(tmp_path, int8_cells(without=0)[:5])
    ended = run("predict", tmp_path)
    assert ended.exit_code == 1
    assert "5 shapes have a usable cell, and an interval of 90% needs 9" in ended.stdout
    assert "to measure more of the grid: harness run --device pixel" in ended.stdout


@pytest.mark.parametrize("share", ["49%", "100%", "0.995"])
def test_a_confidence_that_means_nothing_is_refused(folder: Path, share: str) -> None:
    ended = run("predict", folder, "--confidence", share)
    assert isinstance(ended.exception, UsageError)
    assert "--confidence" in ended.exception.what


def test_pick_names_the_prediction_apart_from_its_answer(folder: Path) -> None:
    ended = run("pick", folder, "--max-latency", "17ms", "--include-predicted")
    answer, _, proposal = ended.stdout.partition("\n\n")
    assert ended.exit_code == 0
    assert "predicted" not in answer
    assert proposal.startswith("pixel: predicted, not measured: mobilenet_v1_1_160_int8, 1 thread\n")


def test_pick_has_no_predictions_unless_they_are_asked_for(folder: Path) -> None:
    assert "predicted" not in run("pick", folder, "--max-latency", "17ms").stdout
    assert "predicted" not in json.loads(run("pick", folder, "--json").stdout)


def test_what_pick_proposes_is_no_answer_to_a_budget_that_nothing_measured_keeps(folder: Path) -> None:
    ended = run(
        "pick", folder, "--max-latency", "17ms", "--min-accuracy", "67%", "--include-predicted", "--json"
    )
    document = json.loads(ended.stdout)
    assert ended.exit_code == 1
    assert document["best"] is None
    assert document["predicted"][0]["variant"]["resolution_px"] == 160


def test_the_command_that_measures_a_prediction_is_one_that_run_reads(folder: Path) -> None:
    (grid,) = json.loads(run("predict", folder, "--json").stdout)["grids"]
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    words = shlex.split(grid["predicted"][0]["measure"])
    given = root.commands["run"].make_context("run", words[2:]).params
    names = (
        "width",
        "resolution",
        "precision",
        "padding",
        "classes",
        "seed",
        "weights",
        "calibrate",
        "observer",
    )
    request = parse_variants(**{name: given[name] for name in (*names, "allow_undelegated")})
    assert (request["widths"], request["resolutions_px"], request["precisions"]) == (
        (1.0,),
        (160,),
        ("int8",),
    )
