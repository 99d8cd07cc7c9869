"""Where `harness report` writes: in the run folder, or beside the first of several."""

import json
from pathlib import Path

from builders import make_cell, make_run
from harness.cli.report import default_folder
from harness.records.run_folder import write_cell, write_run
from harness_command import HarnessCommand


def test_the_report_of_one_run_lies_in_its_folder() -> None:
    assert default_folder([Path("results/pixel")]) == Path("results/pixel/report")
    assert default_folder([Path("results/pixel"), Path("results/../results/pixel")]).name == "report"


def test_the_report_of_several_runs_has_a_folder_named_after_them(tmp_path: Path) -> None:
    folders = [tmp_path / "pixel", tmp_path / "pi"]
    assert default_folder(folders) == tmp_path.resolve() / "report-pixel+pi"


def test_the_names_of_many_runs_are_shortened_to_their_number_and_a_digest(tmp_path: Path) -> None:
    folders = [tmp_path / f"20260101T120000Z-{index:06}" for index in range(30)]
    name = default_folder(folders).name
    assert name.startswith("report-30-runs-")
    assert name == default_folder(folders).name
    assert len(name) < 40


def test_runs_of_one_name_have_reports_apart(tmp_path: Path) -> None:
    first, second, third = (tmp_path / part / "run" for part in "abc")
    folders = [default_folder([first, other]) for other in (second, third)]
    assert folders[0] != folders[1]
    assert all(folder.name.startswith("report-2-runs-") for folder in folders)


def test_a_rate_that_no_cell_was_measured_at_is_refused_and_nothing_is_written(
    run_harness: HarnessCommand, tmp_path: Path
) -> None:
    cell = make_cell()
    write_run(tmp_path / "run", make_run((cell,)))
    write_cell(tmp_path / "run", cell)
    ended = run_harness("report", tmp_path / "run", "--rate", "30")
    assert ended.exit_code == 2
    assert "no cell was measured at 30/s" in ended.stderr
    assert not (tmp_path / "run" / "report").exists()


def test_the_document_names_the_trace(run_harness: HarnessCommand, tmp_path: Path) -> None:
    cell = make_cell()
    write_run(tmp_path / "run", make_run((cell,)))
    write_cell(tmp_path / "run", cell)
    document = json.loads(run_harness("report", tmp_path / "run", "--trace", "--json").stdout)
    assert document == {
        "report": str(tmp_path / "run" / "report" / "index.html"),
        "trace": str(tmp_path / "run" / "report" / "trace.json"),
        "errors": [],
    }
    assert json.loads(Path(document["trace"]).read_text())["traceEvents"]


def test_the_report_names_the_trace_that_it_wrote(run_harness: HarnessCommand, tmp_path: Path) -> None:
    cell = make_cell()
    write_run(tmp_path / "run", make_run((cell,)))
    write_cell(tmp_path / "run", cell)
    report = tmp_path / "run" / "report"
    printed = run_harness("report", tmp_path / "run", "--trace").stdout.split()
    assert printed == [str(report / "index.html"), str(report / "trace.json")]
