"""What the operating system raises through a command, as errors; and streams that print any text."""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Sequence

from harness.errors import HarnessError, UsageError

_HINTS = {
    errno.ENOSPC: "make room on that disk, or choose another folder; `harness run --resume` continues a run",
    errno.EDQUOT: "remove files of yours, or choose another folder; `harness run --resume` continues a run",
    errno.EROFS: "choose a folder on a disk that can be written",
    errno.EACCES: "check the owner and the permissions of the file and its folders",
    errno.EPERM: "check the owner and the permissions of the file and its folders",
    errno.ENOTDIR: "a part of the path is a file; choose another path",
    errno.EISDIR: "the path is a folder; name a file",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "allow more open files: `ulimit -n 4096`",
    errno.ENOMEM: "end other programs, or use fewer images or variants at a time",
    errno.EIO: "check the disk",
}


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
        named = [readable(os.fspath(name)) for name in (error.filename, error.filename2) if _is_path(name)]
        what = ": ".join([error.strerror or os.strerror(error.errno), " -> ".join(named)][: 1 + bool(named)])
        return HarnessError(what, hint=_HINTS.get(error.errno, "--debug before the command shows the place"))
    return None


def with_hint(error: HarnessError) -> HarnessError:
    """The error; one without a hint that the operating system caused gets the hint for that cause."""
    if not error.hint and isinstance(error.__cause__, OSError):
        error.hint = _HINTS.get(error.__cause__.errno or 0, "")
    return error


def _is_path(name: object) -> bool:
    return isinstance(name, (str, bytes, os.PathLike))


def readable(text: str | bytes) -> str:
    """Text that UTF-8 can encode; a byte that is not UTF-8 becomes `\\xe9`."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def check_words(words: Sequence[str]) -> None:
    """Refuse, before anything runs, arguments that no file of a run could record.

    Raises:
        UsageError: a word is not UTF-8.
    """
    for word in words:
        if not word.isascii() and readable(word) != word:
            raise UsageError(
                f"the argument {readable(word)!r} is not UTF-8", hint="rename the file or folder in UTF-8"
            )


def print_any_text() -> None:
    """Let stdout and stderr replace characters that the terminal's encoding lacks, such as a dash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")


def discard_output() -> None:
    """Stdout takes nothing more: Python would flush it again as the process exits, and fail."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
