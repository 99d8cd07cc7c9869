"""Help: headings of `run`, the order of the commands, shell completion, and words a stranger knows."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from banned_words import find_banned
from harness.cli.application import GroupedCommand
from harness.cli.main import app

HEADINGS = ("What to measure:", "How long:", "Device state:", "Accuracy:", "Budget:", "Output:")
COMMANDS = [
    "run",
    "lower",
    "report",
    "compare",
    "pick",
    "predict",
    "history",
    "export",
    "schema",
    "evaluate",
    "train",
    "devices",
    "doctor",
    "lab",
    "bundle",
]


def _helps() -> Iterator[tuple[str, str]]:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    waiting: list[tuple[str, TyperCommand | TyperGroup]] = [("harness", root)]
    while waiting:
        name, command = waiting.pop()
        with command.make_context(name, [], resilient_parsing=True) as context:
            yield name, command.get_help(context)
        if isinstance(command, TyperGroup):
            for each, found in command.commands.items():
                assert isinstance(found, TyperCommand | TyperGroup)
                waiting.append((f"{name} {each}", found))


HELPS = dict(_helps())


def test_help_lists_the_commands_in_the_order_of_their_use() -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    assert list(root.commands) == COMMANDS
    assert all(f"harness {name}" in HELPS for name in COMMANDS)


def test_the_help_of_run_groups_its_options() -> None:
    lines = HELPS["harness run"].splitlines()
    assert [line for line in lines if line in HEADINGS] == list(HEADINGS)
    assert "Options:" not in lines
    assert next(line for line in lines[lines.index("Device state:") :] if "--max-temp" in line)
    assert lines.index("How long:") < next(i for i, line in enumerate(lines) if "--min-time" in line)
    assert lines.index("Output:") < next(i for i, line in enumerate(lines) if "--help" in line)


def test_every_command_lists_its_options_by_heading() -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    assert all(
        isinstance(root.commands[name], GroupedCommand) for name in COMMANDS if name not in ("bundle", "lab")
    )


def test_every_command_takes_verbose() -> None:
    ends = [name for name in HELPS if "Commands:" not in HELPS[name]]
    assert [name for name in ends if "-v, --verbose" not in HELPS[name]] == []


def test_the_old_name_of_an_option_is_accepted_and_not_advertised() -> None:
    assert "--max-minutes" not in HELPS["harness run"]
    assert "--time-limit" in HELPS["harness run"]


@pytest.mark.parametrize("name", HELPS)
def test_help_is_in_words_a_stranger_knows(name: str) -> None:
    assert find_banned(HELPS[name]) == []


# `harness run --energy` and `run --any-of` in the help of another command.
OF_NAMED_COMMAND = re.compile(rf"\b(?:{'|'.join(COMMANDS)})((?: [A-Z]+)?(?: --[a-z-]+)+)")


@pytest.mark.parametrize("name", HELPS)
def test_help_names_no_option_that_only_another_command_has(name: str) -> None:
    own = {
        option
        for line in HELPS[name].splitlines()
        for option in re.findall(r"(--[a-z0-9-]+)(?= |,|$)", line[:32])
    }
    prose = " ".join(HELPS[name].split("Examples:")[0].split())
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", OF_NAMED_COMMAND.sub("", prose)))
    assert named <= {*own, "--json"}


@pytest.mark.parametrize("name", [name for name in HELPS if "Commands:" in HELPS[name]])
def test_the_list_of_commands_shows_whole_sentences(name: str) -> None:
    listed = HELPS[name].split("Commands:")[1].split("\n\n")[0]
    assert [line for line in listed.splitlines() if line.endswith("...")] == []


def test_the_shell_completes_commands_and_options() -> None:
    environment = os.environ | {"_HARNESS_COMPLETE": "complete_bash", "COMP_WORDS": "harness run --max-t"}
    completed = subprocess.run(
        [sys.executable, "-m", "harness"],
        env=environment | {"COMP_CWORD": "2"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert completed.stdout.split() == ["--max-time", "--max-temp"]
