"""An empty text, such as a shell variable that is not set, is refused: it would measure nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from harness.accuracy.datasets import name_split, open_dataset
from harness.cli.main import app
from harness.errors import UsageError
from harness_command import run_main


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each command of the application, with the words that name it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words, command
        return
    for name, one in inner.items():
        yield from commands(one, (*words, name))


COMMANDS = tuple(commands(typer.main.get_command(app)))
PARAMETERS = [
    (words, parameter)
    for words, command in COMMANDS
    for parameter in command.params
    if not getattr(parameter, "is_flag", False)
]


def test_the_parameters_of_all_commands_are_tried() -> None:
    tried = {(*words, parameter.opts[0]) for words, parameter in PARAMETERS}
    assert {
        ("run", "--weights"),
        ("report", "--out"),
        ("lab", "join", "address"),
        ("train", "--from"),
    } <= tried


@pytest.mark.parametrize("text", ["", " "])
@pytest.mark.parametrize(
    ("words", "parameter"), PARAMETERS, ids=[f"{' '.join(words)} {one.opts[0]}" for words, one in PARAMETERS]
)
def test_it_is_refused_with_the_name_of_the_option(
    words: tuple[str, ...],
    parameter: Any,
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    option = parameter.param_type_name == "option"
    given = (parameter.opts[0], text) if option else (text,) * (2 if words == ("compare",) else 1)
    assert run_main(monkeypatch, *words, *given) == 2
    printed, block = capsys.readouterr()
    name = parameter.opts[0] if option else parameter.metavar.strip("[].")
    assert f"{name} is empty" in block
    leave_out = "" if parameter.required else f"leave {name} out, or "
    assert f"{leave_out}give it a value; a shell variable that is not set is an empty text" in block
    assert (printed, list(tmp_path.iterdir())) == ("", [])


@pytest.mark.parametrize(
    ("command", "option"),
    [
        *[("run", one) for one in ("--device", "--any-of", "--weights", "--program", "--input")],
        *[("run", one) for one in ("--width", "--threads", "--rate", "--cores", "--padding")],
        *[("lower", one) for one in ("--weights", "--precision", "--runtime", "--resolution")],
        ("evaluate", "--device"),
        ("lab start", "--device"),
    ],
)
@pytest.mark.parametrize("text", [",", "host,,emulator", "host,", ",host"])
def test_so_is_an_empty_item_of_a_list(
    command: str, option: str, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, *command.split(), option, text) == 2
    block = capsys.readouterr().err
    assert f"{option} {text!r}" in block
    assert "hint: for example" in block


@pytest.mark.parametrize("text", ["folder:", "idx:", "imagenet:", "hf:"])
def test_so_is_a_data_set_without_a_place(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=f"'{text}' names no place"):
        open_dataset(text)


@pytest.mark.parametrize("text", ["fashion-mnist:", "idx:pictures:"])
def test_so_is_an_empty_split(text: str) -> None:
    with pytest.raises(UsageError, match="names an empty split") as refused:
        name_split(text)
    assert refused.value.hint == f"leave the colon out: {text[:-1]}"
