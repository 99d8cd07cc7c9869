"""One writer at a time for a run folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import UsageError
from harness.system.file_locks import CLOSE_ON_EXEC, FOLDER, OPENS_FOLDERS, lock, unlock


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the lock of an existing folder. The folder itself is locked: no file is left, not even by a kill.
    Where a folder cannot be opened, as on Windows, nothing is locked.

    Raises:
        UsageError: another process writes to the folder, or it cannot be opened.
    """
    if not OPENS_FOLDERS:
        yield
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | FOLDER | CLOSE_ON_EXEC)
    except OSError as error:
        raise UsageError(f"cannot open the run folder {folder}: {error.strerror}") from error
    try:
        _lock(descriptor, folder)
        yield
    finally:
        # A child process may still have the descriptor: closing alone would not unlock.
        with suppress(OSError):
            unlock(descriptor)
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        lock(descriptor)
    except BlockingIOError as error:
        raise UsageError(
            f"another harness process is writing to the run folder {folder}",
            hint="wait until it has ended, or choose another --out",
        ) from error
    except OSError:
        # Some network file systems cannot lock a folder: a single writer is better than none.
        return
