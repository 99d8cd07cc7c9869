"""Where `harness report` writes: in the run folder, or beside the first of several."""

from pathlib import Path

from harness.cli.report import default_folder


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
