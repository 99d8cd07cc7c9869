"""The TCP connection under adb-shell's seam for transports."""

import errno
import re
import select
import socket
import time

from adb_shell.transport.base_transport import BaseTransport

from harness.errors import ConnectionLost, DeviceUnfit, TimedOut, UsageError

DEFAULT_ADB_PORT = 5555
# Of an IPv6 address without brackets, nobody can say whether its end is a port.
_ADDRESS = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?)\]|(?P<name>[^\[\]:%/@\s]+))(?::(?P<port>[0-9]{1,5}))?"
)

# A peer that vanishes is noticed within 15 s. The kernels do that, without waking the process being measured.
# Keepalive covers an idle connection, TCP_USER_TIMEOUT bytes that are not acknowledged. Only Linux has that
# one; macOS calls TCP_KEEPIDLE TCP_KEEPALIVE.
_LIVENESS = (
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 15_000),
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 5),
    (socket.IPPROTO_TCP, "TCP_KEEPALIVE", 5),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 3),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
    (socket.IPPROTO_TCP, "TCP_NODELAY", 1),
)
LIVENESS = tuple(
    (level, getattr(socket, name), value) for level, name, value in _LIVENESS if hasattr(socket, name)
)
# That the peer sends no more; elsewhere than on Linux POLLHUP alone says that it is gone.
NO_MORE: int = getattr(select, "POLLRDHUP", 0)


def parse_endpoint(address: str) -> tuple[str, int]:
    """The host and port of `HOST`, `HOST:PORT` or `[IPV6]:PORT`.

    Raises:
        UsageError: it is none of these.
    """
    match = _ADDRESS.fullmatch(address)
    port = int(match["port"] or DEFAULT_ADB_PORT) if match else 0
    if not match or not 0 < port < 65536:
        raise UsageError(
            f"{address!r} is not the address of a device", hint="write HOST:PORT, or [IPV6]:PORT"
        )
    return match["ipv6"] or match["name"], port


class TcpLink(BaseTransport):  # type: ignore[misc]
    """A TCP connection that sends whole buffers and notices at once when the other side closes it."""

    def __init__(self, host: str, port: int) -> None:
        self.name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._address = (host, port)
        self._socket: socket.socket | None = None

    def connect(self, transport_timeout_s: float) -> None:
        """Connect, and let the kernel check the connection while a command is silent.

        Raises:
            ConnectionLost: nothing answers at the address.
            DeviceUnfit: no host can have the name.
        """
        try:
            self._socket = socket.create_connection(self._address, timeout=transport_timeout_s)
            for option in LIVENESS:
                self._socket.setsockopt(*option)
        except OSError as error:
            raise ConnectionLost(
                f"cannot connect: {error.strerror or error}",
                device=self.name,
                hint="check the address, and that ADB over the network is on (`adb tcpip 5555` over USB)",
            ) from error
        except UnicodeError as error:  # a label of a name may have 63 bytes, and none may be empty
            raise DeviceUnfit(
                "no host can have this name", device=self.name, hint="check the name, or use its IP address"
            ) from error

    def bulk_read(self, numbytes: int, transport_timeout_s: float) -> bytes:
        """Some bytes, at least one.

        Raises:
            TimedOut: none came in time.
            ConnectionLost: the other side closed the connection or vanished.
        """
        try:
            data = self._ready(transport_timeout_s).recv(numbytes)
        except OSError as error:
            # Python's own time-out has no number; the kernel's, ETIMEDOUT, is the end of the connection.
            if isinstance(error, TimeoutError) and error.errno != errno.ETIMEDOUT:
                raise TimedOut("the device is silent", device=self.name) from error
            raise self._lost(error.strerror) from error
        if not data:
            raise self._lost("the device closed the connection")
        return data

    def bulk_write(self, data: bytes, transport_timeout_s: float) -> int:
        """Send all of it.

        A peer that closes while its window is full leaves `sendall` waiting until the time-out; so the
        peer's end is polled for as well.

        Raises:
            ConnectionLost: the other side closed, vanished, or does not take the bytes in time.
        """
        deadline = time.monotonic() + transport_timeout_s
        connection = self._ready(transport_timeout_s)
        events = select.poll()
        events.register(connection, select.POLLOUT | NO_MORE)
        rest = memoryview(data)
        while rest:
            happened = events.poll(max(deadline - time.monotonic(), 0) * 1000)
            if not happened:
                raise self._lost("the device takes no more bytes")
            if happened[0][1] & ~select.POLLOUT:
                raise self._lost("the device closed the connection")
            try:
                rest = rest[connection.send(rest) :]
            except OSError as error:
                raise self._lost(error.strerror or str(error)) from error
        return len(data)

    def close(self) -> None:
        """Close the socket; closing twice is harmless."""
        if self._socket:
            self._socket.close()
            self._socket = None

    def _ready(self, timeout_s: float) -> socket.socket:
        if not self._socket:
            raise self._lost("the connection is closed")
        self._socket.settimeout(max(timeout_s, 0.001))
        return self._socket

    def _lost(self, reason: str | None) -> ConnectionLost:
        return ConnectionLost(f"the connection to the device broke: {reason}", device=self.name)
