"""Names of temporary files and folders beside what they become, and the removal of abandoned ones."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.system.file_locks import CLOSE_ON_EXEC, NEVER_WAIT, NO_LINK, lock

_NAME = re.compile(r"\.[0-9a-f]{16}\.([1-9][0-9]{0,9})\.partial", re.ASCII)


def temporary_name(folder: Path) -> Path:
    """A new hidden name in a folder, which carries this process's number.

    It is not made from the final name: a name of the greatest length leaves no room for more.
    """
    return folder / f".{secrets.token_hex(8)}.{os.getpid()}.partial"


@contextmanager
def held(descriptor: int) -> Iterator[None]:
    """Show other processes, those of other containers included, that a temporary file or folder is in use."""
    if os.name == "nt":  # No file that is open can be renamed there.
        os.close(descriptor)
        yield
        return
    with suppress(OSError):  # Some network file systems have no locks; the process's number remains.
        lock(descriptor)
    try:
        yield
    finally:
        os.close(descriptor)


def remove_abandoned(folder: Path) -> None:
    """Remove what writers that were killed left in a folder; never what a live process writes."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            name = _NAME.fullmatch(entry.name)
            if name and not _is_alive(int(name[1])) and not _is_held(entry.path):
                with suppress(OSError):
                    _remove(entry)


def _remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path)
    else:
        Path(entry.path).unlink()


def _is_alive(process: int) -> bool:
    if os.name == "nt":  # Signal 0 is Ctrl-C there.
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True


def _is_held(path: str) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | NO_LINK | NEVER_WAIT | CLOSE_ON_EXEC)
    except OSError:
        return False
    try:
        lock(descriptor)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
