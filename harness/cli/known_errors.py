"""Any error that ends a command, in the harness's own terms and with a hint."""

import shlex
import sys

import typer

from harness.errors import Defect, HarnessError, UsageError
from harness.system.foreign_errors import as_harness_error
from harness.system.os_errors import hint_for


def as_block(error: Exception, *, command: str = "harness") -> HarnessError:
    """The error in the harness's own terms, with a hint: wrong options are wrong usage of the `command`."""
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        of_command = context.command_path if context else command
        return UsageError(error.format_message().rstrip("."), hint=f"see {of_command} --help")
    return with_hint(as_harness_error(error))


def with_hint(error: HarnessError) -> HarnessError:
    """The error; one without a hint gets that for its cause in the operating system, or for a defect."""
    if not error.hint and isinstance(error, Defect):
        again = shlex.join(["harness", "--debug", *(word for word in sys.argv[1:] if word != "--debug")])
        error.add_hint(f"please report it with the output of: {again}")
    elif not error.hint and isinstance(error.__cause__, OSError):
        error.add_hint(hint_for(error.__cause__))
    return error
