"""How an error ends a command: one block on stderr, with --json one document on stdout, an exit code."""

import os
import sys
import threading
import traceback
from collections.abc import Sequence

import typer

from harness.cli.application import console_for, print_json
from harness.cli.known_errors import as_block, with_hint
from harness.cli.last_door import discard_output
from harness.errors import HarnessError, Interrupted
from harness.system.os_errors import readable
from harness.system.text import printable_lines


def error_document(error: HarnessError) -> dict[str, str | int]:
    """An error as it stands in a JSON document."""
    error = with_hint(error)
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
        if is_given("--debug"):
            _show_traceback(error)
        print_error(console_for(stderr=True), with_hint(error))


def _show_traceback(error: Exception) -> None:
    typer.echo(printable_lines("".join(traceback.format_exception(error))), nl=False, err=True)


def fail(error: Exception, *, json: bool, debug: bool) -> int:
    """Report an error and return the exit code."""
    if debug:
        _show_traceback(error)
    known = as_block(error)
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


def is_given(option: str) -> bool:
    """Whether the command line has this option, for what is reported when no command takes part."""
    words = sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]
    return option in words


def leave(error: Exception, exit_code: int) -> None:
    """End the process; after a second Ctrl-C without waiting for threads that wait for a silent device."""
    others = set(threading.enumerate()) - {threading.main_thread()}
    if isinstance(error, Interrupted) and not all(thread.daemon for thread in others):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)
    sys.exit(exit_code)
