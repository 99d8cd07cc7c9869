"""Every command ends with one JSON document when it is asked for one, whatever is wrong."""

import json
import re
from pathlib import Path

import pytest

from builders import make_cell, make_run
from harness.records.run_folder import write_cell, write_run
from harness_command import run_main

COMMANDS = (
    *("run", "lower", "report", "compare", "pick", "history", "export", "schema"),
    *("evaluate", "train", "devices", "doctor"),
    *("bundle build", "bundle export", "bundle import"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_is_one_document_of_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run_main(monkeypatch, *command.split(), "--json", "--xyzzy") == 2
    printed = capsys.readouterr()
    error = json.loads(printed.out)["error"]
    assert "No such option: --xyzzy" in error.pop("what")
    hint = f"see harness {command} --help"
    assert error == {"hint": hint, "device": "", "variant": "", "exit_code": 2}
    assert "No such option: --xyzzy\n" in printed.err


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("run", "--processes", "0"), "'--processes'"),
        (("run", "--processes", "few"), "'--processes'"),
        (("run", "--out"), "--out"),
        (("train",), "Missing option"),
        (("compare",), "Missing argument 'BASE'"),
        (("frobnicate",), "No such command 'frobnicate'"),
        (("run", "--max-temp", "95F"), "--max-temp: '95F' has an unknown unit"),
        (("run", "--max-cooling", "2h"), "--max-cooling: '2h' is more than an hour"),
        (("run", "--time-limit", "3"), "--time-limit: '3' has no unit"),
        (("run", "--time-limit", "3m", "--max-minutes", "3"), "--max-minutes is an older name"),
        (("run", "--fail-on", "valid"), "--fail-on 'valid': choose one of suspect, invalid"),
        (("pick", "nowhere"), "nowhere is not a run folder"),
        (("report", "nowhere"), "nowhere is not a run folder"),
        (("lower", "--width", "0"), "--width '0'"),
        (("evaluate", "nowhere"), "nowhere is not a run folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_one_document_too(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: tuple[str, ...],
    what: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_main(monkeypatch, *words[:1], "--json", *words[1:]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert what in error["what"]
    assert error["exit_code"] == 2
    assert list(tmp_path.iterdir()) == []


def test_json_after_two_dashes_is_a_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "report", "--", "--json") == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("words", [(), ("bundle",)], ids=["harness", "bundle"])
def test_without_a_command_help_is_shown_as_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert run_main(monkeypatch, *words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"Usage: {' '.join(('harness', *words))} [OPTIONS] COMMAND")


@pytest.mark.parametrize("option", ["-V", "--version", "-v", "--verbose"])
def test_the_version_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert run_main(monkeypatch, option) == 0
    assert re.fullmatch(r"harness \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    "words",
    [
        (
            "--max-minutes",
            "3",
            "--min-time",
            "0.2",
            "--max-time",
            "2",
            "--quiet-device",
            "--cool-within",
            "3",
        ),
        (
            "--time-limit",
            "3m",
            "--min-time",
            "200ms",
            "--max-time",
            "2s",
            "--tune-device",
            "--cool-within",
            "3C",
        ),
    ],
    ids=["old", "new"],
)
def test_old_and_new_spellings_are_accepted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert run_main(monkeypatch, "run", "--device", "nosuch", *words) == 4
    assert "no device 'nosuch'" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("-v", "schema", "cell"), ("schema", "cell", "--verbose")])
def test_verbose_logs_steps_before_and_after_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert run_main(monkeypatch, *words) == 0
    printed, logged = capsys.readouterr()
    assert json.loads(printed)["title"].startswith("cell of")
    time_of_day = r"\d\d:\d\d:\d\d"
    steps = rf"{time_of_day} harness schema: started\n{time_of_day} harness schema: ended after [\d.]+ s\n"
    assert re.fullmatch(steps, logged)
    assert run_main(monkeypatch, "schema", "cell") == 0
    assert capsys.readouterr().err == ""


def test_verbose_names_the_run_folders_that_are_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write_run(tmp_path, make_run((make_cell(),)))
    write_cell(tmp_path, make_cell())
    assert run_main(monkeypatch, "export", tmp_path, "-f", "csv", "-v") == 0
    assert f"{tmp_path}: read 1 cell\n" in capsys.readouterr().err
