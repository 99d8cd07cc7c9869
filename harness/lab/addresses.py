"""Where a lab is: the address of its head, and whether anything answers there."""

import re
import socket
from dataclasses import dataclass

from harness.errors import TransportError, UsageError

DEFAULT_PORT = 6379
LOOPBACK = "127.0.0.1"
# A host that is switched off gives no answer at all.
REACH_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Address:
    """Of a lab's head."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host == LOOPBACK


def parse_address(text: str, option: str) -> Address:
    """`HOST` or `HOST:PORT`; `localhost` is 127.0.0.1.

    Raises:
        UsageError: it is neither.
    """
    found = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9.-]{0,252})(?::([0-9]{1,5}))?", text)
    port = int(found[2] or DEFAULT_PORT) if found else 0
    if not found or not 0 < port < 65536:
        raise UsageError(
            f"{option} {text!r} is not an address of a lab's head",
            hint=f"give HOST or HOST:PORT, as `harness lab start` printed it; default PORT {DEFAULT_PORT}",
        )
    return Address(LOOPBACK if found[1] == "localhost" else found[1], port)


def refuse_silent(address: Address) -> None:
    """Try to connect.

    Raises:
        TransportError: nothing answers within `REACH_TIMEOUT_S`.
    """
    try:
        socket.create_connection((address.host, address.port), timeout=REACH_TIMEOUT_S).close()
    except OSError as error:
        why = "no answer" if isinstance(error, TimeoutError) else (error.strerror or str(error)).lower()
        raise TransportError(
            f"no lab can be reached at {address}: {why}",
            hint="begin one there with `harness lab start`, and let firewalls pass its ports (docs/lab.md)",
        ) from error


def check_own(host: str, option: str) -> str:
    """The IPv4 address of a host that is this one.

    Raises:
        UsageError: it is another host's, or none that other hosts could reach.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
            own = str(probe.getsockname()[0])
    except OSError as error:
        raise UsageError(
            f"{option} {host} is not an address of this host: {(error.strerror or str(error)).lower()}",
            hint="`ip -brief address` lists its addresses",
        ) from error
    if own == "0.0.0.0" or (own.startswith("127.") and own != LOOPBACK):
        raise UsageError(
            f"{option} {host} is {own}, which no other host reaches",
            hint="give the address in the lab's network; `ip -brief address` lists this host's",
        )
    return own


def find_own_address(head: Address) -> str:
    """The address of this host that packets to the head carry; nothing is sent to find it.

    Raises:
        TransportError: no network leads there.
    """
    if head.is_loopback:
        return LOOPBACK
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((head.host, head.port))
            return str(probe.getsockname()[0])
    except socket.gaierror as error:
        raise TransportError(
            f"nothing is known by the name {head.host}: {(error.strerror or str(error)).lower()}",
            hint="check how it is spelled, or give the address that `harness lab start` printed",
        ) from error
    except OSError as error:
        raise TransportError(
            f"no network of this host leads to {head}: {(error.strerror or str(error)).lower()}",
            hint="connect this host to the lab's network; `ip -brief address` lists its addresses",
        ) from error
