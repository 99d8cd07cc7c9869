"""A service of an ADB device: its bytes over a connection."""

import math
import time
from collections.abc import Iterator

from adb_shell import constants

from harness.errors import DeviceUnfit, TransportError
from harness.transports.adb_protocol import Connection

LONGEST_UNREAD = 64 << 20


class Stream:
    """One service's bytes, both ways. Every packet waits for its acknowledgement, as the protocol has it.

    Raises:
        TransportError: the device does not offer the service.
        DeviceUnfit: the device takes no packet as long as the service's name, which holds the command.
        TimedOut: a deadline passed, or nothing came for `longest_silence_s`.
    """

    def __init__(
        self, connection: Connection, service: bytes, deadline: float, longest_silence_s: float = math.inf
    ) -> None:
        self.device = connection.device
        if len(service) >= connection.max_data:
            raise DeviceUnfit(
                f"the device takes commands of at most {connection.max_data} bytes, not {len(service)}",
                device=self.device,
            )
        self._connection = connection
        self._local_id = connection.new_id()
        self._longest_silence_s = longest_silence_s
        self._remote_id = 0
        self._arrived: list[bytes] = []
        self._waiting_bytes = 0
        self._acknowledged = False
        self.closed = False
        connection.send(constants.OPEN, self._local_id, 0, service + b"\0", deadline)
        while not self._acknowledged:
            self._step(deadline)
            if self.closed:
                name = service.partition(b":")[0].decode("utf-8", "replace")
                raise TransportError(f"the device refuses the service {name}", device=self.device)

    @property
    def has_data(self) -> bool:
        """Whether something arrived that was not read yet."""
        return bool(self._arrived)

    def write(self, data: bytes, deadline: float) -> bool:
        """Send, at most `max_data` bytes; False when the device closed the stream instead of taking them."""
        if self.closed:
            return False
        self._acknowledged = False
        self._connection.send(constants.WRTE, self._local_id, self._remote_id, data, deadline)
        while not self._acknowledged and not self.closed:
            self._step(deadline)
        return self._acknowledged

    def read(self, deadline: float) -> Iterator[bytes]:
        """What arrives, piece by piece, until the device closes the stream."""
        while True:
            yield from self._take()
            if self.closed:
                return
            self._step(deadline)

    def close(self, deadline: float) -> None:
        """Close the stream on the device; data that the device still sends is ignored."""
        if not self.closed:
            self.closed = True
            self._connection.send(constants.CLSE, self._local_id, self._remote_id, b"", deadline)

    def _take(self) -> Iterator[bytes]:
        arrived, self._arrived, self._waiting_bytes = self._arrived, [], 0
        yield from arrived

    def _step(self, deadline: float) -> None:
        """Receive one packet; those of streams that are closed on this side are dropped."""
        soon = time.monotonic() + self._longest_silence_s
        command, remote_id, local_id, data = self._connection.receive(min(deadline, soon))
        if local_id != self._local_id:
            return
        if command == constants.OKAY and remote_id:
            self._remote_id = remote_id
            self._acknowledged = True
        elif command == constants.WRTE:
            self._connection.send(constants.OKAY, self._local_id, remote_id, b"", deadline)
            self._arrived.append(data)
            self._waiting_bytes += len(data)
            if self._waiting_bytes > LONGEST_UNREAD:
                raise TransportError(
                    f"the device sent more than {LONGEST_UNREAD >> 20} MiB unasked", device=self.device
                )
        elif command == constants.CLSE:
            self.closed = True
            if self._remote_id:
                self._connection.send(constants.CLSE, self._local_id, self._remote_id, b"", deadline)
