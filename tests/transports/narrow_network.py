"""A network of the test's own: a virtual cable of MTU 1500 to a namespace with small socket buffers."""

import contextlib
import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from harness.system.processes import run_local

CLONE_NEWNET = 0x40000000  # linux/sched.h
MTU = 1500
# Smallest, usual and largest bytes of a socket's buffer (tcp(7)); Linux does not go below two frames.
BUFFERS = "4096 8192 8192"

_Result = TypeVar("_Result")


class NotPermitted(Exception):
    """This user, or this container, may not make networks."""


@dataclass(frozen=True)
class NarrowNetwork:
    """Where `host` is this machine, seen through the cable."""

    host: str
    _cable: str
    _inside: ThreadPoolExecutor

    @property
    def frames(self) -> int:
        """How many went over the cable, both ways."""
        statistics = Path("/sys/class/net", self._cable, "statistics")
        return sum(int((statistics / name).read_text()) for name in ("rx_packets", "tx_packets"))

    def run(self, action: Callable[[], _Result]) -> _Result:
        """Do it at the far end; the sockets and programs it starts live there."""
        return self._inside.submit(action).result()


@contextmanager
def narrow_network() -> Iterator[NarrowNetwork]:
    """Lay the cable, and take it away again.

    Raises:
        NotPermitted: with the kernel's reason.
    """
    name = f"narrow{os.getpid() % 10**7}"
    host, guest = (f"10.213.{os.getpid() % 250}.{number}" for number in (1, 2))
    # A namespace belongs to a thread, and ends with it.
    with ThreadPoolExecutor(max_workers=1) as inside:
        thread_id = inside.submit(_leave_the_network).result()
        with contextlib.ExitStack() as stack:
            _ip("link", "add", name, "type", "veth", "peer", "name", f"{name}p")
            stack.callback(_ip, "link", "delete", name)
            _ip("link", "set", f"{name}p", "netns", str(thread_id))
            _bring_up(name, host)
            inside.submit(_settle_in, f"{name}p", guest).result()
            yield NarrowNetwork(host, name, inside)


def _leave_the_network() -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise NotPermitted(f"no network namespace: {os.strerror(ctypes.get_errno())}")
    return threading.get_native_id()


def _settle_in(name: str, address: str) -> None:
    _ip("link", "set", "lo", "up")
    _bring_up(name, address)
    try:
        for buffers in ("tcp_rmem", "tcp_wmem"):
            Path("/proc/sys/net/ipv4", buffers).write_text(BUFFERS)
    except OSError as error:
        raise NotPermitted(f"socket buffers cannot be made small: {error}") from error


def _bring_up(name: str, address: str) -> None:
    _ip("addr", "add", f"{address}/30", "dev", name)
    # One segment at a time: a virtual cable would carry 64 KiB at once whatever its MTU.
    _ip("link", "set", name, "mtu", str(MTU), "gso_max_segs", "1", "up")


def _ip(*arguments: str) -> None:
    done = run_local(["ip", *arguments], timeout_s=20)
    if done.exit_code != 0:
        raise NotPermitted(f"ip {' '.join(arguments)}: {done.stderr.decode().strip()}")
