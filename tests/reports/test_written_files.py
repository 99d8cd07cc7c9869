"""What a report writes: no picture of an earlier report stays, and no symbolic link is followed."""

import json
from pathlib import Path

import pytest

from builders import make_run
from evaluations import make_evaluation
from harness.accuracy.store import save_evaluation
from harness.errors import UsageError
from harness.records import Cell
from harness.records.run_folder import write_cell, write_run
from reports.earlier import LIST
from reports.report import write_report
from synthetic import EMULATOR, PHONE, simulate_cells

SECRET = "-----BEGIN OPENSSH PRIVATE KEY-----"


@pytest.fixture(scope="module")
def phone() -> tuple[Cell, ...]:
    return simulate_cells(PHONE, widths=(0.25, 0.5), resolutions_px=(128,), precisions=("fp32",))


@pytest.fixture(scope="module")
def emulated() -> tuple[Cell, ...]:
    return simulate_cells(EMULATOR, widths=(0.25, 0.5), resolutions_px=(128,), precisions=("fp32",))


def report(cells: tuple[Cell, ...], folder: Path) -> set[str]:
    write_report([(make_run(cells), cells)], folder)
    return {path.name for path in folder.iterdir()}


def test_a_report_of_fewer_cells_leaves_no_picture_of_the_one_before(
    tmp_path: Path, phone: tuple[Cell, ...], emulated: tuple[Cell, ...]
) -> None:
    alone = report(emulated, tmp_path / "alone")
    both = report((*phone, *emulated), tmp_path / "report")
    assert alone < both
    (tmp_path / "report" / "pixel-notes.png").write_bytes(b"the user's own")
    changed = next(name for name in sorted(both) if name.startswith("pixel") and name.endswith(".png"))
    (tmp_path / "report" / changed).write_bytes(b"the user's own now")
    assert report(emulated, tmp_path / "report") == {*alone, "pixel-notes.png", changed}


def test_the_list_of_a_received_folder_removes_nothing_but_its_pictures(
    tmp_path: Path, emulated: tuple[Cell, ...]
) -> None:
    folder = tmp_path / "report"
    report(emulated, folder)
    listed = json.loads((folder / LIST).read_text())
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    kept = [tmp_path / "outside.png", folder / "notes.txt", folder / "link.png"]
    kept[0].touch()
    kept[1].touch()
    kept[2].symlink_to(kept[0])
    listed["sha256"] |= dict.fromkeys(("../outside.png", str(kept[0]), "notes.txt", "link.png"), empty)
    (folder / LIST).write_text(json.dumps(listed))
    report(emulated, folder)
    assert all(path.exists() for path in kept)


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b'{"sha256": {"a.png": "no digest"}}', None])
def test_a_damaged_list_is_written_again(
    tmp_path: Path, emulated: tuple[Cell, ...], content: bytes | None
) -> None:
    before = report(emulated, tmp_path)
    if content is None:
        (tmp_path / LIST).unlink()
        (tmp_path / LIST).symlink_to("/dev/zero")
    else:
        (tmp_path / LIST).write_bytes(content)
    assert report(emulated, tmp_path) == before
    assert json.loads((tmp_path / LIST).read_text())["sha256"]


def test_no_file_of_a_report_is_written_through_a_link(tmp_path: Path, emulated: tuple[Cell, ...]) -> None:
    names = report(emulated, tmp_path / "report")
    key = tmp_path / "id_ed25519"
    key.write_text(SECRET)
    for name in names:
        (tmp_path / "report" / name).unlink()
        (tmp_path / "report" / name).symlink_to(key)
    assert report(emulated, tmp_path / "report") == names
    assert key.read_text() == SECRET
    assert not [path for path in (tmp_path / "report").iterdir() if path.is_symlink()]


def test_a_link_in_the_place_of_the_report_folder_is_refused(
    tmp_path: Path, emulated: tuple[Cell, ...]
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "report").symlink_to("home")
    with pytest.raises(UsageError, match="report is a symbolic link, and nothing is written through it"):
        report(emulated, tmp_path / "report")
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize("linked", ["cells", "accuracy"])
def test_cells_and_evaluations_are_not_written_through_a_linked_folder(
    tmp_path: Path, emulated: tuple[Cell, ...], linked: str
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / linked).symlink_to(tmp_path / "home")
    with pytest.raises(UsageError, match=f"{linked} is a symbolic link"):
        save_evaluation(tmp_path / "run", make_evaluation("10"), emulated)
    assert list((tmp_path / "home").iterdir()) == []


def test_saved_records_replace_a_link_and_do_not_follow_it(
    tmp_path: Path, emulated: tuple[Cell, ...]
) -> None:
    key = tmp_path / "id_ed25519"
    run = tmp_path / "run"
    save_evaluation(run_of(run, emulated), make_evaluation("10"), emulated)
    files = list(run.rglob("*.json"))
    assert len(files) == 5
    for file in files:
        file.unlink()
        key.write_text(SECRET)
        file.symlink_to(key)
    save_evaluation(run_of(run, emulated), make_evaluation("10"), emulated)
    assert key.read_text() == SECRET
    assert not [file for file in files if file.is_symlink()]


def run_of(folder: Path, cells: tuple[Cell, ...]) -> Path:
    write_run(folder, make_run(cells))
    for cell in cells:
        write_cell(folder, cell)
    return folder
