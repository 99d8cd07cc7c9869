"""Users and groups of this machine, as far as it has them; their number where they have no name."""

import os


def current_user() -> int | None:
    """The number of the user who runs the harness; None where files have no owners, as on Windows."""
    return os.geteuid() if hasattr(os, "geteuid") else None


def user_name(uid: int) -> str:
    """The name, or `user 1000`."""
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return f"user {uid}"


def group_name(gid: int) -> str:
    """The name, or `group 1000`."""
    try:
        import grp

        return grp.getgrgid(gid).gr_name
    except (ImportError, KeyError):
        return f"group {gid}"


def current_group() -> int | None:
    """The number of the group of the user; None where files have none."""
    return os.getegid() if hasattr(os, "getegid") else None


def is_own_group(gid: int | None) -> bool:
    """Whether it is the group of this user alone, which many distributions give each user."""
    if gid is None:
        return False
    try:
        import grp
        import pwd

        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except (ImportError, KeyError):
        return False
    return user.pw_gid == gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}
