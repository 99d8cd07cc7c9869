"""A lock on this machine: one of its harnesses at a time uses a device, and the others log which one.

This machine itself is measured by one harness alone. Devices that are emulated on it only count, and do not
disturb each other: a few harnesses use them at once, each with a seat, and who measures this machine has all.

The lock belongs to the machine, not to a user or a folder: it is a name in the kernel (an abstract Unix
socket, unix(7)), which only one process can bind. The kernel frees the name when its holder dies, so that no
lock goes stale; there is no file that a link could lead elsewhere; and the kernel itself vouches for the
holder's process and user. Containers with a network of their own have their own names. Other systems than
Linux have no such names: there it is a locked file in the cache of the user.
"""

import errno
import hashlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from harness.devices.device_lock import wait_again
from harness.devices.identity import address_of
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import DeviceBusy
from harness.system.paths import cache_folder
from harness.system.platforms import is_linux
from harness.system.users import user_name

NAMESPACE = "mobilenet-harness"
THIS_MACHINE = "this-machine"
# So many harnesses of this machine use emulated devices at once.
SEATS = 4
WAIT_S = 600.0
ASK_AGAIN_S = 0.2
# Each harness that waits asks once who holds the lock.
WAITING_HARNESSES = 128
ANOTHER = "another harness"


class _Held(threading.local):
    """How often this thread holds each name."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}


_held = _Held()


@contextmanager
def hold_device(
    target: Target,
    log: Callable[[str], None],
    cancelled: threading.Event | None = None,
    *,
    wait_s: float = WAIT_S,
) -> Iterator[None]:
    """Hold a device; wait while another harness of this machine does, and log which.

    Nobody measures this machine while a device is emulated on it, and the other way round. A thread that
    holds one of the two may take the other.

    Raises:
        DeviceBusy: the device was not free within `wait_s`.
        Interrupted: `cancelled` was set.
    """
    kind = KINDS[target.kind]
    name = THIS_MACHINE if kind.runs_on_host else " ".join(address_of(target)[:2])
    if _held.counts.get(name):
        with _counted(name):
            yield
        return
    waiting = _Waiting(target, log, cancelled, time.monotonic() + wait_s)
    with ExitStack() as stack:
        if not kind.runs_on_host:
            waiting.take(stack, name)
        elif kind.clock == "real":
            # The next ones wait at the first name.
            for each in (THIS_MACHINE, *_seats()):
                waiting.take(stack, each)
        else:
            if kind.clock == "emulated":
                # Its files are in the cache; a machine that is booted for each run has its own.
                folder = Path(target.folder or cache_folder()).resolve()
                waiting.take(stack, f"{target.kind} {folder}")
            with ExitStack() as turn:
                waiting.take(turn, THIS_MACHINE)
                waiting.take(stack, *_seats())
        stack.enter_context(_counted(name))
        yield


def _seats() -> list[str]:
    return [f"seat {number}" for number in range(SEATS)]


def kernel_name(name: str) -> bytes:
    """In the abstract namespace, whose names begin with a null byte; 107 bytes at most."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return b"\0" + f"{NAMESPACE}-{digest[:32]}".encode()


@contextmanager
def _counted(name: str) -> Iterator[None]:
    _held.counts[name] = _held.counts.get(name, 0) + 1
    try:
        yield
    finally:
        _held.counts[name] -= 1


@dataclass(frozen=True)
class _Waiting:
    """One who wants the device until a deadline of the monotonic clock."""

    target: Target
    log: Callable[[str], None]
    cancelled: threading.Event | None
    deadline_s: float

    def take(self, stack: ExitStack, *names: str) -> None:
        """Hold the first of these names that is free until the stack is closed.

        Raises:
            DeviceBusy: none was free in time.
            Interrupted: `cancelled` was set.
        """
        claims = [_claim(name) for name in names]
        for claim in claims:
            stack.enter_context(claim)
        who = ""
        while not any(claim.take() for claim in claims):
            waited_for, who = who, who or claims[0].find_holder()
            if time.monotonic() > self.deadline_s:
                raise DeviceBusy(
                    f"{who} is using the device",
                    device=self.target.name,
                    hint="wait for that run to end, or stop it",
                )
            if not waited_for:
                self.log(f"waiting for {who}, which is using the device")
            wait_again(self.cancelled, ASK_AGAIN_S, self.target.name)


class _KernelName:
    """A socket that is bound to the name while it is held."""

    def __init__(self, name: str) -> None:
        self._name = kernel_name(name)

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def take(self) -> bool:
        """Whether the name is ours now."""
        try:
            self._socket.bind(self._name)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
        self._socket.listen(WAITING_HARNESSES)
        return True

    def find_holder(self) -> str:
        """The process and the user that listen under the name, as the kernel knows them."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as question:
            question.setblocking(False)
            try:
                question.connect(self._name)
                credentials = question.getsockopt(
                    socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
                )
            except OSError:
                # It is just beginning or ending.
                return ANOTHER
        pid, uid, _ = struct.unpack("3i", credentials)
        # A process of another PID namespace has the number 0 here.
        return f"process {pid} of {user_name(uid)}" if pid else f"{ANOTHER} of {user_name(uid)}"


class _LockedFile:
    """Where the kernel has no such names: a lock in the cache, which holds for one user's harnesses."""

    def __init__(self, name: str) -> None:
        self._path = cache_folder() / "locks" / f"{kernel_name(name)[1:].decode()}.lock"

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self._path)
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def take(self) -> bool:
        """Whether the lock is ours now."""
        with suppress(Timeout):
            self._lock.acquire(timeout=0)
            return True
        return False

    def find_holder(self) -> str:
        """A file does not say who locked it."""
        return ANOTHER


def _claim(name: str) -> "_KernelName | _LockedFile":
    return _KernelName(name) if is_linux() else _LockedFile(name)
