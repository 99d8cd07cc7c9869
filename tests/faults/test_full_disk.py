"""A disk that becomes full in the middle of a command: one block, nothing cut, and the next try succeeds."""

import errno
import shutil
from pathlib import Path

import pytest
from full_disk import Disk, compile_library, damaged_files
from small_tmpfs import can_mount, try_full

RUN = Path(__file__).parents[2] / "benchmarks" / "base"


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    for name in ("tmp", "home", "cache"):
        (tmp_path / "disk" / name).mkdir(parents=True)
    shutil.copytree(RUN, tmp_path / "disk" / "run")
    return Disk(tmp_path / "disk", compile_library(tmp_path))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_report_on_a_full_disk_is_one_block_and_cuts_no_file(disk: Disk) -> None:
    """The first, two in the middle, and the last of all writes; `make bench-diskfull` tries each."""
    cells = contents(disk.root / "run")
    for _ in range(2):  # the first also writes matplotlib's list of fonts
        shutil.rmtree(disk.root / "run" / "report", ignore_errors=True)
        whole = disk.run(["report", "run"])
        assert (whole.exit_code, damaged_files(disk.root)) == (0, [])
    shutil.rmtree(disk.root / "run" / "report")
    assert whole.writes > 10
    for fails_at in (1, whole.writes // 3, whole.writes - 1, whole.writes):
        ended = disk.run(["report", "run"], fails_at=fails_at)
        assert (fails_at, ended.exit_code, ended.wrong()) == (fails_at, 1, []), ended.stderr
        assert damaged_files(disk.root) == []
        assert not list(disk.root.rglob("*.partial"))
        after = contents(disk.root / "run")
        assert {name: after[name] for name in cells} == cells
    assert disk.run(["report", "run"]).exit_code == 0


@pytest.mark.parametrize("number", [errno.EIO, errno.EDQUOT, errno.EROFS])
def test_other_errors_of_a_disk_are_one_block_too(disk: Disk, number: int) -> None:
    ended = disk.run(["report", "run"], fails_at=5, error=number)
    assert (ended.exit_code, ended.wrong()) == (1, []), ended.stderr
    assert damaged_files(disk.root) == []


def test_files_that_end_early_are_seen_as_damaged(tmp_path: Path) -> None:
    (tmp_path / "cell.json").write_text('{"a": 1')
    (tmp_path / "index.html").write_text("<html>")
    (tmp_path / "model.pte").write_bytes(b"\0\0\0\0ET12")
    (tmp_path / "good.html").write_text("<html></html>\n")
    assert [each.split(":")[0] for each in damaged_files(tmp_path)] == [
        "cell.json",
        "index.html",
        "model.pte",
    ]


@pytest.mark.skipif(not can_mount(), reason="no user namespace with a tmpfs: see unshare(1)")
def test_a_report_on_a_tmpfs_that_fills_up_is_one_block_and_succeeds_with_room(tmp_path: Path) -> None:
    """`make bench-diskfull` tries more sizes, and run and lower."""
    template = tmp_path / "template"
    for name in ("tmp", "home", "cache"):
        (template / name).mkdir(parents=True)
    shutil.copytree(RUN, template / "run")
    for room_kb in (8, 300):
        tried = try_full(tmp_path / "disk", template, ["report", "run"], room_kb=room_kb)
        assert (room_kb, tried.first.exit_code, tried.wrong()) == (room_kb, 1, []), tried.first.stderr
        assert "No space left on device" in tried.first.stderr
