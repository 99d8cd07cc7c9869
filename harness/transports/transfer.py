"""Files in transfer: under a temporary name until they are complete, then put in place in one step."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from harness.errors import ConnectionLost, TransferFailed
from harness.system.files import atomic_file
from harness.system.processes import Completed
from harness.system.text import last_line

QUICK_S = 20.0  # for commands that take one round trip, on a busy device
TRUNCATED = 75  # EX_TEMPFAIL of sysexits.h: the connection's fault, not the device's

# $1 partial file, $2 destination, $3 mode, $4 size. Neither a broken connection nor a program that runs from
# the old file ("text file busy") can leave half a file at the destination.
_PLACE = f"""
if [ -d "$2" ]; then echo "$2: Is a directory" >&2; rm -f "$1"; exit 1; fi
size=$(stat -c %s "$1") || exit 1
if [ "$size" -ne "$4" ]; then echo "only $size of $4 bytes arrived" >&2; rm -f "$1"; exit {TRUNCATED}; fi
chmod "$3" "$1" && mv -f "$1" "$2" || {{ code=$?; rm -f "$1"; exit $code; }}
"""
_RECEIVE = 'cat > "$1" || { code=$?; rm -f "$1"; exit $code; }' + _PLACE
# Old toybox knows no -L; busybox counts the bytes of the whole file for wc.
_SIZE = """
if [ -f "$1" ]; then stat -L -c %s "$1" 2>/dev/null || wc -c < "$1"; exit; fi
if [ -e "$1" ]; then echo "$1: not a file" >&2; else echo "$1: No such file or directory" >&2; fi
exit 1
"""


def place_argv(partial: str, destination: str, mode: int, size_bytes: int) -> tuple[str, ...]:
    """The remote command that checks a transferred file's size and puts it in place."""
    return ("sh", "-c", _PLACE, "sh", partial, destination, f"{mode:o}", str(size_bytes))


def receive_argv(partial: str, destination: str, mode: int, size_bytes: int) -> tuple[str, ...]:
    """The remote command that stores its stdin, checks its size and puts it in place."""
    return ("sh", "-c", _RECEIVE, "sh", partial, destination, f"{mode:o}", str(size_bytes))


def size_argv(path: str) -> tuple[str, ...]:
    """The remote command that prints a plain file's size."""
    return ("sh", "-c", _SIZE, "sh", path)


def too_long(source: str, longest_bytes: int, device: str) -> TransferFailed:
    """The error of a file that is longer than what was asked for can be."""
    return TransferFailed(f"{source} is longer than {longest_bytes:,} bytes", device=device)


def source_size(source: Path) -> int:
    """The size of a file to push.

    Raises:
        TransferFailed: it is not a readable file.
    """
    try:
        if not source.is_file():
            raise TransferFailed(f"cannot push {source}: not a file")
        with source.open("rb"):
            return source.stat().st_size
    except OSError as error:
        raise TransferFailed(f"cannot push {source}: {error.strerror}") from error


def check_placed(placed: Completed, source: Path, destination: str, device: str) -> None:
    """Distinguish a file that was cut short on its way (transient) from one the device refuses."""
    if placed.exit_code == 0:
        return
    what = f"cannot push {source.name} to {destination}: {_reason(placed)}"
    if placed.exit_code == TRUNCATED:
        raise ConnectionLost(what, device=device)
    raise TransferFailed(what, device=device)


def read_size(measured: Completed, source: str, device: str, *, longest_bytes: int) -> int:
    """The size that `size_argv` printed.

    Raises:
        TransferFailed: there is no such file, or it is longer than `longest_bytes`.
    """
    if measured.exit_code == 0 and re.fullmatch(rb"\s*[0-9]{1,18}\s*", measured.stdout):
        size = int(measured.stdout)
        if size > longest_bytes:
            raise too_long(source, longest_bytes, device)
        return size
    raise TransferFailed(f"cannot pull {source}: {_reason(measured)}", device=device)


@contextlib.contextmanager
def incoming(destination: Path, size_bytes: int | None, *, device: str) -> Iterator[Path]:
    """Yield the path to write to; a plain file that arrived complete becomes the destination.

    Raises:
        ConnectionLost: fewer or more bytes arrived than `size_bytes`.
        TransferFailed: the destination cannot be written.
    """
    try:
        with atomic_file(destination.absolute()) as partial:
            yield partial
            if not partial.is_file() or partial.is_symlink():
                raise TransferFailed(
                    f"cannot pull to {destination}: the received object is not a file", device=device
                )
            arrived = partial.stat().st_size
            if size_bytes is not None and arrived != size_bytes:
                raise ConnectionLost(
                    f"only {arrived} of {size_bytes} bytes arrived for {destination.name}", device=device
                )
    except OSError as error:
        raise TransferFailed(f"cannot write {destination}: {error.strerror}", device=device) from error


def _reason(completed: Completed) -> str:
    return last_line(completed.stderr) or f"exit code {completed.exit_code}"
