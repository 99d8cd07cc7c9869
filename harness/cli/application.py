"""The application that all commands belong to, how their help is laid out, and where they print."""

import json
import os
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from harness.cli.known_errors import as_block
from harness.errors import HarnessError, UsageError, WrongOptions
from harness.system.text import is_control, printable_lines

if TYPE_CHECKING:
    from rich.console import Console

LOG_WIDTH = 120


class GroupedCommand(TyperCommand):
    """A command whose help lists its options below the headings they name (`rich_help_panel`).

    The headings are typer's own, but plain: drawing help with rich takes longer than --help may.
    """

    # typer keeps the classes of `ctx` and `formatter` private.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options; where one is wrong, the others are read, too: all are reported at once."""
        if ctx.find_root().params.get("verbose"):
            args = ["--verbose", *args]
        given = list(args)
        try:
            rest = super().parse_args(ctx, args)
            values, _, _ = self.make_parser(ctx).parse_args(args=list(given))
            for parameter in self.get_params(ctx):
                _refuse_empty(parameter, values)
        except (typer.TyperException, UsageError) as first:
            raise _all_wrong(self, ctx, given, first) from None
        return rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; with --verbose its start and its end are logged, too."""
        started = time.monotonic()
        log_step(f"{ctx.command_path}: started")
        try:
            return super().invoke(ctx)
        finally:
            log_step(f"{ctx.command_path}: ended after {time.monotonic() - started:.2f} s")

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write one section per heading, in the order of the command's parameters."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            heading = getattr(parameter, "rich_help_panel", None) or "Options"
            if parameter.param_type_name == "argument":
                heading = "Arguments"
            elif parameter.name == "help":
                heading = next(reversed(sections), heading)
            if record := parameter.get_help_record(ctx):
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def _all_wrong(command: TyperCommand, ctx: Any, args: list[str], first: Exception) -> HarnessError:
    """What is wrong with each option, as one error; `first` alone where nothing else is."""
    of_an_option = isinstance(first, UsageError) or getattr(first, "param", None) is not None
    # That of an option is found again below, or another one of the same option that says more.
    wrong = [] if of_an_option else [as_block(first, command=ctx.command_path)]
    # An option that does not exist must not hide wrong values of those that do.
    ctx.ignore_unknown_options = ctx.allow_extra_args = True
    try:
        values, rest, _ = command.make_parser(ctx).parse_args(args=args)
    except typer.TyperException:
        return as_block(first, command=ctx.command_path)
    for parameter in command.get_params(ctx):
        try:
            _refuse_empty(parameter, values)
            _, rest = parameter.handle_parse_result(ctx, values, rest)
        except (typer.TyperException, UsageError) as error:
            wrong.append(as_block(error, command=ctx.command_path))
    distinct = tuple({error.what: error for error in wrong}.values()) or (
        as_block(first, command=ctx.command_path),
    )
    return WrongOptions(distinct) if len(distinct) > 1 else distinct[0]


def _refuse_empty(parameter: Any, values: Mapping[str, Any]) -> None:
    """Raise UsageError where an option or argument was given an empty text, as an unset variable is."""
    given = values.get(parameter.name)
    texts = given if isinstance(given, list | tuple) else [given]
    if not any(isinstance(text, str) and not text.strip() for text in texts):
        return
    is_option = parameter.param_type_name == "option"
    name = parameter.opts[0] if is_option else (parameter.metavar or parameter.name).strip("[].")
    leave_out = "" if parameter.required else f"leave {name} out, or "
    raise UsageError(
        f"{name} is empty",
        hint=f"{leave_out}give it a value; a shell variable that is not set is an empty text",
    )


def examples(*commands: str) -> str:
    """The end of a command's help; \\b keeps the lines as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)


app = typer.Typer(
    name="harness",
    help="Which MobileNetV1 to ship on a given ARM device: measured latency, memory and accuracy.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    # Plain help: drawing it with rich took twice as long as the 0.3 s that --help may take.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done; 1 ran and failed; 2 wrong usage or bad input, nothing was touched;"
    " 3 inconclusive (compare); 4 device unreachable or unfit; 130 interrupted, by Ctrl-C, SIGTERM or SIGHUP."
    " With --json an error is one document on stdout, too: "
    '{"error": {"what", "hint", "device", "variant", "exit_code"}}.',
)
bundle_app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Build, export or import the runner that is pushed to devices.",
)

lab_app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Let many hosts with devices work as one lab.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        typer.echo(f"harness {importlib.metadata.version('mobilenet-harness')}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; before the command.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="As after the command: log every step. Without one, show the version."
        ),
    ] = False,
) -> None:
    if verbose and context.invoked_subcommand is None:
        _show_version(True)
    _show_help_without_command(context)


@bundle_app.callback()
def _bundle(context: typer.Context) -> None:
    _show_help_without_command(context)


@lab_app.callback()
def _lab(context: typer.Context) -> None:
    _show_help_without_command(context)


def _show_help_without_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)


def console_for(*, stderr: bool = False) -> "Console":
    """Where to print; a log file is wider than the 80 columns a terminal of unknown width has."""
    from harness.cli.terminal import Terminal

    console = Terminal(stderr=stderr)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = LOG_WIDTH
    return console


def log(text: str) -> None:
    """Print a line on stderr; no text in it steers the terminal or imitates a line of ours."""
    typer.echo("\n  | ".join(printable_lines(text).split("\n")), err=True)


def show(text: str) -> None:
    """Print lines on stdout; no text in them steers the terminal."""
    typer.echo(printable_lines(text))


def print_json(document: object) -> None:
    """Print the one JSON document of a command on stdout."""
    import msgspec

    def encode(value: object) -> str:
        return str(value)  # paths

    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text = msgspec.json.encode(document, enc_hook=encode).decode()
        text.encode(encoding)
    except UnicodeEncodeError:  # a character that the terminal lacks, or half a pair of surrogates
        text = json.dumps(msgspec.to_builtins(document, enc_hook=encode), separators=(",", ":"))
    if not text.isprintable():
        text = "".join(json.dumps(one)[1:-1] if is_control(one) else one for one in text)
    typer.echo(text.replace("\x7f", "\\u007f"))


class _Steps:
    """Whether the command that runs was given --verbose."""

    shown = False


def show_steps(_context: Any, _parameter: Any, verbose: bool) -> bool:
    """The callback of --verbose: from now on, steps are logged or not."""
    _Steps.shown = verbose
    return verbose


def log_step(text: str) -> None:
    """With --verbose, print a line with the time of day on stderr."""
    if _Steps.shown:
        log(f"{datetime.now():%H:%M:%S} {text}")
