"""How files are opened and locked, as far as the system can: Windows has no such flags and no `fcntl`."""

import os

# Without a flag a file opens all the same. A folder cannot be opened there, and text would be translated.
CLOSE_ON_EXEC: int = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
NEVER_WAIT: int = getattr(os, "O_NONBLOCK", 0)
NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
FOLDER: int = getattr(os, "O_DIRECTORY", 0)
OPENS_FOLDERS = bool(FOLDER)
# Windows syncs only what can be written.
SYNCED = os.O_RDWR if os.name == "nt" else os.O_RDONLY


def lock(descriptor: int) -> None:
    """Lock an open file or folder for this process alone, where the system has such locks.

    Raises:
        BlockingIOError: another process holds it.
        OSError: the file system has no locks.
    """
    try:
        import fcntl
    except ImportError:
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def unlock(descriptor: int) -> None:
    """Unlock it; raises OSError as `lock`."""
    try:
        import fcntl
    except ImportError:
        return
    fcntl.flock(descriptor, fcntl.LOCK_UN)
