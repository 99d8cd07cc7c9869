"""What a command starts with: words that a file can record, and streams that take any text."""

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from harness.errors import UsageError
from harness.system.os_errors import readable
from harness.system.users import current_group, is_own_group


def check_words(words: Sequence[str]) -> None:
    """Refuse, before anything runs, arguments that no file of a run could record.

    Raises:
        UsageError: a word is not UTF-8.
    """
    for word in words:
        if not word.isascii() and readable(word) != word:
            if _is_utf_8(word):
                raise UsageError(
                    f"the argument {readable(word)!r} cannot be read in the locale's encoding,"
                    f" {sys.getfilesystemencoding()}",
                    hint="export LC_ALL=C.UTF-8",
                )
            raise UsageError(
                f"the argument {readable(word)!r} is not UTF-8", hint="rename the file or folder in UTF-8"
            )


def _is_utf_8(word: str) -> bool:
    with contextlib.suppress(UnicodeError):
        return bool(os.fsencode(word).decode("utf-8"))
    return False


def check_working_folder() -> None:
    """Refuse a working folder that was deleted, in which no path means anything.

    Raises:
        UsageError: it cannot be entered.
    """
    try:
        Path.cwd()
    except OSError as error:
        raise UsageError(
            "the folder in which this command was started is gone", hint="change to another folder: cd"
        ) from error


def open_missing_streams() -> None:
    """Give stdin, stdout and stderr that were closed (`>&-`) to /dev/null.

    Otherwise Python has None there, and the next file opened, here or in a child, would get their number.
    """
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != descriptor:
                os.dup2(nowhere, descriptor)
                os.close(nowhere)
            os.set_inheritable(descriptor, True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8", closefd=False))


def keep_others_from_writing() -> None:
    """Under a umask such as 000, files, folders and locks of the harness would be writable by every user.

    Under one such as 002 by a group that others belong to, and the harness would refuse its own cache.
    """
    os.umask(os.umask(0o077) | (0o002 if is_own_group(current_group()) else 0o022))


def print_any_text() -> None:
    """Let stdout and stderr replace characters that the terminal's encoding lacks, such as a dash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")


def discard_output(stream: TextIO) -> None:
    """Stdout or stderr takes nothing more: Python would flush it again as the process exits, and fail."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
