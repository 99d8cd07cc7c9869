"""No command fails because its terminal's encoding lacks a character: results, errors and tables."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import typer

from builders import make_run
from harness.cli.main import app, main
from harness.records.run_folder import write_cell, write_run
from synthetic import PHONE, simulate_cells

NAME = "Größe \u2013 日本 ★"


def _commands(group: object, *words: str) -> Iterator[tuple[str, ...]]:
    """The words of each command, as the command line itself lists them."""
    yield words
    for name, command in getattr(group, "commands", {}).items():
        yield from _commands(command, *words, name)


COMMANDS = tuple(_commands(typer.main.get_command(app)))
ENCODINGS = ("ascii", "latin-1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with names that hardly any encoding has, two widths and two resolutions."""
    folder = tmp_path_factory.mktemp("encodings") / "läuf \u2013 ★"
    (folder / "cells").mkdir(parents=True)
    device = msgspec.structs.replace(PHONE, name=NAME, model=NAME)
    cells = simulate_cells(device, widths=(0.25, 0.5), resolutions_px=(128, 160))
    for cell in cells:
        write_cell(folder, cell)
    write_run(folder, make_run(cells))
    return folder


def _run(monkeypatch: pytest.MonkeyPatch, encoding: str, *words: str) -> tuple[object, str, str]:
    """Exit code, stdout and stderr of a command whose streams refuse what their encoding lacks."""
    buffers = io.BytesIO(), io.BytesIO()
    streams = [io.TextIOWrapper(buffer, encoding=encoding, errors="strict") for buffer in buffers]
    with monkeypatch.context() as patched:
        patched.setattr("sys.stdout", streams[0])
        patched.setattr("sys.stderr", streams[1])
        patched.setattr("sys.argv", ["harness", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    for stream in streams:
        stream.flush()
    # typer takes an ASCII stream for a wrongly configured one, and prints UTF-8 there.
    printed, errors = (buffer.getvalue().decode("utf-8", "replace") for buffer in buffers)
    assert "Traceback" not in errors
    assert "please report it" not in errors
    return ended.value.code, printed, errors


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_and_errors_of_every_command_are_printed(
    words: tuple[str, ...], encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run(monkeypatch, encoding, *words, "--help")[0] == 0
    code, _, errors = _run(monkeypatch, encoding, *words, f"--{NAME}")
    assert (code, errors.startswith("error: ")) == (2, True)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("report", "FOLDER"), 0),
        (("compare", "FOLDER", "FOLDER"), 0),
        (("compare", "FOLDER", "FOLDER", "--markdown"), 0),
        (("pick", "FOLDER"), 0),
        (("pick", "FOLDER", "--max-latency", "1us"), 1),
        (("pick", "FOLDER", "--json"), 0),
        (("predict", "FOLDER"), 1),
        (("history", "FOLDER", "FOLDER"), 0),
        (("export", "FOLDER", "--format", "csv"), 0),
        (("schema", "cell"), 0),
        (("devices",), 0),
        (("doctor", NAME), 4),
        (("run", "--device", NAME), 4),
        (("run", "--width", NAME), 2),
        (("evaluate", "FOLDER", "--accuracy", NAME), 2),
        (("train", "--dataset", NAME, "--out", "x.safetensors"), 2),
        (("lower", "--weights", NAME), 2),
        (("bundle", "import", NAME), 2),
        (("bundle", "export", f"/{NAME}/x.tar.gz"), None),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else "",
)
def test_results_and_errors_with_such_names_are_printed(
    words: tuple[str, ...],
    expected: int | None,
    encoding: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = [str(folder) if word == "FOLDER" else word for word in words]
    code, printed, errors = _run(monkeypatch, encoding, *given)
    assert expected is None or code == expected, errors
    assert printed or errors


def test_an_argument_that_the_locale_cannot_read_names_the_locale() -> None:
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ended = subprocess.run(
        [sys.executable, "-m", "harness", "report", NAME],
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert b"cannot be read in the locale's encoding, ascii\n  hint: export LC_ALL=C.UTF-8" in ended.stderr
