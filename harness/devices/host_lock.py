"""A lock on this machine: one of its harnesses at a time uses a device, and the others log which one."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from harness.devices.device_lock import wait_again
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import DeviceUnfit
from harness.system.paths import cache_folder

WAIT_S = 600.0
ASK_AGAIN_S = 0.2


@contextmanager
def hold_device(
    target: Target,
    log: Callable[[str], None],
    cancelled: threading.Event | None = None,
    *,
    wait_s: float = WAIT_S,
) -> Iterator[None]:
    """Hold a device; wait while another harness of this machine does, and log which.

    Devices that run on this machine share one lock: each would disturb the others. A thread that holds the
    lock may take it again. The operating system frees the lock when its holder dies: none goes stale.

    Raises:
        DeviceUnfit: the device was not free within `wait_s`.
        Interrupted: `cancelled` was set.
    """
    identity = "this-machine" if KINDS[target.kind].runs_on_host else f"{target.kind}-{target.address}"
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (re.sub(r"[^A-Za-z0-9.-]", "_", identity) + ".lock")
    holder = path.with_suffix(".holder")
    lock = FileLock(path, is_singleton=True)  # one for each thread, which counts how often it is held
    deadline = time.monotonic() + wait_s
    who = ""
    while not _acquire(lock):
        if not who:
            who = _read_holder(holder)
            log(f"waiting for {who}")
        if time.monotonic() > deadline:
            raise DeviceUnfit(
                f"{who} is using the device", device=target.name, hint="wait for that run to end, or stop it"
            )
        wait_again(cancelled, ASK_AGAIN_S, target.name)
    try:
        holder.write_text(f"process {os.getpid()}\n")
        yield
    finally:
        if lock.lock_counter == 1:
            holder.unlink(missing_ok=True)
        lock.release()


def _read_holder(file: Path) -> str:
    """Who holds the lock; the file exists from just after the lock is taken until just before it is freed."""
    try:
        return file.read_text().strip() or "another harness"
    except FileNotFoundError:
        return "another harness"


def _acquire(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True
