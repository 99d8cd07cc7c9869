"""An adbd in memory, as far as a connection's commands, pushes and pulls need one, and what goes wrong in it.

The link answers at once: where a device would be silent, the deadline has passed. So thousands of
conversations take seconds.
"""

import random
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from adb_shell import constants
from damaged_bytes import INTERESTING, change_bytes

from harness.errors import ConnectionLost, TimedOut

BANNERS = (
    b"device::ro.product.name=redfin;ro.product.model=Pixel 5;features=shell_v2,cmd,stat_v2\0",
    b"device::features=shell_v2",
    b"device::features=cmd\0",
    b"",
    b"\xff" * 300,
)
WORDS = (b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"WRTE", b"CLSE", b"SYNC", b"STLS", b"HTTP", b"\0\0\0\0")
SYNC_WORDS = (b"STAT", b"DATA", b"DONE", b"FAIL", b"OKAY", b"DENT", b"QUIT", b"\0\0\0\0")
CONTENT = bytes(range(256)) * 40


@dataclass(frozen=True)
class Packet:
    """A packet as the device sends it; None: the right value of that field."""

    word: bytes
    arg0: int
    arg1: int
    data: bytes = b""
    size: int | None = None
    total: int | None = None
    magic: int | None = None

    @property
    def wire(self) -> bytes:
        command = struct.unpack("<I", self.word)[0]
        return (
            struct.pack(
                constants.MESSAGE_FORMAT,
                command,
                self.arg0 & 0xFFFFFFFF,
                self.arg1 & 0xFFFFFFFF,
                len(self.data) if self.size is None else self.size & 0xFFFFFFFF,
                sum(self.data) & 0xFFFFFFFF if self.total is None else self.total & 0xFFFFFFFF,
                command ^ 0xFFFFFFFF if self.magic is None else self.magic & 0xFFFFFFFF,
            )
            + self.data
        )


class Adbd:
    """Answers each of the client's packets as adbd does; `version` and `asks_for_keys` are the device's."""

    def __init__(self, version: int, asks_for_keys: int) -> None:
        self._version = version
        self._asks_left = asks_for_keys
        self._sync: set[int] = set()
        self._inputs: dict[int, bytearray] = {}

    def answer(self, word: bytes, arg0: int, arg1: int, data: bytes) -> list[Packet]:
        if word in (b"CNXN", b"AUTH"):
            if self._asks_left:
                self._asks_left -= 1
                return [Packet(b"AUTH", constants.AUTH_TOKEN, 0, bytes(range(20)))]
            return [Packet(b"CNXN", self._version, 1 << 18, BANNERS[0])]
        if word == b"OPEN":
            ready = Packet(b"OKAY", arg0 + 100, arg0)
            if data.startswith(b"sync:"):
                self._sync.add(arg0)
                self._inputs[arg0] = bytearray()
                return [ready]
            return [ready, *self._run(arg0, data)]
        if word == b"WRTE" and arg0 in self._sync:
            self._inputs[arg0] += data
            return [Packet(b"OKAY", arg1, arg0), *self._transfer(arg0)]
        if word == b"WRTE":
            return [Packet(b"OKAY", arg1, arg0)]
        return []

    def _run(self, stream: int, service: bytes) -> list[Packet]:
        """A command that prints `hello`, between the marks that it was given."""
        token = re.search(rb"harness-[0-9a-f]{16}", service)
        marks = token[0] if token else b"none"
        parts = [
            shell_packet(1, b"Welcome\n" + marks + b";"),
            shell_packet(2, marks + b":4242;"),
            shell_packet(1, b"hello\n"),
            shell_packet(2, marks + b":0;"),
        ]
        parts.append(shell_packet(3, b"\0"))
        return [*(Packet(b"WRTE", stream + 100, stream, part) for part in parts), self._end(stream)]

    def _transfer(self, stream: int) -> list[Packet]:
        request = bytes(self._inputs[stream])
        if request.startswith(b"RECV"):
            pieces = [struct.pack("<4sI", b"DATA", 4096) + CONTENT[at : at + 4096] for at in (0, 4096)]
            pieces.append(struct.pack("<4sI", b"DATA", len(CONTENT) - 8192) + CONTENT[8192:])
            pieces.append(struct.pack("<4sI", b"DONE", 0))
            return [Packet(b"WRTE", stream + 100, stream, b"".join(pieces[at : at + 2])) for at in (0, 2)]
        if request[-8:-4] == b"DONE":
            return [Packet(b"WRTE", stream + 100, stream, struct.pack("<4sI", b"OKAY", 0))]
        return []

    def _end(self, stream: int) -> Packet:
        return Packet(b"CLSE", stream + 100, stream)


def shell_packet(kind: int, body: bytes) -> bytes:
    return struct.pack("<BI", kind, len(body)) + body


class HostileLink:
    """A link to an adbd whose answers `chance` damages, with about `rate` damages for each answer."""

    name = "hostile:1"

    def __init__(self, chance: random.Random, rate: float) -> None:
        self._chance = chance
        self._rate = rate
        self._greets = chance.random() < 0.6  # then no answer is damaged before the greeting is over
        self._late: list[Packet] = []
        self._received = bytearray()
        self._to_read = bytearray()
        self._flood: Iterator[bytes] | None = None
        self._closed = True

    def connect(self, transport_timeout_s: float) -> None:
        self._adbd = Adbd(self._chance.choice((0x01000000, 0x01000001)), self._chance.choice((0, 0, 1, 2)))
        self._received.clear()
        self._to_read.clear()
        self._flood = None
        self._closed = False

    def close(self) -> None:
        self._closed = True

    def bulk_write(self, data: bytes, transport_timeout_s: float) -> int:
        self._check_open()
        self._received += data
        while len(self._received) >= constants.MESSAGE_SIZE:
            command, arg0, arg1, size, _, _ = struct.unpack_from(constants.MESSAGE_FORMAT, self._received)
            end = constants.MESSAGE_SIZE + size
            if len(self._received) < end:
                break
            body = bytes(self._received[constants.MESSAGE_SIZE : end])
            del self._received[:end]
            self._reply(self._adbd.answer(struct.pack("<I", command), arg0, arg1, body))
        return len(data)

    def bulk_read(self, numbytes: int, transport_timeout_s: float) -> bytes:
        self._check_open()
        if not self._to_read and self._flood:
            self._to_read += next(self._flood)
        if not self._to_read:
            raise TimedOut("the device is silent", device=self.name)
        size = self._chance.randint(1, numbytes) if self._chance.random() < 0.2 else numbytes
        data = bytes(self._to_read[:size])
        del self._to_read[:size]
        return data

    def _check_open(self) -> None:
        if self._closed:
            raise ConnectionLost("the connection is closed", device=self.name)

    def _reply(self, packets: list[Packet]) -> None:
        if self._late and self._chance.random() < 0.5:
            packets = [*packets, *self._late]
            self._late = []
        whole = self._greets and any(packet.word in (b"CNXN", b"AUTH") for packet in packets)
        while packets and not whole and self._chance.random() < self._rate:
            packets = self._damage(packets)
        wire = b"".join(packet.wire for packet in packets)
        if wire and not whole and self._chance.random() < self._rate / 4:
            wire = change_bytes(wire, self._chance, lambda content: self._chance.randrange(len(content)))
        self._to_read += wire

    def _damage(self, packets: list[Packet]) -> list[Packet]:
        """One change to an answer's packets."""
        chance, at = self._chance, self._chance.randrange(len(packets))
        packet, number = packets[at], chance.choice((*INTERESTING, chance.getrandbits(32)))
        changes: tuple[Callable[[], list[Packet]], ...] = (
            lambda: [],
            lambda: [packet, packet],
            lambda: [replace(packet, size=number)],
            lambda: [replace(packet, total=number)],
            lambda: [replace(packet, magic=number)],
            lambda: [replace(packet, word=chance.choice(WORDS))],
            lambda: [replace(packet, arg0=number)],
            lambda: [replace(packet, arg1=number)],
            lambda: [
                Packet(
                    chance.choice(WORDS), number, packet.arg1, chance.randbytes(chance.choice((0, 20, 99)))
                )
            ],
            lambda: [packet, Packet(chance.choice(WORDS), packet.arg0, packet.arg1)],
            lambda: [replace(packet, data=self._other_data(packet.data))],
            lambda: [packet] * chance.choice((2, 50)),
        )
        changed = chance.choice(changes)()
        if chance.random() < 0.05:
            self._late.append(packet)
        if chance.random() < 0.02:
            self._closed = True
        elif chance.random() < 0.02:
            self._flood = self._endless(packet)
        packets = [*packets[:at], *changed, *packets[at + 1 :]]
        if chance.random() < 0.1:
            chance.shuffle(packets)
        return packets

    def _other_data(self, data: bytes) -> bytes:
        """Bytes of a shell or sync packet with another kind, size or content."""
        chance = self._chance
        number = chance.choice(INTERESTING)
        return chance.choice(
            (
                b"",
                chance.randbytes(chance.choice((1, 4, 7, 8, 9, 5000))),
                struct.pack("<BI", chance.randrange(256), number) + data[5:],
                struct.pack("<4sI", chance.choice(SYNC_WORDS), number) + data[8:],
                struct.pack("<4sI", b"FAIL", 12) + b"no\x1b[2J\xff\xfe\nway",
                struct.pack("<4sI", b"DATA", 0) * 1000 + data,
                data + data[: chance.randrange(len(data) + 1)],
                data.replace(b":0;", b":%d;" % number),
                chance.choice(BANNERS),
                change_bytes(data, chance, lambda content: chance.randrange(len(content))) if data else b"",
            )
        )

    def _endless(self, packet: Packet) -> Iterator[bytes]:
        """The same packet for ever: as it is, or with much or little in it."""
        kind = self._chance.choice((packet, replace(packet, data=bytes(1 << 16)), replace(packet, data=b"")))
        wire = kind.wire
        while True:
            yield wire
