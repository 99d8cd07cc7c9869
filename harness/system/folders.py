"""Folders that appear whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from harness.system.file_locks import CLOSE_ON_EXEC, FOLDER, OPENS_FOLDERS
from harness.system.files import sync
from harness.system.temporary_names import held, remove_abandoned, temporary_name


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Yield a new folder in `parent`, which must exist; it is removed at the end, whatever happens.

    After a SIGKILL or a power cut, the next use in the same parent removes it. Others never may write there.

    Raises:
        OSError: the folder cannot be made.
    """
    remove_abandoned(parent)
    folder = temporary_name(parent)
    folder.mkdir(mode=0o700)
    try:
        with held(os.open(folder, os.O_RDONLY | FOLDER | CLOSE_ON_EXEC)) if OPENS_FOLDERS else nullcontext():
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def install_folder(made: Path, path: Path) -> None:
    """Give a folder made in a scratch folder its final name, in place of what may be there.

    All in it is synced first: after a power cut the folder is there as a whole, or not at all.

    Raises:
        OSError: something cannot be synced, removed or renamed.
    """
    for folder, _, files in os.walk(made):
        for file in (Path(folder, name) for name in files):
            if not file.is_symlink():
                sync(file)
        sync(Path(folder))
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)
    made.rename(path)
    sync(path.parent)


def folder_bytes(folder: Path) -> int:
    """What the files below a folder take on the disk; one that cannot be read or vanishes meanwhile, 0."""
    sizes: dict[tuple[int, int], int] = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                status = Path(parent, name).lstat()
                # A file of two names is there once, and the holes of an image of a disk take nothing.
                blocks = getattr(status, "st_blocks", None)
                size = status.st_size if blocks is None else 512 * blocks
                sizes[status.st_dev, status.st_ino] = size
    return sum(sizes.values())
