"""Files that appear whole or not at all, and their digests."""

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from harness.system.file_locks import CLOSE_ON_EXEC, NEVER_WAIT, NO_LINK, OPENS_FOLDERS, SYNCED
from harness.system.temporary_names import held, remove_abandoned, temporary_name


@contextmanager
def atomic_file(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """Yield a temporary file beside `path` to write; it replaces `path` when the block ends without an error.

    After an error the temporary file is removed and `path` is as it was. File and folder are synced: a
    power cut leaves the old file or the whole new one. A symbolic link at `path` is replaced, not followed. A
    device is not replaced: without its `/dev/null` a machine is broken. `mode` holds
    whatever the umask; without it, the umask decides, but others may never write.

    What writers that were killed left in the folder is removed first.

    Raises:
        OSError: the file cannot be written, or `path` is a folder or a device; it names `path`.
    """
    _check_replaceable(path)
    remove_abandoned(path.parent)
    temporary = temporary_name(path.parent)
    # Created before it is written: what only its owner may read was never open to others, and under no umask
    # may others write.
    first_mode = 0o664 if mode is None else mode | 0o600
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | CLOSE_ON_EXEC
    try:
        descriptor = os.open(temporary, flags, first_mode & ~0o002)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with held(descriptor):
            yield temporary
            _finish(temporary, mode)
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    sync(path.parent)


def write_atomically(path: Path, content: bytes | str, *, mode: int | None = None) -> None:
    """Write a file as `atomic_file` does; text is written as UTF-8."""
    with atomic_file(path, mode=mode) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def copy_atomically(source: Path, path: Path, *, mode: int | None = None) -> None:
    """Copy a file's content, not its mode, as `atomic_file` does."""
    with atomic_file(path, mode=mode) as temporary:
        shutil.copyfile(source, temporary)


@contextmanager
def open_regular(path: Path) -> Iterator[BufferedReader]:
    """Open a file to read that can neither block nor be endless, as a FIFO or a device file can.

    Raises:
        OSError: the file cannot be opened, or is not a regular file.
    """
    # Without O_NONBLOCK, opening a FIFO waits for its writer.
    with os.fdopen(os.open(path, os.O_RDONLY | NEVER_WAIT | CLOSE_ON_EXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        yield file


def read_regular_file(path: Path, max_bytes: int) -> bytes:
    """The content of a regular file.

    Raises:
        OSError: as `open_regular`, or the file is larger.
    """
    with open_regular(path) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {max_bytes / 2**20:g} MiB", str(path))
    return content


def hash_file(path: Path) -> str:
    """SHA-256 of a regular file's content in hexadecimal; the file may be larger than memory."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_replaceable(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return  # there is nothing, or its folder is missing
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise OSError(errno.EINVAL, "it is a device", str(path))


def _finish(temporary: Path, mode: int | None) -> None:
    # Opened again: a program that was given the path may have removed the file and made another.
    descriptor = os.open(temporary, SYNCED | NO_LINK)
    try:
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, would outlast a power cut, where the system lets one."""
    if not OPENS_FOLDERS and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY | CLOSE_ON_EXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
