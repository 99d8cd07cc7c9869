import json
import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import make_cell, make_paced_cell, make_plan, make_run
from harness.errors import UsageError
from harness.records import SCHEMA_VERSION, Cell
from harness.records.cell_files import cell_file_name, file_name_in
from harness.records.run_folder import (
    load_intact_runs,
    load_run,
    load_runs,
    read_cells,
    write_cell,
    write_run,
)
from synthetic import EMULATOR, PHONE, simulate_cells

VERSION_1 = Path(__file__).resolve().parent.parent / "data" / "run-folder-1"


@pytest.fixture
def cells() -> tuple[Cell, ...]:
    return simulate_cells(EMULATOR, widths=(0.25, 0.5), resolutions_px=(128,))


@pytest.fixture
def folder(tmp_path: Path, cells: tuple[Cell, ...]) -> Path:
    write_run(tmp_path / "run", make_run(cells))
    for cell in cells:
        write_cell(tmp_path / "run", cell)
    return tmp_path / "run"


def test_what_was_written_is_loaded_again_exactly(folder: Path, cells: tuple[Cell, ...]) -> None:
    run, loaded = load_run(folder)
    assert run == make_run(cells)
    assert sorted(loaded, key=lambda cell: cell.name) == sorted(cells, key=lambda cell: cell.name)


def test_the_same_folder_named_twice_is_loaded_once(folder: Path) -> None:
    assert len(load_runs([folder, folder / ".." / folder.name])) == 1


def test_a_cell_measured_again_replaces_the_old_one_and_nothing_temporary_stays(
    folder: Path, cells: tuple[Cell, ...]
) -> None:
    path = write_cell(folder, replace(cells[0], tuning=()))
    assert len(read_cells(folder)) == len(cells)
    assert json.loads(path.read_text())["tuning"] == []
    assert {file.suffix for file in path.parent.iterdir()} == {".json"}


def test_cells_that_differ_only_in_cores_have_files_of_their_own(folder: Path) -> None:
    cells = [make_cell(plan=make_plan(cpus=cpus)) for cpus in (None, "0-3", "1,3")]
    paths = [write_cell(folder, cell) for cell in cells]
    assert [path.stem.partition("-t1")[2] for path in paths] == ["", "-c0-3", "-c1_3"]
    assert {cell.plan.cpus for cell in read_cells(folder)} == {None, "0-3", "1,3"}


def test_cells_that_differ_only_in_rate_have_files_of_their_own(folder: Path) -> None:
    cells = [make_cell(), *(make_paced_cell(rate) for rate in (15.0, 29.97))]
    paths = [write_cell(folder, cell) for cell in cells]
    assert [path.stem.partition("-t1")[2] for path in paths] == ["", "-r15", "-r29.97"]
    saved = read_cells(folder)
    assert all(cell in saved for cell in cells)


def test_a_pinned_cell_that_was_saved_without_its_cores_in_the_name_keeps_its_file(folder: Path) -> None:
    cell = make_cell(plan=make_plan(cpus="0-3"))
    earlier = folder / "cells" / cell_file_name(cell.name_without_cores)
    write_cell(folder, cell).rename(earlier)
    assert cell in read_cells(folder)
    assert write_cell(folder, replace(cell, tuning=())) == earlier
    assert [saved.tuning for saved in read_cells(folder) if saved.plan.cpus] == [()]
    assert file_name_in(folder, replace(cell, plan=make_plan(cpus="0-1"))).endswith("-c0-1.json")


def test_samples_stand_on_one_line_and_their_order_is_kept(folder: Path, cells: tuple[Cell, ...]) -> None:
    path = folder / "cells" / cell_file_name(cells[0].name)
    samples = ", ".join(str(value) for value in cells[0].processes[0].latencies_ns)
    assert f'"latencies_ns": [{samples}]' in path.read_text()


def test_text_that_looks_like_an_array_of_samples_is_left_alone(tmp_path: Path) -> None:
    (cell,) = simulate_cells(
        replace(PHONE, model="[\n  1,\n  2\n]"), widths=(0.25,), resolutions_px=(128,), precisions=("fp32",)
    )
    write_run(tmp_path, make_run((cell,)))
    write_cell(tmp_path, cell)
    assert load_run(tmp_path)[1] == (cell,)


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_cell_name_gives_a_safe_file_name_and_different_names_different_files(
    one: str, other: str
) -> None:
    name = cell_file_name(one)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert not name.startswith(".")
    assert len(name) < 200
    assert (name == cell_file_name(other)) == (one == other)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is not a run folder: it has no run\.json"):
        load_run(tmp_path)


def test_a_run_without_cells_is_refused_and_says_how_to_go_on(
    tmp_path: Path, cells: tuple[Cell, ...]
) -> None:
    write_run(tmp_path, make_run(cells))
    assert read_cells(tmp_path) == ()
    with pytest.raises(UsageError, match="holds no measured cell") as caught:
        load_run(tmp_path)
    assert "--resume" in caught.value.hint


def test_a_hint_that_names_a_folder_can_be_copied(tmp_path: Path, cells: tuple[Cell, ...]) -> None:
    folder = tmp_path / "my run"
    write_run(folder, make_run(cells))
    with pytest.raises(UsageError) as caught:
        load_run(folder)
    assert shlex.split(caught.value.hint.partition(": ")[2]) == ["harness", "run", "--resume", str(folder)]


@pytest.mark.parametrize(("name", "why"), [("a file", "it is a file"), ("nosuch", "there is no such folder")])
def test_a_path_that_is_no_folder_is_called_so(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(UsageError, match=f"{name} is not a run folder: {why}"):
        load_run(tmp_path / name)


@pytest.mark.parametrize(("written", "shown"), [("1", "1"), ('"1.4"', "1.4"), ('"3.0"', "3.0")])
def test_another_major_schema_version_is_refused_before_anything_else_is_read(
    folder: Path, written: str, shown: str
) -> None:
    (folder / "run.json").write_text(f'{{"schema_version": {written}, "new": true}}')
    with pytest.raises(
        UsageError, match=rf"run\.json has schema version {shown}; this harness reads versions 2\.x"
    ) as caught:
        load_run(folder)
    assert "measure again into a new folder" in caught.value.hint


def test_a_cell_of_another_major_schema_version_is_refused_by_name(folder: Path) -> None:
    path = _first_cell(folder)
    path.write_text(
        path.read_text().replace(f'"schema_version": "{SCHEMA_VERSION}"', '"schema_version": "3.0"', 1)
    )
    with pytest.raises(UsageError, match=rf"{re.escape(path.name)} has schema version 3\.0"):
        load_run(folder)


def test_a_run_that_the_previous_schema_version_wrote_is_refused_with_what_to_do() -> None:
    """A run of the emulator as revision 882d74e saved it."""
    with pytest.raises(UsageError, match=r"has schema version 1; this harness reads versions 2\.x") as caught:
        load_run(VERSION_1)
    assert caught.value.exit_code == 2
    assert "the harness version that wrote it" in caught.value.hint
    with pytest.raises(UsageError, match=r"\.json has schema version 1; this harness reads versions 2\.x"):
        read_cells(VERSION_1)


def test_fields_of_a_newer_minor_schema_version_are_ignored(folder: Path, cells: tuple[Cell, ...]) -> None:
    path = _first_cell(folder)
    document = json.loads(path.read_text())
    document |= {"schema_version": "2.7", "surprise": [1]}
    document["device"]["surprise"] = document["processes"][0]["surprise"] = 1
    path.write_text(json.dumps(document))
    (newer,) = (cell for cell in load_run(folder)[1] if cell.schema_version == "2.7")
    assert replace(newer, schema_version=SCHEMA_VERSION) in cells


NEW_REASON = {"code": "new", "severity": "info", "affects": "time", "detail": "new"}
NEWER = {
    "affects": (("verdict", "reasons"), [NEW_REASON | {"affects": "energy"}]),
    "severity": (("verdict", "reasons"), [NEW_REASON | {"severity": "hint"}]),
    "clock": (("device", "clock"), "replayed"),
    "a conflict": (("instructions_per_inference",), 1),
}


def _cell_of(folder: Path, version: str, place: tuple[str, ...], value: object) -> Path:
    """A cell in which another version of the harness wrote this value."""
    path = _first_cell(folder)
    document = json.loads(path.read_text()) | {"schema_version": version}
    part = document
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(("place", "value"), NEWER.values(), ids=NEWER)
def test_a_value_of_a_newer_minor_schema_version_is_no_damage_and_its_cell_is_left_out(
    folder: Path, cells: tuple[Cell, ...], place: tuple[str, ...], value: object
) -> None:
    path = _cell_of(folder, "2.99", place, value)
    with pytest.raises(UsageError) as refused:
        load_run(folder)
    newer = f"{path} was written by a newer harness (schema 2.99; this one reads {SCHEMA_VERSION}): "
    hint = "update mobilenet-harness, or read the folder with the version that wrote it"
    assert (refused.value.what[: len(newer)], refused.value.hint) == (newer, hint)
    ((_, loaded),), (error,) = load_intact_runs([folder])
    assert len(loaded) == len(cells) - 1
    assert (error.what, error.hint) == (f"{refused.value.what}; left out", hint)


@pytest.mark.parametrize("version", ["2.0", SCHEMA_VERSION])
@pytest.mark.parametrize(("place", "value"), NEWER.values(), ids=NEWER)
def test_a_value_that_no_version_up_to_this_one_has_is_damage(
    folder: Path, version: str, place: tuple[str, ...], value: object
) -> None:
    _cell_of(folder, version, place, value)
    with pytest.raises(UsageError, match="is damaged") as refused:
        load_run(folder)
    assert "delete the file" in refused.value.hint


def test_a_run_with_a_value_of_a_newer_minor_schema_version_is_no_damage(folder: Path) -> None:
    path = folder / "run.json"
    document = json.loads(path.read_text()) | {"schema_version": "2.99"}
    document["request"]["energy"] = "sun"
    path.write_text(json.dumps(document))
    with pytest.raises(UsageError, match="was written by a newer harness") as refused:
        load_run(folder)
    assert refused.value.hint.startswith("update mobilenet-harness")


def test_a_cell_of_a_newer_minor_schema_version_is_saved_again_as_what_this_harness_writes(
    folder: Path, cells: tuple[Cell, ...]
) -> None:
    path = write_cell(folder, replace(cells[0], schema_version="2.7"))
    assert json.loads(path.read_text())["schema_version"] == SCHEMA_VERSION


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"schema_version": "2.0"}', b'{"schema_version": "two"}', b'{"a": "\xff"}'],
)
def test_a_damaged_cell_is_refused_by_name_with_what_to_do(folder: Path, content: bytes) -> None:
    damaged = next(iter(sorted((folder / "cells").iterdir())))
    damaged.write_bytes(content)
    with pytest.raises(UsageError, match="is damaged") as caught:
        load_run(folder)
    assert damaged.name in caught.value.what
    assert "delete the file" in caught.value.hint


def _first_cell(folder: Path) -> Path:
    return min((folder / "cells").iterdir())
