"""What libraries, the operating system and defects of the harness raise, as errors in the harness's words."""

import errno
import traceback
from pathlib import Path

from harness.errors import Defect, DeviceError, HarnessError, Interrupted, TimedOut, TransferFailed
from harness.system.os_errors import describe, hint_for

PACKAGE = Path(__file__).resolve().parents[1]


def as_harness_error(error: Exception) -> HarnessError:
    """The error itself if it is one of the harness, else one that it caused; anything unknown is a defect.

    For work that goes on without what failed, and for the end of a command.
    """
    if isinstance(error, HarnessError):
        return error
    translated = system_error(error) or _defect(error)
    translated.__cause__ = error
    return translated


def of_one_item(error: Exception) -> HarnessError:
    """The error of one cell or program, as `as_harness_error` gives it: its device goes on with the others.

    Raises:
        HarnessError: the error itself, where it ends the work on the device: Ctrl-C, or the device is gone,
            was restarted or cannot be used. A silent process or a refused file concerns one item only.
    """
    of_the_device = isinstance(error, DeviceError) and not isinstance(error, TimedOut | TransferFailed)
    if isinstance(error, Interrupted) or of_the_device:
        raise error
    return as_harness_error(error)


def system_error(error: Exception) -> HarnessError | None:
    """An error of the operating system or of a text's encoding in the harness's words; None for any other."""
    if isinstance(error, BrokenPipeError):
        return HarnessError(
            "the program that read the output has ended", hint="write the output to a file instead"
        )
    if isinstance(error, UnicodeError):
        return HarnessError(
            f"a name or text is not in the expected encoding: {error}",
            hint="rename files whose names are not UTF-8, and use a UTF-8 locale: LC_ALL=C.UTF-8",
        )
    if isinstance(error, OSError) and error.errno is not None:
        return HarnessError(
            describe(error), hint=hint_for(error) or "--debug before the command shows the place"
        )
    if isinstance(error, MemoryError):
        return HarnessError("memory ran out", hint=hint_for(OSError(errno.ENOMEM, "")))
    return None


def _defect(error: Exception) -> Defect:
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" at {_shown(last[0].filename)}:{last[0].lineno}" if last else ""
    return Defect(f"the harness has a defect: {type(error).__name__}: {error}{place}")


def _shown(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(PACKAGE.parent)) if path.is_relative_to(PACKAGE) else path.name
