"""Storages that hold or raise what no run folder has: refused before it is read, in one error."""

import threading
from typing import Any

import pytest

from harness.records import remote_runs
from harness.records.cell_files import LARGEST_FILE_BYTES
from harness.system import remote_storage
from harness.system.remote_storage import Entry, Storage
from remote_folders import refusal

fsspec = pytest.importorskip("fsspec")


@pytest.mark.parametrize("name", ["..\\evil.json", "a\x1b[2J.json", "\u202enosj.json", "n" * 250 + ".json"])
def test_a_name_that_no_file_here_gets_is_refused(labs: Any, name: str) -> None:
    labs.store[f"/labs/oslo/cells/{name}"] = labs.store["/labs/oslo/run.json"]
    error = refusal("memory://labs/oslo")
    assert "a file at memory://labs/oslo/cells has a name that no file here gets" in error.what
    assert error.what.isprintable()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\nb", "a\0b", "\udc80" * 80])
def test_what_is_no_plain_name_is_not_safe(name: str) -> None:
    assert not Entry("x", name, False, 0).has_safe_name


def test_an_entry_that_lies_elsewhere_is_not_followed(labs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def listing(path: str, detail: bool = True) -> list[dict[str, object]]:
        named = (
            path,
            f"{path}/..",
            f"{path}/../../etc/passwd.json",
            "/labs/berlin/run.json",
            f"{path}x/y.json",
        )
        return [{"name": name, "type": "file", "size": 2} for name in named]

    monkeypatch.setattr(labs, "ls", listing)
    (entries,) = Storage("memory://labs/oslo").list_each(["/labs/oslo"])
    assert [entry.name for entry in entries] == ["..", "../../etc/passwd.json"]
    assert not any(entry.has_safe_name for entry in entries)


def test_a_huge_file_is_refused_before_it_is_read(labs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = labs.ls

    def listing(path: str, detail: bool = True) -> list[dict[str, object]]:
        sizes = {"file": LARGEST_FILE_BYTES + 1, "directory": 0}
        return [{**one, "size": sizes[one["type"]]} for one in found(path, detail=True)]

    monkeypatch.setattr(labs, "ls", listing)
    monkeypatch.setattr(labs, "cat_file", lambda *_, **__: pytest.fail("it was read"))
    assert "has 256 MiB; a file of a run has at most 256" in refusal("memory://labs/oslo").what


def test_more_than_the_disk_holds_is_refused(labs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_runs, "LARGEST_COPY_BYTES", 100)
    error = refusal("memory://labs/oslo")
    assert "the runs have 0.0 GiB" in error.what
    assert "set TMPDIR" in error.hint


def test_too_many_files_and_too_many_folders_are_refused(labs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_runs, "MOST_FILES", 0)
    assert "memory://labs/oslo/cells has 1 files; at most 0 are read" in refusal("memory://labs/oslo").what
    monkeypatch.setattr(remote_runs, "MOST_RUNS", 1)
    assert "memory://labs has 3 folders; at most 1 are read" in refusal("memory://labs").what


def test_a_file_that_is_shorter_than_it_was_listed_is_refused(
    labs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labs, "cat_file", lambda *_, **__: b"{}")
    assert "2 bytes came instead of" in refusal("memory://labs/oslo").what


def test_a_size_that_is_not_known_is_refused(labs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [{"name": "/labs/oslo/run.json", "type": "file", "size": None}]
    monkeypatch.setattr(labs, "ls", lambda *_, **__: listed)
    monkeypatch.setattr(labs, "info", lambda *_, **__: {})
    assert "the size of memory://labs/oslo/run.json is not known" in refusal("memory://labs/oslo").what


def test_a_silent_storage_is_given_up(labs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for_ever = threading.Event()
    monkeypatch.setattr(remote_storage, "SILENT_SECONDS", 0.05)
    monkeypatch.setattr(labs, "ls", lambda *_, **__: for_ever.wait())
    assert "memory://labs/oslo did not answer within 0.05 s" in refusal("memory://labs/oslo").what
    for_ever.set()


@pytest.mark.parametrize(
    ("raised", "what"),
    [
        (
            PermissionError("Access Denied"),
            "memory://labs/oslo may not be read (PermissionError: Access Denied)",
        ),
        (ConnectionRefusedError(111, "refused"), "the storage of memory://labs/oslo cannot be reached"),
        (TimeoutError("slow"), "the storage of memory://labs/oslo cannot be reached"),
        (KeyError("odd"), "cannot read memory://labs/oslo (KeyError: 'odd')"),
        (OSError(5, "Input/output error"), "cannot read memory://labs/oslo (OSError: [Errno 5]"),
    ],
)
def test_what_a_storage_raises_becomes_one_error(
    labs: Any, monkeypatch: pytest.MonkeyPatch, raised: Exception, what: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(labs, "ls", fail)
    error = refusal("memory://labs/oslo")
    assert error.what.startswith(what)
    assert error.__cause__ is None
    assert error.__suppress_context__
