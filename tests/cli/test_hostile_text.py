"""Names, paths and texts from outside never steer the terminal, whatever command shows them."""

import io
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import typer

from builders import failed, make_artifact, make_cell, make_device, make_plan, make_run, with_verdict
from harness.cli import main as main_module
from harness.cli.application import log, print_json
from harness.cli.console import print_error, show_progress
from harness.cli.failures import fail
from harness.cli.tables import print_table
from harness.cli.terminal import Terminal
from harness.devices import inventory
from harness.errors import HarnessError
from harness.records import Failure, Variant, Weights
from harness.records.progress import Event
from harness.records.run_folder import write_cell, write_run
from harness.transports.adb import AttachedDevice

# Clear the screen, set its title (C0 and C1 introducers), reorder the line, hide text, begin a line, and
# what rich would take for its own markup.
HOSTILE = "a\x1b[2J\x1b]0;t\x07\x9b31m\u202eb\u200b\ufeff\u2066\x7f\rc\nerror: d [red][/][link=x] \\[/x] :x:"
IN_A_PATH = HOSTILE.replace("/", "|")

Run = Callable[..., "Shown"]


class Shown:
    """What a command wrote."""

    def __init__(self, exit_code: int, stdout: str, stderr: str) -> None:
        self.exit_code, self.stdout, self.stderr = exit_code, stdout, stderr


def steering(text: str) -> set[str]:
    return {
        one for one in text if one != "\n" and unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    }


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> Shown:
        monkeypatch.setattr("sys.argv", ["harness", *words])
        with pytest.raises(SystemExit) as ended:
            main_module.main()
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        assert not steering(printed.out), printed.out
        assert not steering(printed.err), printed.err
        assert not [line for line in printed.err.splitlines() if line.startswith("error: d")]
        if "--json" in words:
            json.loads(printed.out)
        return Shown(ended.value.code, printed.out, printed.err)

    return command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A received run folder in which every free text is hostile."""
    device = make_device(name=HOSTILE, model=HOSTILE, soc=HOSTILE, os=HOSTILE, kernel=HOSTILE)
    variant = Variant(
        width=0.5, resolution_px=128, precision="fp32", weights=Weights(source=HOSTILE, sha256="a" * 64)
    )
    good, suspect, broken = (
        make_cell(device=device, plan=make_plan(threads=threads), artifact=make_artifact(variant=variant))
        for threads in (1, 2, 3)
    )
    broken = msgspec.structs.replace(
        failed(broken), failure=Failure(what=HOSTILE, exit_code=1, last_output=HOSTILE)
    )
    cells = (good, with_verdict(suspect, "suspect", "throttled", HOSTILE), broken)
    folder = tmp_path / IN_A_PATH
    write_run(folder, make_run(cells))
    for cell in cells:
        write_cell(folder, cell)
    (folder / "cells" / f"{IN_A_PATH}.json").write_text(json.dumps({"schema_version": HOSTILE}))
    return folder


@pytest.mark.parametrize("json_option", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize(
    "words",
    [
        ("report",),
        ("pick",),
        ("pick", "--max-latency", "1ns", "--all"),
        ("compare", "--across"),
        ("compare", "--markdown"),
    ],
    ids=" ".join,
)
def test_a_received_run_folder_does_not_steer_the_terminal(
    run: Run, folder: Path, words: tuple[str, ...], json_option: tuple[str, ...]
) -> None:
    folders = (str(folder), str(folder)) if words[0] == "compare" else (str(folder),)
    shown = run(words[0], *folders, *words[1:], *json_option)
    assert shown.exit_code in (0, 1, 3)
    assert "defect" not in shown.stderr


@pytest.mark.parametrize("json_option", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize(
    "words",
    [
        ("report", IN_A_PATH),
        ("compare", IN_A_PATH, IN_A_PATH),
        ("evaluate", IN_A_PATH),
        ("run", "--device", HOSTILE),
        ("run", "--resume", IN_A_PATH),
        ("run", "--device", "host", "--width", HOSTILE),
        ("run", "--device", "host", "--accuracy", HOSTILE),
        ("lower", "--weights", IN_A_PATH),
        ("lower", "--precision", HOSTILE),
        ("train", "--dataset", HOSTILE, "--out", "a.safetensors"),
        ("train", "--dataset", "fashion-mnist", "--out", IN_A_PATH),
        ("doctor", HOSTILE),
        ("devices", "--clean", HOSTILE),
        ("bundle", "import", IN_A_PATH),
        (HOSTILE,),
        ("devices", "--" + HOSTILE),
    ],
    ids=lambda words: " ".join(words[:2]).split("\x1b")[0],
)
def test_an_error_that_quotes_an_argument_does_not_steer_the_terminal(
    run: Run, words: tuple[str, ...], json_option: tuple[str, ...]
) -> None:
    shown = run(*words, *json_option)
    assert shown.exit_code in (1, 2, 4)
    assert shown.stderr.startswith("error: ")
    assert "defect" not in shown.stderr


def test_a_damaged_checkpoint_of_a_hostile_name_is_quoted_harmlessly(run: Run, tmp_path: Path) -> None:
    file = tmp_path / f"{IN_A_PATH}.safetensors"
    header = json.dumps({HOSTILE: {"dtype": HOSTILE, "shape": [1], "data_offsets": [0, 4]}}).encode()
    file.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    assert run("lower", "--weights", str(file)).exit_code == 2


@pytest.mark.parametrize("json_option", [(), ("--json",)], ids=["text", "json"])
def test_an_attached_device_does_not_steer_the_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch, json_option: tuple[str, ...]
) -> None:
    attached = AttachedDevice(serial="s", state=HOSTILE, model=HOSTILE, product=None, transport_id=None)
    monkeypatch.setattr(inventory, "attached", lambda: (attached, replace(attached, serial="t")))
    assert run("devices", *json_option).exit_code == 0
    assert run("run", *json_option).exit_code == 4
    assert run("doctor", "a", *json_option).exit_code == 4


def test_a_configured_device_with_a_wrong_entry_is_quoted_harmlessly(run: Run, tmp_path: Path) -> None:
    (tmp_path / "devices.toml").write_text(f"[devices.{json.dumps(HOSTILE)}]\nkind = {json.dumps(HOSTILE)}\n")
    assert run("devices").exit_code == 2


def test_a_traceback_does_not_steer_the_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    application = typer.Typer()

    @application.callback(invoke_without_command=True)
    def fails(debug: bool = False) -> None:
        raise KeyError(HarnessError(HOSTILE))

    monkeypatch.setattr(main_module, "app", application)
    shown = run("--debug")
    assert shown.exit_code == 1
    assert "Traceback" in shown.stderr


def test_a_log_line_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    log(HOSTILE)
    printed = capsys.readouterr().err
    assert not steering(printed)
    assert printed.splitlines()[1].startswith("  | error: d")


def test_a_message_of_several_lines_keeps_them_and_none_imitates_the_harness() -> None:
    text = shown_by(lambda console: print_error(console, HarnessError("failed:\nhint: run x", hint="a\nb")))
    assert text == "error: failed:\n  | hint: run x\n  hint: a b\n"


@pytest.mark.parametrize("verbose", [True, False])
def test_progress_does_not_steer_the_terminal(verbose: bool) -> None:
    cell = make_cell(device=make_device(name=HOSTILE))

    def show(console: Terminal) -> None:
        with show_progress(quiet=False, verbose=verbose, console=console) as listen:
            listen(Event(HOSTILE, HOSTILE))
            listen(Event(HOSTILE, HOSTILE, cell=failed(cell), step=1, steps=2))

    assert len(shown_by(show).splitlines()) == 2


def test_a_table_shows_markup_literally_and_each_row_on_one_line() -> None:
    text = shown_by(
        lambda console: print_table(console, HOSTILE, ("name", "verdict"), [(HOSTILE, "valid"), ("b", "\\")])
    )
    assert len(text.splitlines()) == 6
    assert "[red][/][link=x] \\[/x] :x:" in text


def shown_by(show: Callable[[Terminal], object]) -> str:
    console = Terminal()
    console.file, console.width = io.StringIO(), 400
    show(console)
    text = console.file.getvalue()
    assert not steering(text)
    return text


def test_json_keeps_every_character_as_an_escape(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": HOSTILE, "b": "\ud800", "c": "\U000e0001", "d": "Gerät"})
    printed = capsys.readouterr().out
    assert not steering(printed)
    assert json.loads(printed) == {"a": HOSTILE, "b": "\ud800", "c": "\U000e0001", "d": "Gerät"}


def test_text_reaches_the_terminal_through_few_modules() -> None:
    """Each of them cleans what it prints; `devices`, `main` and `schema` print only our own texts.

    What `export` prints is a file's content, tested in tests/reports/exports; `lowering/worker` writes to
    the harness, not to a terminal.
    """
    printing = re.compile(r"\bprint\(|typer\.echo|\bConsole\(|std(out|err)\.write|print_exc")
    package = Path(inventory.__file__).parents[1]
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if printing.search(path.read_text(encoding="utf-8").replace(".print(", ""))
    }
    assert found == {
        f"cli/{name}.py" for name in ("application", "devices", "export", "failures", "main", "schema")
    } | {"lowering/worker.py"}


def test_an_error_with_half_a_pair_of_surrogates_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(HarnessError("a\ud800b"), json=True, debug=False) == 1
    assert json.loads(capsys.readouterr().out)["error"]["what"] == "a\\ud800b"
