"""Where `harness report` writes: in the run folder, or beside the first of several."""

import json
import re
from pathlib import Path

from msgspec.structs import replace

from builders import make_artifact, make_cell, make_run, make_sustained_cell, make_sustained_run
from harness.cli.report import default_folder
from harness.records import BaseRun, Cell, Variant
from harness.records.base_cells import base_folder
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


def cell_of(width: float, ms: float, plateau_ms: float) -> Cell:
    variant = Variant(width=width, resolution_px=128, precision="int8")
    artifact = make_artifact(variant=variant, sha256=f"{int(width * 100):064x}")
    cell = make_cell(tuple(round(ms * 1e6) + step * 1000 for step in range(6)), artifact=artifact)
    return make_sustained_cell(make_sustained_run((60, ms), (120, plateau_ms)), cell)


def test_a_report_for_sustained_use_ships_what_pick_ships(
    run_harness: HarnessCommand, tmp_path: Path
) -> None:
    folder, cells = tmp_path / "run", (cell_of(0.5, 8.0, 9.0), cell_of(1.0, 15.0, 25.0))
    write_run(folder, make_run(cells))
    for cell in cells:
        write_cell(folder, cell)
    shipped = {}
    for words in ((), ("--sustained",)):
        asked = (folder, "--max-latency", "20ms", *words)
        assert run_harness("report", *asked).exit_code == 0
        page = (folder / "report" / "report.md").read_text()
        picked = run_harness("pick", *asked).stdout.partition("ship ")[2].partition("\n")[0]
        shipped[words] = picked.partition(",")[0]
        width = float(shipped[words].split("_")[2])
        assert f"**Ship this: {width}/128 int8**" in page
        assert ("sustained latency ≤ 20 ms" in page) == bool(words)
    assert len(set(shipped.values())) == 2
    assert "9 ms (at most 9.0" in page
    assert re.search(r"8(\.\d+)? ms \(at most 8\.\d+ ms\) cool", page)


def test_a_report_for_sustained_use_without_such_a_cell_is_refused_and_nothing_is_written(
    run_harness: HarnessCommand, tmp_path: Path
) -> None:
    cell = replace(cell_of(0.5, 8.0, 9.0), sustained=None)
    write_run(tmp_path / "run", make_run((cell,)))
    write_cell(tmp_path / "run", cell)
    ended = run_harness("report", tmp_path / "run", "--sustained")
    assert ended.exit_code == 2
    assert "no cell has a sustained figure" in ended.stderr
    assert "--sustain 10m" in ended.stderr
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


def test_a_trace_has_the_cells_of_the_base_beside_those_of_the_run(
    run_harness: HarnessCommand, tmp_path: Path
) -> None:
    cell = make_cell()
    base = BaseRun(id="main", started_at="2026-01-01T00:00:00Z", versions={})
    for folder, run in (
        (tmp_path, replace(make_run((cell,)), base=base)),
        (base_folder(tmp_path), make_run((cell,))),
    ):
        write_run(folder, run)
        write_cell(folder, cell)
    assert run_harness("report", tmp_path, "--trace").exit_code == 0
    events = json.loads((tmp_path / "report" / "trace.json").read_text())["traceEvents"]
    names = [one["args"]["name"] for one in events if one["name"] == "thread_name"]
    assert names == [cell.name, f"{cell.name}, base"]
