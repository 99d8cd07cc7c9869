"""The lock of a cache entry is a plain file, and nothing else is followed or waited for."""

import os
from pathlib import Path

import pytest

from harness.errors import BundleError
from harness.system.entry_lock import locked


@pytest.mark.parametrize("kind", ["link", "dangling link", "fifo", "folder"])
def test_what_is_no_file_in_the_place_of_a_lock_is_refused_with_what_to_do(tmp_path: Path, kind: str) -> None:
    lock, other = tmp_path / "entry.lock", tmp_path / "other"
    if kind == "link":
        other.write_text("precious")
    if "link" in kind:
        lock.symlink_to(other)
    elif kind == "fifo":
        os.mkfifo(lock)
    else:
        lock.mkdir()
    with pytest.raises(BundleError, match="in the place of a lock") as caught, locked(tmp_path / "entry"):
        pass
    assert caught.value.hint == f"delete {lock}"
    assert other.exists() == (kind == "link")
    assert kind != "link" or other.read_text() == "precious"


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_lock_is_written_by_its_user_alone_under_any_umask(tmp_path: Path, umask: int) -> None:
    previous = os.umask(umask | 0o002)  # as harness.cli.last_door sets it
    try:
        with locked(tmp_path / "new" / "entry"):
            pass
    finally:
        os.umask(previous)
    for path in (tmp_path / "new", tmp_path / "new" / "entry.lock"):
        assert not path.exists() or not path.stat().st_mode & 0o002
