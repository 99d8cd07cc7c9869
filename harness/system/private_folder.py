"""Whether others could have put something into a folder whose programs the harness runs."""

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from harness.errors import UsageError
from harness.system.users import group_name, user_name


def check_private(folder: Path) -> None:
    """Refuse a folder, or an entry up to two levels below it, that another user owns or may write.

    What is below is read as programs and weights: those who can write there run code as this user. Nor may a
    parent be one in which every user can rename it.

    Raises:
        UsageError: another user owns or may write one of them, and what to do about it.
    """
    for path in folder.parents:
        _check_replaceable(path)
    for path in _with_entries(folder):
        try:
            found = path.stat()
        except OSError:
            # Gone, or a link to nothing: there is nothing to read.
            continue
        if found.st_uid != os.geteuid():
            raise _refusal(path, f"belongs to {user_name(found.st_uid)}", folder)
        if found.st_mode & stat.S_IWOTH:
            raise _refusal(path, "may be written by every user", folder)
        if found.st_mode & stat.S_IWGRP and not _is_own_group(found.st_gid):
            raise _refusal(path, f"may be written by the group {group_name(found.st_gid)}", folder)


def _with_entries(folder: Path) -> Iterator[Path]:
    """The folder, what it holds, and what that holds."""
    if not folder.exists():
        return
    yield folder
    for path in _children(folder):
        yield path
        yield from _children(path)


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError:
        return []


def _check_replaceable(path: Path) -> None:
    """In a folder that everybody may write, only the sticky bit keeps others from renaming what is in it."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise UsageError(
            f"{path} may be written by every user, who could replace the cache in it",
            hint="set HARNESS_CACHE to a folder in your home folder",
        )


def _refusal(path: Path, why: str, folder: Path) -> UsageError:
    return UsageError(
        f"{path} {why}, who could make the harness run their programs",
        hint=f"if you trust its content: sudo chown -R {os.geteuid()} {folder} and chmod -R go-w"
        f" {folder}; else delete it, or set HARNESS_CACHE to a folder of your own",
    )


def _is_own_group(gid: int) -> bool:
    """Whether it is the group of this user alone, which many distributions give each user."""
    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    return user.pw_gid == gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}
