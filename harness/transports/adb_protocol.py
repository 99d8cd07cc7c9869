"""ADB's packets over one connection, built on adb-shell's message format, keys and transports.

adb-shell's `AdbDevice` itself is not used: as of 0.4.4 it ignores short writes (JeffLIrion/adb_shell#205),
waits ten seconds for a peer that has closed, loses the reason of a refused push, and spends 10 ms on each MiB
for checksums that devices since Android 9 do without.
https://android.googlesource.com/platform/packages/modules/adb/+/refs/heads/main/protocol.txt
"""

import struct
import time
from collections.abc import Sequence

from adb_shell import constants
from adb_shell.adb_message import AdbMessage, checksum
from adb_shell.auth.sign_cryptography import CryptographySigner
from adb_shell.transport.base_transport import BaseTransport

from harness.errors import ConnectionLost, DeviceError, DeviceUnfit, TimedOut, TransportError
from harness.transports.adb_failures import ACCEPT_KEY

# The random token of an AUTH packet: as long as the SHA-1 digest that the signature stands for.
TOKEN_BYTES = 20
VERSION_WITHOUT_CHECKSUMS = 0x01000001
STLS = struct.unpack("<I", b"STLS")[0]
BANNER = b"host::features=shell_v2\0"
READ_SIZE = 1 << 16  # a multiple of every USB packet size


class Connection:
    """An authenticated connection; it carries one stream at a time.

    A device of the protocol's first version sums each packet's data up, and expects that of us. Later ones
    send any sum and look at none.

    Raises:
        ConnectionLost: no program listens at the address, or the connection broke.
        TimedOut: the program that listens does not answer as an ADB device.
        DeviceUnfit: the device does not accept the keys, or requires TLS.
    """

    def __init__(
        self,
        link: BaseTransport,
        device: str,
        signers: Sequence[CryptographySigner],
        *,
        connect_timeout_s: float,
        auth_timeout_s: float,
    ) -> None:
        self.device = device
        self._link = link
        self._received = bytearray()
        self._version: int | None = None
        self._last_id = 0
        self.max_data = constants.MAX_LEGACY_ADB_DATA
        self.banner = b""
        try:
            link.connect(connect_timeout_s)
            self._shake_hands(signers, connect_timeout_s, auth_timeout_s)
        except BaseException:
            link.close()
            raise

    @property
    def speaks_shell_v2(self) -> bool:
        """Whether the device reports exit codes and separates stderr (Android 7 and later)."""
        features = self.banner.partition(b"features=")[2].partition(b";")[0]
        return b"shell_v2" in features.rstrip(b"\0").split(b",")

    def send(self, command: bytes, local_id: int, remote_id: int, data: bytes, deadline: float) -> None:
        """Send one packet, in one piece: a header alone would wait for the 40 ms of a delayed TCP ACK."""
        message = AdbMessage(command, local_id, remote_id, data)
        total = checksum(data) if self._sums_are_checked else 0
        header = struct.pack(
            constants.MESSAGE_FORMAT, message.command, local_id, remote_id, len(data), total, message.magic
        )
        self._link.bulk_write(header + data, deadline - time.monotonic())

    def receive(self, deadline: float) -> tuple[bytes, int, int, bytes]:
        """One packet: command, the sender's id, the receiver's id, data.

        A time-out in the middle of a packet loses nothing: the next call goes on where it stopped.
        """
        self._fill(constants.MESSAGE_SIZE, deadline)
        wire, remote_id, local_id, size, total, magic = struct.unpack_from(
            constants.MESSAGE_FORMAT, self._received
        )
        command = constants.WIRE_TO_ID.get(wire)
        # After the greeting the last id is that of our latest stream; no larger one is in use.
        unknown = bool(self.banner) and local_id > self._last_id
        if command is None or magic != wire ^ 0xFFFFFFFF or size > constants.MAX_ADB_DATA or unknown:
            raise self._damaged() if self.banner else self._not_adb(wire)
        self._fill(constants.MESSAGE_SIZE + size, deadline)
        data = bytes(memoryview(self._received)[constants.MESSAGE_SIZE : constants.MESSAGE_SIZE + size])
        del self._received[: constants.MESSAGE_SIZE + size]
        if command == constants.CNXN and self._version is None:
            self._version = remote_id
        if self._version is not None and self._sums_are_checked and total != checksum(data):
            raise self._damaged()
        return command, remote_id, local_id, data

    def new_id(self) -> int:
        """The number of another stream."""
        self._last_id += 1
        return self._last_id

    def close(self) -> None:
        """Close the link; closing twice is harmless."""
        self._link.close()

    def _fill(self, size: int, deadline: float) -> None:
        # Also while data keeps coming: a flood of packets does not outlast the deadline.
        if time.monotonic() >= deadline:
            raise TimedOut("the device does not answer in time", device=self.device)
        while len(self._received) < size:
            # Never more than is missing: over USB, a transfer that asks for more would wait for it.
            wanted = min(size - len(self._received), READ_SIZE)
            self._received += self._link.bulk_read(wanted, deadline - time.monotonic())

    def _shake_hands(self, signers: Sequence[CryptographySigner], answer_s: float, accept_s: float) -> None:
        deadline = time.monotonic() + answer_s
        self.send(constants.CNXN, VERSION_WITHOUT_CHECKSUMS, constants.MAX_ADB_DATA, BANNER, deadline)
        try:
            command, _, maximum, data = self._answer(deadline)
        except TimedOut as error:
            raise TimedOut(
                "the program at this address does not answer as an ADB device",
                device=self.device,
                hint="check the port, and restart ADB on the device",
            ) from error
        remaining = list(signers)
        while command == constants.AUTH and remaining:
            if len(data) != TOKEN_BYTES:
                raise TransportError(
                    f"the device asked for a signature of {len(data)} bytes; ADB signs {TOKEN_BYTES}",
                    device=self.device,
                    hint="check the address: the program there is no ADB device",
                )
            signature = remaining.pop(0).Sign(data)
            self.send(constants.AUTH, constants.AUTH_SIGNATURE, 0, signature, deadline)
            command, _, maximum, data = self._answer(deadline)
        if command == constants.AUTH:
            command, _, maximum, data = self._offer_key(signers, accept_s)
        if command != constants.CNXN:
            raise self._not_adb(constants.ID_TO_WIRE[command])
        self.max_data = max(constants.MAX_LEGACY_ADB_DATA, min(maximum, constants.MAX_ADB_DATA))
        self.banner = data

    def _answer(self, deadline: float) -> tuple[bytes, int, int, bytes]:
        while True:
            answer = self.receive(deadline)
            if answer[0] in (constants.AUTH, constants.CNXN):
                return answer

    def _offer_key(
        self, signers: Sequence[CryptographySigner], accept_s: float
    ) -> tuple[bytes, int, int, bytes]:
        """No signature was accepted: let the device ask its user about our first key."""
        if not signers:
            raise DeviceUnfit("the device requires a key", device=self.device, hint=ACCEPT_KEY)
        deadline = time.monotonic() + accept_s
        try:
            public = signers[0].GetPublicKey().rstrip(b"\0") + b"\0"
            self.send(constants.AUTH, constants.AUTH_RSAPUBLICKEY, 0, public, deadline)
            return self._answer(deadline)
        except TimedOut as error:
            raise DeviceUnfit(
                f"this computer's key was not accepted on the device within {accept_s:g} s",
                device=self.device,
                hint=ACCEPT_KEY,
            ) from error
        except ConnectionLost as error:
            raise DeviceUnfit(
                "the device refused this computer's key", device=self.device, hint=ACCEPT_KEY
            ) from error

    @property
    def _sums_are_checked(self) -> bool:
        """Also by a device whose version is not known yet."""
        return self._version is None or self._version < VERSION_WITHOUT_CHECKSUMS

    def _damaged(self) -> ConnectionLost:
        return ConnectionLost("packets from the device arrive damaged", device=self.device)

    def _not_adb(self, wire: int) -> DeviceError:
        if wire == STLS:
            return DeviceUnfit(
                "the device's wireless debugging requires pairing",
                device=self.device,
                hint="use Google's adb: `adb pair HOST:PORT`, then `adb connect HOST:PORT`",
            )
        return TransportError(
            f"the program at this address does not speak ADB (packet {wire.to_bytes(4, 'little')!r})",
            device=self.device,
            hint="check the port",
        )
