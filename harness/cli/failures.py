"""How an error ends a command: one block on stderr, with --json one document on stdout, an exit code."""

import os
import shlex
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer

from harness.cli.application import console_for, print_json
from harness.cli.last_door import discard_output, system_error, with_hint
from harness.errors import HarnessError, Interrupted, UsageError
from harness.system.os_errors import readable
from harness.system.text import printable_lines

PACKAGE = Path(__file__).resolve().parents[1]


def error_document(error: HarnessError) -> dict[str, str | int]:
    """An error as it stands in a JSON document."""
    return {
        "what": readable(error.what),
        "hint": readable(error.hint),
        "device": readable(error.device),
        "variant": readable(error.variant),
        "exit_code": error.exit_code,
    }


def show_errors(errors: Sequence[HarnessError]) -> None:
    """Print the errors of a command that went on without what failed."""
    from harness.cli.console import print_error

    for error in errors:
        print_error(console_for(stderr=True), with_hint(error))


def fail(error: Exception, *, json: bool, debug: bool) -> int:
    """Report an error and return the exit code."""
    if debug:
        typer.echo(printable_lines("".join(traceback.format_exception(error))), nl=False, err=True)
    known = as_harness_error(error)
    try:
        if json:
            print_json({"error": error_document(known)})
        sys.stdout.flush()
    except OSError:  # The error may be that stdout takes nothing more.
        discard_output(sys.stdout)
    from harness.cli.console import print_error

    try:
        print_error(console_for(stderr=True), known)
        sys.stderr.flush()
    except OSError:  # The exit code still stands.
        discard_output(sys.stderr)
    return known.exit_code


def as_harness_error(error: Exception) -> HarnessError:
    """The error in the harness's own terms: wrong options are wrong usage, anything unknown is a defect."""
    if isinstance(error, HarnessError):
        return with_hint(error)
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "harness"
        return UsageError(error.format_message().rstrip("."), hint=f"see {command} --help")
    if translated := system_error(error):
        return translated
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" at {_shown(last[0].filename)}:{last[0].lineno}" if last else ""
    again = shlex.join(["harness", "--debug", *(word for word in sys.argv[1:] if word != "--debug")])
    return HarnessError(
        f"the harness has a defect: {type(error).__name__}: {error}{place}",
        hint=f"please report it with the output of: {again}",
    )


def _shown(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(PACKAGE.parent)) if path.is_relative_to(PACKAGE) else path.name


def leave(error: Exception, exit_code: int) -> None:
    """End the process; after a second Ctrl-C without waiting for threads that wait for a silent device."""
    others = set(threading.enumerate()) - {threading.main_thread()}
    if isinstance(error, Interrupted) and not all(thread.daemon for thread in others):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)
    sys.exit(exit_code)
