"""A place that cannot be written is refused before any work, by every command that writes."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from builders import make_cell, make_run
from harness.cli.main import app
from harness.cli.output_places import check_output_file, check_output_folder, new_run_folder
from harness.errors import UsageError
from harness.records.run_folder import write_cell, write_run
from harness_command import run_main

# What each command is given, the run folder `run` included; then its option for what it writes.
FILES = {
    "history": ("history", "run", "--out"),
    "export": ("export", "run", "--format", "csv", "--out"),
    "train": ("train", "--dataset", "nosuch", "--out"),
    "bundle": ("bundle", "export"),
}
FOLDERS = {
    "run": ("run", "--device", "host", "--out"),
    "dry run": ("run", "--device", "host", "--dry-run", "--out"),
    "lower": ("lower", "--out"),
    "report": ("report", "run", "--out"),
}
BOTH = {**FILES, **FOLDERS}
NAME = "x.safetensors"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, which holds a run, and what nothing can be written to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "run").mkdir()
    write_run(tmp_path / "run", make_run((make_cell(),)))
    write_cell(tmp_path / "run", make_cell())
    (tmp_path / "folder" / NAME).mkdir(parents=True)
    (tmp_path / NAME).write_text("mine")
    os.mkfifo(tmp_path / f"fifo-{NAME}")
    (tmp_path / "linked").symlink_to("run")
    return tmp_path


def everything(folder: Path) -> list[tuple[Path, bytes | None]]:
    return [(path, path.read_bytes() if path.is_file() else None) for path in sorted(folder.rglob("*"))]


@pytest.mark.parametrize(
    ("words", "out", "says", "hint"),
    [
        *[
            (words, f"folder/{NAME}", "is a folder, and a file", "name a file in it")
            for words in FILES.values()
        ],
        *[(words, f"fifo-{NAME}", "is not a regular file", "name another") for words in FILES.values()],
        *[
            (words, out, "belongs to the record of the run", "name a place outside")
            for command, words in FILES.items()
            if command != "train"
            for out in ("run/run.json", "run/cells/new.json", "linked/run.json")
        ],
        *[
            (words, "linked/cells", "belongs to the record of the run", "name a place outside")
            for words in FOLDERS.values()
        ],
        *[(words, NAME, "is a file, and a folder", "name a folder") for words in FOLDERS.values()],
        *[
            (words, "-", "is not written to stdout", "name a place")
            for command, words in BOTH.items()
            if command not in ("export", "train")
        ],
        *[(words, f"fifo-{NAME}", "is a file, and a folder", "name a folder") for words in FOLDERS.values()],
        *[(words, f"{NAME}/a/{NAME}", "Not a directory", "a part of the path is") for words in BOTH.values()],
        *[(words, f"/proc/{NAME}", "cannot be written", "name another") for words in BOTH.values()],
        *[(words, f"{'n' * 300}.safetensors", "too long", "choose a shorter") for words in BOTH.values()],
        *[(words, f"s3://lab/{NAME}", "names a URL", "name a folder") for words in BOTH.values()],
    ],
)
def test_it_is_refused_with_nothing_touched(
    words: tuple[str, ...],
    out: str,
    says: str,
    hint: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = everything(place)
    assert run_main(monkeypatch, *words, out) == 2
    block = capsys.readouterr().err
    option = "FILE" if words[0] == "bundle" else "--out"
    assert f"error: {option}" in block
    assert says in block
    assert f"hint: {hint}" in block
    assert ".partial" not in block
    assert everything(place) == before


def test_no_command_that_writes_is_left_out() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    writing = {
        name
        for name, command in commands.items()
        if any("--out" in parameter.opts for parameter in command.params)
    }
    assert writing == {words[0] for words in BOTH.values()} - {"bundle"}


@pytest.mark.parametrize(
    "words", [FILES["history"], FILES["export"], FOLDERS["report"]], ids=lambda words: words[0]
)
def test_missing_folders_are_made(
    words: tuple[str, ...], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_main(monkeypatch, *words, "a/b/out") == 0
    assert (place / "a" / "b" / "out").exists()


@pytest.mark.parametrize(
    ("words", "default"), [(("history", "run"), "history.html"), (("report", "run"), "run/report")]
)
def test_so_is_a_default_place(
    words: tuple[str, ...],
    default: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    os.mkfifo(place / default)
    assert run_main(monkeypatch, *words) == 2
    assert "error: the default --out" in capsys.readouterr().err


@pytest.mark.parametrize("check", [check_output_file, check_output_folder])
def test_what_can_be_made_is_not_made_yet(check: Callable[[Path], Path], place: Path) -> None:
    before = everything(place)
    assert check(Path("a/b/c")) == Path("a/b/c")
    assert everything(place) == before


@pytest.mark.parametrize("words", [("run", "--resume"), ("evaluate",)], ids=lambda words: words[0])
def test_a_run_folder_that_cannot_be_written_is_refused_before_it_is_continued(
    words: tuple[str, ...],
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    # Permissions alone do not stop root, who runs some of our tests.
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    before = everything(place)
    assert run_main(monkeypatch, *words, "run") == 2
    assert f"{'--resume' if words[0] == 'run' else 'DIR'} run cannot be written" in capsys.readouterr().err
    assert everything(place) == before


def test_a_run_folder_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not empty") as caught:
        new_run_folder(tmp_path)
    assert "--resume" in caught.value.hint
    assert (tmp_path / NAME).read_text() == "mine"


def test_a_run_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot make the run folder"):
        new_run_folder(tmp_path / NAME / "run")
