"""Whether others could have put something into a folder whose programs the harness runs."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from harness.errors import UsageError
from harness.system.users import current_user, group_name, is_own_group, user_name

LEVELS = 3


def check_private(folder: Path) -> None:
    """Refuse a folder, or an entry up to three levels below it, that another user owns or may write.

    What is below is read as programs and weights: those who can write there run code as this user. Nor may a
    parent, of the path as it is written or of the folder that it leads to, be one in which another user or
    everybody can rename it. Where files have no owners, as on Windows, nothing can be seen or refused.

    Raises:
        UsageError: another user owns or may write one of them, and what to do about it.
    """
    if (user := current_user()) is None:
        return
    for path in dict.fromkeys((*folder.parents, *_resolved(folder).parents)):
        _check_replaceable(path, user)
    for place, found in _with_entries(folder):
        if found.st_uid != user:
            raise _refusal(place, f"belongs to {user_name(found.st_uid)}", folder, user)
        if found.st_mode & stat.S_IWOTH:
            raise _refusal(place, "may be written by every user", folder, user)
        if found.st_mode & stat.S_IWGRP and not is_own_group(found.st_gid):
            raise _refusal(place, f"may be written by the group {group_name(found.st_gid)}", folder, user)


def _resolved(folder: Path) -> Path:
    try:
        return folder.resolve()
    except (OSError, RuntimeError) as error:  # Python 3.13 no longer raises for links in a circle
        raise UsageError(
            f"{folder} cannot be followed: {error}", hint="set HARNESS_CACHE to a folder in your home folder"
        ) from error


def _with_entries(path: Path, levels: int = LEVELS) -> Iterator[tuple[Path, os.stat_result]]:
    """The folder, what it holds, and what that holds, down to the files of a bundle or an artifact."""
    try:
        found = path.stat()
    except OSError:
        # Gone, or a link to nothing: there is nothing to read.
        return
    yield path, found
    if levels and stat.S_ISDIR(found.st_mode):
        for child in _children(path):
            yield from _with_entries(child, levels - 1)


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _check_replaceable(path: Path, user: int) -> None:
    """Refuse a parent in which others can rename: its owner, and everybody where no sticky bit forbids it."""
    try:
        found = path.stat()
    except OSError:
        return
    hint = "set HARNESS_CACHE to a folder in your home folder"
    if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        raise UsageError(f"{path} may be written by every user, who could replace the cache in it", hint=hint)
    if found.st_uid not in (user, 0) and not _is_unmapped(found.st_uid):
        raise UsageError(
            f"{path} belongs to {user_name(found.st_uid)}, who could replace the cache in it", hint=hint
        )


def _is_unmapped(uid: int) -> bool:
    """Whether the number stands for any user that this container does not have, as for the host's root."""
    try:
        mapped = Path("/proc/self/uid_map").read_text().split()
        unknown = int(Path("/proc/sys/kernel/overflowuid").read_text())
    except (OSError, ValueError):
        return False
    return uid == unknown and mapped != ["0", "0", "4294967295"]


def _refusal(path: Path, why: str, folder: Path, user: int) -> UsageError:
    return UsageError(
        f"{path} {why}, who could make the harness run their programs",
        hint=f"if you trust its content: sudo chown -R {user} {folder} and chmod -R go-w"
        f" {folder}; else delete it, or set HARNESS_CACHE to a folder of your own",
    )
