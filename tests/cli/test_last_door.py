"""What the operating system raises ends as one block; a terminal of any encoding shows a run's result."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from harness.cli import main as main_module
from harness.cli.application import print_json
from harness.cli.last_door import check_words
from harness.errors import UsageError
from harness_command import run_main


def run_raising(monkeypatch: pytest.MonkeyPatch, error: BaseException, *words: str) -> int:
    application = typer.Typer()

    @application.command()
    def fails(json: bool = False) -> None:
        raise error

    monkeypatch.setattr(main_module, "app", application)
    return run_main(monkeypatch, *words)


@pytest.mark.parametrize(
    ("error", "exit_code", "what"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/r/a.json"),
            1,
            "No space left on device: /r/a.json",
        ),
        (OSError(errno.EROFS, "Read-only file system", "/r"), 1, "Read-only file system: /r"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", b"/r/x"), 1, "Not a directory: /r/x"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "n", None, "m"), 1, "File name too long: n -> m"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 1, "Disk quota exceeded"),
        (
            OSError(errno.ENOSPC, "No space left on device", "caf\udce9"),
            1,
            "No space left on device: caf\\xe9",
        ),
        (
            UnicodeEncodeError("utf-8", "\udce9", 0, 1, "surrogates"),
            1,
            "a name or text is not in the expected",
        ),
        (MemoryError(), 1, "memory ran out"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_every_error_of_the_system_is_one_block_with_a_hint(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    exit_code: int,
    what: str,
) -> None:
    assert run_raising(monkeypatch, error, "--json") == exit_code
    printed = capsys.readouterr()
    document = json.loads(printed.out)["error"]
    assert document["what"].startswith(what)
    assert printed.err.startswith(f"error: {what}")
    assert "Traceback" not in printed.err
    assert document["hint"] or exit_code == 130


def test_an_error_of_the_harness_without_a_hint_has_that_of_its_cause(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = UsageError("cannot make the run folder out: No space left on device")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert run_raising(monkeypatch, error) == 2
    assert "hint: make room on that disk" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_an_endless_text_is_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert run_raising(monkeypatch, UsageError("0.25, " * 10**6, hint="1, " * 10**6), *words) == 2
    printed = capsys.readouterr()
    assert len(printed.err) < 9000
    assert len(printed.out) < 9000


def test_an_argument_that_is_not_utf_8_is_refused_before_anything_runs() -> None:
    check_words(["train", "--data", "caf\u00e9"])
    with pytest.raises(UsageError, match="not UTF-8"):
        check_words(["train", "--data", os.fsdecode(b"caf\xe9")])


def test_a_working_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    done = subprocess.run(
        [
            "sh",
            "-c",
            'rmdir "$1" && exec "$2" devices',
            "sh",
            folder,
            Path(sys.executable).with_name("harness"),
        ],
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: the folder in which this command was started is gone\n  hint: ")


def python(
    code: str, *, encoding: str = "utf-8", stdout: int | None = None
) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE if stdout is None else stdout,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )


PRINTS = """
import sys, typer
from harness.cli import main
from harness.cli.application import console_for
main.app = typer.Typer()
@main.app.command()
def show():
    console_for().print("1 \u2013 2 \u2605")
sys.argv = ["harness"]
main.main()
"""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_of_any_encoding_shows_the_result(encoding: str) -> None:
    ended = python(PRINTS, encoding=encoding)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout == "1 \u2013 2 \u2605\n".encode(encoding, "replace")


def test_json_stays_json_on_a_terminal_of_ascii() -> None:
    code = "from harness.cli.application import print_json; print_json({'a': '\u2013 \u2605'})"
    assert json.loads(python(code, encoding="ascii").stdout) == {"a": "\u2013 \u2605"}


def test_json_is_printed_unescaped_where_it_can_be(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": "\u2013"})
    assert capsys.readouterr().out == '{"a":"\u2013"}\n'


def test_a_full_disk_under_stdout_is_one_block() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        ended = python(PRINTS, stdout=full)
    finally:
        os.close(full)
    assert b"error: No space left on device" in ended.stderr
    assert b"Traceback" not in ended.stderr
    assert ended.returncode == 1


def test_a_reader_that_has_ended_ends_the_command_without_a_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = python(PRINTS, stdout=writing)
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_a_defect_is_one_block(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_raising(monkeypatch, RuntimeError("x"), "--json") == 1
    assert "the harness has a defect" in capsys.readouterr().err


def test_ctrl_c_while_modules_are_imported_is_one_block() -> None:
    code = """
import sys
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "harness.cli.train":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupts())
import harness.cli.main
"""
    ended = python(code)
    assert (ended.returncode, ended.stderr) == (130, b"error: interrupted\n")


@pytest.mark.parametrize("closed", [(1,), (0, 1, 2), (2,), (0,)], ids=str)
def test_a_command_that_went_well_ends_well_without_its_streams(
    closed: tuple[int, ...], tmp_path: Path
) -> None:
    redirections = " ".join(f"{number}{'<' if number == 0 else '>'}&-" for number in closed)
    argv = ["sh", "-c", f'exec "$0" -c "$1" {redirections}', sys.executable, PRINTS]
    ended = subprocess.run(argv, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_an_exit_code_stands_although_stderr_takes_nothing() -> None:
    argv = [sys.executable, "-m", "harness", "report", "no-such-run"]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(argv, stderr=full, stdout=subprocess.PIPE, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (2, b"")


def test_a_recursion_without_end_is_a_defect_that_asks_for_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_raising(monkeypatch, RecursionError("maximum recursion depth exceeded")) == 1
    printed = capsys.readouterr().err
    assert "hint: please report it" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("mask", ["000", "077"])
def test_no_file_or_folder_is_writable_by_others_under_any_umask(mask: str, tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "benchmarks" / "base", tmp_path / "run")
    argv = ["sh", "-c", f'umask {mask}; exec "$0" -m harness report run', sys.executable]
    environment = os.environ | {
        "HARNESS_CACHE": str(tmp_path / "cache"),
        "MPLCONFIGDIR": str(tmp_path / "mpl"),
    }
    ended = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    made = [path for path in (tmp_path / "run" / "report").rglob("*") if path.is_file()]
    assert made
    assert [path for path in tmp_path.rglob("*") if path.stat().st_mode & 0o002] == []
    if mask == "077":
        assert [path for path in made if path.stat().st_mode & 0o077] == []
