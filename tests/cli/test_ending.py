"""How a run ends: with the answer, or what a budget buys, and commands that work when they are copied."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from msgspec.structs import replace

from builders import failed, make_cell, make_device, make_energy_cell, make_run
from harness.analysis.budget import Budget
from harness.analysis.failures import FailOn, cell_errors, verdict_errors
from harness.cli.ending import Ending, conclude
from harness.cli.summary import show_outcome
from harness.errors import MeasurementError
from harness.measuring.run_outcome import Outcome
from harness.measuring.sustaining import OUT_OF_TIME
from harness.records import Cell, Verdict
from harness.records.run_folder import read_run, write_cell, write_run
from harness_command import run_main

MS = 1_000_000
ENOUGH, TOO_LITTLE = Budget(max_latency_ns=20 * MS), Budget(max_latency_ns=MS)


def save(folder: Path, *cells: Cell) -> Outcome:
    write_run(folder, make_run(cells))
    for cell in cells:
        write_cell(folder, cell)
    return Outcome(folder, cells, ())


@pytest.fixture
def ended(tmp_path: Path) -> Outcome:
    return save(tmp_path / "my run", make_cell())


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], int]:
    """Run a printed line as a shell would."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def run(line: str) -> int:
        program, *words = shlex.split(line)
        assert program == "harness"
        return run_main(monkeypatch, *words)

    return run


def next_lines(ending: Ending) -> list[str]:
    return [line.removeprefix("next: ") for line in ending.text.splitlines() if line.startswith("next: ")]


def test_with_a_budget_a_run_ends_with_the_answer_of_pick(ended: Outcome) -> None:
    ending = conclude(ended, ENOUGH)
    assert ending.text.startswith("pi4: ship mobilenet_v1_0.5_128_fp32, 1 thread\n")
    assert "probability that it meets the budget: over 99 %" in ending.text
    assert ending.exit_code == 0


def test_without_a_budget_it_ends_with_what_each_would_buy(ended: Outcome) -> None:
    ending = conclude(ended, Budget())
    assert ending.text.startswith(
        "pi4: what a budget buys (published accuracy, not measured here):\n  from 10"
    )
    assert "ship" not in ending.text
    assert ending.exit_code == 0


def test_no_variant_within_the_budget_ends_a_run_with_1_as_it_does_pick(
    ended: Outcome, type_in: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    ending = conclude(ended, TOO_LITTLE)
    assert "pi4: no cell is within the budget" in ending.text
    assert "relax --max-latency to 10." in ending.text
    (pick_again,) = [line for line in next_lines(ending) if " pick " in line]
    assert type_in(pick_again) == ending.exit_code == 1
    assert "relax --max-latency to 10." in capsys.readouterr().out


@pytest.mark.parametrize("budget", [Budget(), ENOUGH], ids=["no budget", "a budget"])
def test_every_next_line_runs(
    ended: Outcome, tmp_path: Path, type_in: Callable[[str], int], budget: Budget
) -> None:
    save(tmp_path / "-earlier", make_cell())
    printed = next_lines(conclude(Outcome(Path("my run"), ended.cells, ()), budget))
    assert [line.split()[1] for line in printed] == ["pick", "report", "compare"]
    # Without the budget, the report that is written again would have another answer than the run.
    limit = " --max-latency 20ms" if budget is ENOUGH else ""
    assert printed[1] == f"harness report 'my run'{limit}"
    assert printed[2] == "harness compare ./-earlier 'my run'"
    assert [type_in(line) for line in printed] == [0, 0, 0]


def test_a_run_that_cannot_be_compared_is_not_proposed(ended: Outcome, tmp_path: Path) -> None:
    save(tmp_path / "other device", make_cell(device=make_device(name="pixel")))
    (tmp_path / "no run").mkdir()
    (tmp_path / "a file").write_text("")
    assert not any("compare" in line for line in next_lines(conclude(ended, Budget())))


def test_a_run_with_errors_proposes_to_continue_it(ended: Outcome) -> None:
    incomplete = Outcome(ended.folder, ended.cells, (MeasurementError("the cable was pulled"),))
    (first, *_) = next_lines(conclude(incomplete, Budget()))
    assert shlex.split(first) == ["harness", "run", "--resume", str(ended.folder)]


def test_a_budget_that_no_cell_has_a_figure_for_is_an_error_of_the_run(tmp_path: Path) -> None:
    emulated = save(tmp_path / "r", make_cell(device=make_device(clock="emulated")))
    ending = conclude(emulated, ENOUGH)
    assert ending.no_answer
    assert ending.no_answer.what.startswith("no answer: the clock of pi4 is emulated")
    assert ending.exit_code == 1
    assert conclude(emulated, Budget()).exit_code == 0


def test_a_run_whose_cells_all_failed_has_no_answer_of_its_own(tmp_path: Path) -> None:
    ending = conclude(save(tmp_path / "r", failed(make_cell())), Budget())
    assert ending.answers is None
    assert ending.exit_code == 0
    assert conclude(Outcome(tmp_path, (), ()), ENOUGH).text == ""


def test_the_document_of_a_run_holds_answer_ladder_and_next_lines(
    ended: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as exited:
        show_outcome(ended, TOO_LITTLE, json=True)
    assert exited.value.exit_code == 1
    document = json.loads(capsys.readouterr().out)
    assert document["errors"] == []
    assert document["answer"]["best"] is None
    assert document["next"] == next_lines(conclude(ended, TOO_LITTLE))
    with pytest.raises(typer.Exit):
        show_outcome(ended, json=True)
    (step,) = json.loads(capsys.readouterr().out)["answer"]["ladder"]
    assert step["limit"] == "10.1ms"


def test_the_exit_code_of_an_error_comes_first(ended: Outcome) -> None:
    broken = Outcome(ended.folder, ended.cells, (MeasurementError("broken"),))
    with pytest.raises(typer.Exit) as exited:
        show_outcome(broken, TOO_LITTLE, json=True)
    assert exited.value.exit_code == 1


def test_pick_without_a_budget_also_says_what_one_would_buy(
    ended: Outcome, type_in: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert type_in("harness pick 'my run'") == 0
    assert "  what a budget buys (published accuracy, not measured here):\n    from 10.1 ms: " in (
        capsys.readouterr().out
    )


def test_a_run_that_only_lacks_what_resume_does_not_measure_is_not_proposed_to_continue(
    tmp_path: Path,
) -> None:
    outcome = save(tmp_path / "run", make_energy_cell("the battery is charging"))
    (error,) = cell_errors(outcome.cells)
    lines = next_lines(conclude(outcome.with_errors([error]), Budget()))
    assert not any("--resume" in line for line in lines)
    late = save(tmp_path / "late", make_energy_cell(OUT_OF_TIME))
    first, *_ = next_lines(conclude(late.with_errors(cell_errors(late.cells)), Budget()))
    assert shlex.split(first) == ["harness", "run", "--resume", str(late.folder)]


@pytest.mark.parametrize("fail_on", ["suspect", "invalid"])
def test_a_verdict_that_fails_the_run_is_no_reason_to_continue_it(tmp_path: Path, fail_on: FailOn) -> None:
    cell = replace(make_cell(), verdict=Verdict(status="invalid", reasons=()))
    outcome = save(tmp_path / "run", cell)
    lines = next_lines(conclude(outcome.with_errors(verdict_errors([cell], fail_on)), Budget()))
    assert not any("--resume" in line for line in lines)


def test_a_run_measured_by_a_command_is_continued_with_one(tmp_path: Path) -> None:
    cell = failed(make_cell())
    outcome = save(tmp_path / "run", cell)
    run = read_run(outcome.folder)
    write_run(outcome.folder, replace(run, request=replace(run.request, energy="command")))
    first, *_ = next_lines(conclude(outcome.with_errors(cell_errors([cell])), Budget()))
    assert first.endswith(" --power-command COMMAND")
