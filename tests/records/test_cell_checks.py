"""A saved cell whose figures contradict each other is named and left out; the others stand."""

import json
import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from builders import QUIET, STEADY_MEDIANS, make_cell, make_cold, make_processes, make_run, with_accuracy
from harness.accuracy.store import pair_with_fp32
from harness.errors import MeasurementError, UsageError
from harness.records import Beginning, Cell
from harness.records.cell_checks import find_contradictions
from harness.records.cell_files import cell_file_name
from harness.records.outcomes import read_outcomes
from harness.records.run_folder import load_intact_runs, load_run, run_identity, write_cell, write_run
from harness_command import HarnessCommand
from synthetic import PHONE, simulate_cells

FLAT = {"estimate": 1e6, "low": 1e6, "high": 1e6}
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def cells() -> tuple[Cell, ...]:
    return simulate_cells(PHONE, widths=(0.25, 0.5), resolutions_px=(128,), precisions=("fp32",))


def test_a_cold_start_that_contradicts_itself_is_named() -> None:
    cell, sound, kept = make_cell(), make_cold(60, 61, 62), make_cold(60, kept_pages=1)
    assert list(find_contradictions(replace(cell, cold=sound))) == []
    assert list(find_contradictions(replace(cell, cold=kept))) == []
    first, *others = sound.processes
    wrong = {
        "more pages were resident": replace(sound, processes=(replace(first, pages=1), *others)),
        "cold.startup is given, of 0 cold": replace(kept, startup=sound.startup),
        "cold.startup is missing, of 3 cold": replace(sound, startup=None),
        "without a reason": replace(sound, startup=None, processes=()),
        "cold.startup.total_ns is 61000000": replace(sound, processes=(first, *others[:1])),
    }
    untimely = Beginning(started_at="yesterday", uptime_seconds=5.0)
    wrong["cold.processes: started_at is 'yesterday'"] = replace(
        sound, processes=(replace(first, began=untimely), *others)
    )
    for words, cold in wrong.items():
        assert any(words in one for one in find_contradictions(replace(cell, cold=cold))), words


@pytest.fixture
def folder(tmp_path: Path, cells: tuple[Cell, ...]) -> Path:
    write_run(tmp_path / "run", make_run(cells))
    for cell in cells:
        write_cell(tmp_path / "run", cell)
    return tmp_path / "run"


def setting(path: str, value: object) -> Change:
    def change(document: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            document = document[parent]
        document[last] = value

    return change


def first_cell(folder: Path) -> Path:
    return min((folder / "cells").iterdir())


def test_what_the_harness_measures_does_not_contradict_itself(cells: tuple[Cell, ...]) -> None:
    assert [list(find_contradictions(cell)) for cell in cells] == [[], []]


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("latency.median_ns.low", 1e15, "latency.median_ns is"),
        ("latency.median_ns.high", 1.0, "latency.median_ns is"),
        ("latency.median_ns.low", -1.0, "latency.median_ns is"),
        ("latency.median_ns.high", 1e300, "latency.median_ns is in "),
        ("latency.median_ns.low", 1.0, "latency.median_ns is in 1 to "),
        ("latency.p90_interval_ns.high", 2.0**53, "latency.p90_interval_ns is in "),
        ("latency.p99_interval_ns.low", 1.0, "latency.p99_interval_ns is in 1 to "),
        ("startup.load_ns.high", 1e15, "startup.load_ns is in "),
        ("latency.median_ns.confidence", 95, "latency.median_ns has confidence 95"),
        ("latency.median_ns.estimate", 1e300, "but its samples give"),
        ("latency.samples", 1, "latency.samples is 1, but its samples give"),
        ("latency.processes", 0, "latency.processes is 0"),
        ("latency.min_ns", 0, "latency.min_ns is 0"),
        ("latency.p90_ns", 1.0, "latency.p90_ns is 1, but its samples give"),
        ("latency.p99_ns", 1e7, "latency.p99_ns is 10000000, but its samples give"),
        ("latency.outliers", 2**50, "latency.outliers is 1125899906842624, of 300 samples"),
        ("startup.load_ns", FLAT, "startup.load_ns is 1000000, but its processes give"),
        ("startup.init_ns", FLAT, "startup.init_ns is 1000000, but its processes give"),
        ("startup.first_ns", FLAT, "startup.first_ns is 1000000, but its processes give"),
        ("startup.total_ns", FLAT, "startup.total_ns is 1000000, but its processes give"),
        ("memory.rss_start_bytes", 1, "memory.rss_start_bytes is 1, but its processes give 5200000"),
        ("memory.rss_loaded_bytes", 1, "memory.rss_loaded_bytes is 1, but its processes give 6600000"),
        ("memory.rss_initialized_bytes", 1, "memory.rss_initialized_bytes is 1, but its processes give"),
        ("memory.planned_arena_bytes", 0, "memory.planned_arena_bytes is 0, but its artifact gives 602112"),
        ("memory.artifact_bytes", 0, "memory.artifact_bytes is 0, but its artifact gives"),
        ("parity.max_abs_error", 0.5, "parity passed with error 0.5, above its tolerance 0.0001"),
        ("parity.cosine", -1.0, "parity passed with cosine -1"),
        ("parity.cosine", 0.0, "parity passed with cosine 0"),
        ("failure", {"what": "killed"}, "verdict is valid, but its reasons make it invalid"),
        (
            "verdict.reasons",
            [{"code": "throttled", "severity": "suspect", "affects": "time", "detail": "2016 to 1037 MHz"}],
            "verdict is valid, but its reasons make it suspect",
        ),
        ("startup.total_ns.low", 1e300, "startup.total_ns is"),
        ("memory.peak_rss_bytes", 0, "Expected `int` >= 1"),
        ("instructions_per_inference", 0, "instructions_per_inference is 0, but its processes give"),
        ("variant.width", -1.0, "variant has width -1"),
        ("plan.threads", 0, "plan has 0 threads"),
        ("plan.seed", -1, "plan.seed is -1"),
        ("parity.cosine", 7.0, "cosine 7"),
        ("parity.cosine", None, "parity.cosine"),
        ("latency.median_ns.estimate", "fast", "latency.median_ns.estimate"),
        ("plan.counted_iterations", 10**30, "plan.counted_iterations"),
        ("device.memory_total_bytes", 2**60, "device.memory_total_bytes"),
    ],
)
def test_a_figure_that_cannot_be_is_named_and_only_its_cell_is_left_out(
    folder: Path, path: str, value: object, named: str
) -> None:
    file = first_cell(folder)
    document = json.loads(file.read_text())
    setting(path, value)(document)
    file.write_text(json.dumps(document))
    ((_, intact),), (error,) = load_intact_runs([folder])
    assert len(intact) == 1
    assert named in error.what
    assert file.name in error.what
    assert error.what.endswith("; left out")
    assert error.exit_code == 1
    with pytest.raises(UsageError, match="is damaged"):
        load_run(folder)


def test_the_wide_interval_of_two_processes_that_differ_much_is_no_contradiction() -> None:
    one, two = make_processes(*STEADY_MEDIANS[:2])
    cell = make_cell(processes=(replace(one, load_ns=500_000), replace(two, load_ns=80_000_000)))
    assert cell.startup is not None
    assert cell.startup.load_ns.high > 2.0**53
    assert list(find_contradictions(cell)) == []


def test_more_time_than_passed_on_the_device_is_a_contradiction() -> None:
    after = replace(QUIET, uptime_seconds=1001.0)
    cell = make_cell(processes=make_processes(*STEADY_MEDIANS, conditions_after=after))
    assert list(find_contradictions(cell)) == []
    # 31 inferences of a second each.
    slow = make_cell(processes=make_processes(*(100 * ns for ns in STEADY_MEDIANS), conditions_after=after))
    assert next(find_contradictions(slow)).startswith("processes: round 0 reports 40")


def test_a_kernels_code_beyond_any_integer_is_named(folder: Path) -> None:
    file = first_cell(folder)
    document = json.loads(file.read_text())
    document["processes"][0]["conditions_after"]["thermal_status"] = 10**400
    file.write_text(json.dumps(document))
    _, (error,) = load_intact_runs([folder])
    assert "conditions_after.thermal_status" in error.what


def test_more_processes_than_the_plan_allows_are_a_contradiction(folder: Path) -> None:
    file = first_cell(folder)
    document = json.loads(file.read_text())
    document["plan"] |= {"processes": 1, "max_processes": None}
    file.write_text(json.dumps(document))
    _, (error,) = load_intact_runs([folder])
    assert "but the plan allows at most 1" in error.what


def test_a_second_file_with_a_cell_of_the_same_name_is_left_out(
    folder: Path, cells: tuple[Cell, ...]
) -> None:
    copy, original = folder / "cells" / "a copy.json", first_cell(folder)
    copy.write_bytes(original.read_bytes())
    ((_, intact),), (error,) = load_intact_runs([folder])
    assert {cell.name for cell in intact} == {cell.name for cell in cells}
    assert len(intact) == len(cells)
    assert error.what == f"{copy} holds the same cell as {original.name}; left out"
    assert error.hint == f"delete the copy: {shlex.quote(str(copy))}"


def test_of_two_copies_under_other_names_one_counts(folder: Path, cells: tuple[Cell, ...]) -> None:
    file = first_cell(folder)
    first, second = file.with_name("copy 1.json"), file.with_name("copy 2.json")
    second.write_bytes(file.read_bytes())
    file.rename(first)
    ((_, intact),), (error,) = load_intact_runs([folder])
    assert sorted(cell.name for cell in intact) == sorted(cell.name for cell in cells)
    assert f"{second} holds the same cell as copy 1.json" in error.what
    assert error.hint == f"delete one of the two: {second}"


@pytest.mark.parametrize("name", ["._a.json", ".#a.json", ".pictures.json"])
def test_a_hidden_file_among_the_cells_is_no_cell(folder: Path, cells: tuple[Cell, ...], name: str) -> None:
    (folder / "cells" / name).write_bytes(b"\0\5\x16\7")
    ((_, intact),), errors = load_intact_runs([folder])
    assert (len(intact), len(errors)) == (len(cells), 0)


def test_a_cell_of_another_schema_version_does_not_take_the_others_with_it(folder: Path) -> None:
    file = first_cell(folder)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema_version": "3.0"}))
    ((_, intact),), (error,) = load_intact_runs([folder])
    assert len(intact) == 1
    assert f"{file.name} has schema version 3.0" in error.what


def test_a_file_in_the_place_of_the_cells_folder_is_named(folder: Path) -> None:
    shutil.rmtree(folder / "cells")
    (folder / "cells").write_text("")
    with pytest.raises(UsageError, match=r"cannot read .*cells: Not a directory"):
        load_intact_runs([folder])


@pytest.mark.parametrize("instead", ["fifo", "endless", "folder", "loop"])
def test_what_is_no_file_in_the_place_of_a_cell_is_named_and_left_out(folder: Path, instead: str) -> None:
    path = first_cell(folder)
    path.unlink()
    if instead == "fifo":
        os.mkfifo(path)
    elif instead == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if instead == "endless" else path)
    ((_, intact),), (error,) = load_intact_runs([folder])
    assert len(intact) == 1
    assert path.name in error.what


@pytest.mark.parametrize("instead", ["fifo", "endless", "folder", "nested"])
def test_what_is_no_saved_evaluation_counts_as_missing(
    folder: Path, cells: tuple[Cell, ...], instead: str
) -> None:
    path = folder / "accuracy" / cell_file_name(cells[0].name)
    path.parent.mkdir()
    if instead == "fifo":
        os.mkfifo(path)
    elif instead == "folder":
        path.mkdir()
    elif instead == "endless":
        path.symlink_to("/dev/zero")
    else:
        path.write_bytes(b"[" * 100_000)
    first_cell(folder).unlink()
    evaluated = with_accuracy(cells[0], 0.6)
    assert read_outcomes(folder, [evaluated]) == {}
    write_cell(folder, evaluated)
    pair_with_fp32(folder)
    assert load_run(folder)[1][0] == evaluated


def test_a_fifo_in_the_place_of_run_json_names_no_run(folder: Path) -> None:
    assert run_identity(folder)
    (folder / "run.json").unlink()
    assert run_identity(folder) == ""
    os.mkfifo(folder / "run.json")
    assert run_identity(folder) == ""


@pytest.mark.parametrize("in_place_of", ["cell", "run.json"])
def test_a_fifo_in_a_run_folder_is_refused_and_not_waited_for(folder: Path, in_place_of: str) -> None:
    path = first_cell(folder) if in_place_of == "cell" else folder / "run.json"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UsageError, match="is not a regular file"):
        load_run(folder)


def test_an_endless_device_file_behind_a_link_is_refused(folder: Path) -> None:
    path = first_cell(folder)
    path.unlink()
    path.symlink_to("/dev/zero")
    ((_, intact),), (error,) = load_intact_runs([folder])
    assert len(intact) == 1
    assert "is not a regular file" in error.what


def test_a_file_beyond_any_cell_is_not_read(folder: Path) -> None:
    os.truncate(first_cell(folder), 2**40)
    _, (error,) = load_intact_runs([folder])
    assert "is larger than 256 MiB" in error.what


def test_json_nested_without_end_is_a_damaged_cell(folder: Path) -> None:
    first_cell(folder).write_text('{"schema_version": "2.0", "x": ' + "[" * 100_000)
    _, (error,) = load_intact_runs([folder])
    assert "is damaged" in error.what


@pytest.mark.parametrize("command", ["pick", "report", "compare"])
def test_a_damaged_cell_is_named_with_exit_code_1_and_the_rest_stands(
    run_harness: HarnessCommand, folder: Path, command: str
) -> None:
    file = first_cell(folder)
    file.write_text("{")
    folders = (folder, folder) if command == "compare" else (folder,)
    ended = run_harness(command, *folders, "--json")
    assert ended.exit_code == 1
    assert file.name in ended.stderr
    (error,) = ended.document["errors"]
    assert file.name in error["what"]
    assert {"pick": "best", "report": "report", "compare": "cells"}[command] in ended.document
    assert "Traceback" not in ended.stderr


def test_what_could_not_be_read_back_is_not_written_and_names_its_device(
    folder: Path, cells: tuple[Cell, ...]
) -> None:
    before = {path: path.read_bytes() for path in (folder / "cells").iterdir()}
    absurd = replace(cells[0], device=replace(cells[0].device, memory_total_bytes=2**60))
    with pytest.raises(MeasurementError, match="memory_total_bytes") as caught:
        write_cell(folder, absurd)
    assert caught.value.device == cells[0].device.name
    assert cells[0].parity is not None
    with pytest.raises(MeasurementError, match=r"parity\.cosine"):
        write_cell(folder, replace(cells[0], parity=replace(cells[0].parity, cosine=float("nan"))))
    assert {path: path.read_bytes() for path in (folder / "cells").iterdir()} == before
