"""The page of all commands, from the application itself: what `--help` prints, by command."""

from collections.abc import Iterator

import typer
from typer.core import TyperCommand, TyperGroup

from harness.cli.main import app

# Of the help text; wider lines would scroll in the page.
COLUMNS = 90
HEAD = """# Commands

What `harness COMMAND --help` prints. Every command takes `--json`, and ends with 0 done, 1 ran and failed,
2 wrong usage or bad input, 3 inconclusive, 4 device unreachable or unfit, 130 interrupted.
"""


def commands_page() -> str:
    """The page as Markdown; the same bytes from the same commands."""
    parts = [HEAD]
    for name, help in _helps():
        parts.append(f"## {name}\n\n```text\n{help.rstrip()}\n```\n")
    return "\n".join(parts)


def _helps() -> Iterator[tuple[str, str]]:
    """Each command with its help, in the order in which help lists them."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    waiting: list[tuple[str, TyperCommand | TyperGroup]] = [("harness", root)]
    while waiting:
        name, command = waiting.pop(0)
        context = command.make_context(
            name, [], resilient_parsing=True, terminal_width=COLUMNS, max_content_width=COLUMNS
        )
        with context:
            yield name, command.get_help(context)
        if isinstance(command, TyperGroup):
            waiting += [
                (f"{name} {each}", found)
                for each, found in command.commands.items()
                if isinstance(found, TyperCommand | TyperGroup)
            ]
