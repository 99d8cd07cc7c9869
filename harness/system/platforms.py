"""Which system this machine runs: any Unix reaches devices, but only Linux is measured itself."""

import os
import platform
import time

from harness.errors import HarnessError, UsageError


def is_linux() -> bool:
    """Whether this machine runs Linux."""
    return platform.system() == "Linux"


def require_linux(purpose: str, *, hint: str, error: type[HarnessError] = UsageError) -> None:
    """Refuse what only a Linux host can do.

    Raises:
        HarnessError: of the type `error`; this machine runs another system.
    """
    if not is_linux():
        raise error(f"{purpose} needs Linux, and this machine runs {platform.system()}", hint=hint)


def usable_cores() -> int:
    """The cores that this process may use; all of them where the system cannot say which."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def free_memory_bytes() -> int:
    """The physical memory that nothing uses; 0 where the system does not say."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 0


def boottime_s() -> float:
    """Seconds of a clock that goes on while this machine is suspended, as macOS's CLOCK_MONOTONIC does."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
