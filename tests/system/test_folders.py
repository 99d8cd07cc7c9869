"""Folders appear whole or not at all, and what a killed writer left goes; what a live one writes stays."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.system.files import write_atomically
from harness.system.folders import folder_bytes, install_folder, scratch_folder

MAKES_AND_WAITS = """
import os, signal, sys
from pathlib import Path
from harness.system.files import atomic_file
from harness.system.folders import scratch_folder
with scratch_folder(Path(sys.argv[1])) as scratch, atomic_file(Path(sys.argv[1]) / "report") as file:
    (scratch / "half").write_text("half"); file.write_text("half")
    print("made", flush=True)
    sys.stdin.read()
"""


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def start_writer(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", MAKES_AND_WAITS, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "made\n"
    return process


def install(folder: Path, content: str) -> None:
    with scratch_folder(folder.parent) as scratch:
        (scratch / "made").mkdir()
        (scratch / "made" / "file").write_text(content)
        install_folder(scratch / "made", folder)


def test_a_folder_gets_its_name_with_all_that_is_in_it(tmp_path: Path) -> None:
    install(tmp_path / "entry", "new")
    assert (tmp_path / "entry" / "file").read_text() == "new"
    assert names_in(tmp_path) == ["entry"]


def test_a_folder_replaces_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / "entry").mkdir()
    (tmp_path / "entry" / "damaged").touch()
    install(tmp_path / "entry", "new")
    assert names_in(tmp_path / "entry") == ["file"]


def test_every_file_and_folder_is_synced_before_the_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []

    def record(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((path.name, (tmp_path / "entry").exists()))

    monkeypatch.setattr(os, "fsync", record)
    with scratch_folder(tmp_path) as scratch:
        (scratch / "made" / "lib").mkdir(parents=True)
        (scratch / "made" / "lib" / "a.so").touch()
        (scratch / "made" / "link").symlink_to("nowhere")
        install_folder(scratch / "made", tmp_path / "entry")
    assert sorted(synced[:-1]) == [("a.so", False), ("lib", False), ("made", False)]
    assert synced[-1] == (tmp_path.name, True)


def test_an_error_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    def fail_in_the_middle() -> None:
        with scratch_folder(tmp_path) as scratch:
            (scratch / "half").touch()
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail_in_the_middle()
    assert names_in(tmp_path) == []


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    with start_writer(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
    assert len(names_in(tmp_path)) == 2
    write_atomically(tmp_path / "another", "new")
    assert names_in(tmp_path) == ["another"]


def test_what_a_live_writer_writes_stays(tmp_path: Path) -> None:
    with start_writer(tmp_path) as process:
        write_atomically(tmp_path / "another", "new")
        assert len(names_in(tmp_path)) == 3
        process.communicate()
    assert process.returncode == 0
    assert names_in(tmp_path) == ["another", "report"]
    assert (tmp_path / "report").read_text() == "half"


def test_what_a_process_of_another_container_holds_stays(tmp_path: Path) -> None:
    """Its number is nobody's here, but the lock of its file is seen."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    file = tmp_path / f".{'0' * 16}.{ended.pid}.partial"
    with file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        write_atomically(tmp_path / "another", "new")
        assert file.exists()
    write_atomically(tmp_path / "another", "new")
    assert not file.exists()


def test_files_with_other_names_stay_and_links_are_not_followed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in (".partial", "a.partial", f".x.{ended.pid}.partial", f".{'0' * 16}.0.partial"):
        (folder / name).touch()
    (folder / f".{'0' * 16}.{ended.pid}.partial").symlink_to(kept)
    write_atomically(folder / "another", "new")
    assert len(names_in(folder)) == 5
    assert (kept / "file").exists()


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o777])
def test_others_never_may_write_a_temporary_folder_or_file(tmp_path: Path, mask: int) -> None:
    code = (
        "import os, sys; from pathlib import Path; from harness.system.folders import scratch_folder\n"
        "from harness.system.files import atomic_file\n"
        f"folder = Path(sys.argv[1]); os.umask({mask})\n"
        "with scratch_folder(folder) as scratch, atomic_file(folder / 'file') as file:\n"
        "    print(scratch.stat().st_mode & 0o077, file.stat().st_mode & 0o002)"
    )
    argv = [sys.executable, "-c", code, str(tmp_path)]
    ended = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert ended.stdout == "0 0\n"


def test_a_folder_takes_what_is_in_its_files_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one").write_bytes(b"x" * 300_000)
    (tmp_path / "in" / "same").hardlink_to(tmp_path / "in" / "one")
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "around").symlink_to(tmp_path)
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(1 << 40)
    assert 300_000 <= folder_bytes(tmp_path) < 400_000
    assert folder_bytes(tmp_path / "none") == 0
