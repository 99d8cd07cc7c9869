"""Names of users and groups of this machine; their number where they have none."""

import grp
import pwd


def user_name(uid: int) -> str:
    """The name, or `user 1000`."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def group_name(gid: int) -> str:
    """The name, or `group 1000`."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return f"group {gid}"
