"""A lock for each cache entry: one process at a time makes it."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import BundleError

# Longer than a build on a slow machine with a slow network.
_TIMEOUT_S = 1800


@contextmanager
def locked(entry: Path) -> Iterator[None]:
    """Hold the lock of a cache entry, whose parent folder is made.

    Raises:
        BundleError: another process kept the lock for too long, something else is in the lock's place, or the
            cache cannot be written.
    """
    lock = entry.with_name(entry.name + ".lock")
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        _check_place(lock)
        with FileLock(lock, timeout=_TIMEOUT_S):
            yield
    except Timeout as error:
        raise BundleError(
            f"another process has been making {entry.name} for {_TIMEOUT_S} s",
            hint=f"end the process that holds {lock}",
        ) from error
    except OSError as error:
        raise BundleError(
            f"{entry} cannot be made: {error}",
            hint="free space in this folder, or set HARNESS_CACHE to another one",
        ) from error


def _check_place(lock: Path) -> None:
    """Refuse a link, which could lead to any file, and a FIFO, which would wait for a reader."""
    try:
        mode = lock.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise BundleError(f"{lock} is in the place of a lock and no plain file", hint=f"delete {lock}")
