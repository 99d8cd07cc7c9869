"""The protocols of adbd's shell and file services.

https://android.googlesource.com/platform/packages/modules/adb/+/refs/heads/main/shell_protocol.h
https://android.googlesource.com/platform/packages/modules/adb/+/refs/heads/main/SYNC.TXT
"""

import os
import struct
import time
from collections.abc import Iterator
from typing import IO

from adb_shell import constants

from harness.errors import ConnectionLost, TooMuchOutput, TransportError
from harness.system.processes import byte_size
from harness.transports.adb_stream import Stream
from harness.transports.base import LONGEST_ANSWER

REGULAR_FILE = 0o100000


class ShellOutput:
    """Reads adbd's shell protocol: packets of `[id u8][length u32][bytes]`, cut anywhere."""

    STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = range(5)
    HEADER = struct.Struct("<BI")

    def __init__(self, device: str = "", longest_bytes: int = LONGEST_ANSWER) -> None:
        self._device = device
        # The packets' headers and the marks around the command's output count, too.
        self._longest_bytes = longest_bytes
        self.stdout = bytearray()
        self.stderr = bytearray()
        self._pending = bytearray()

    def feed(self, data: bytes) -> None:
        """Sort the next bytes into stdout and stderr.

        Raises:
            TooMuchOutput: more than `longest_bytes` in all.
        """
        self._pending += data
        if len(self.stdout) + len(self.stderr) + len(self._pending) > self._longest_bytes:
            raise TooMuchOutput(
                f"the device printed more than {byte_size(self._longest_bytes)} in answer to one command",
                device=self._device,
            )
        while len(self._pending) >= self.HEADER.size:
            kind, size = self.HEADER.unpack_from(self._pending)
            end = self.HEADER.size + size
            if len(self._pending) < end:
                return
            body = memoryview(self._pending)[self.HEADER.size : end]
            if kind == self.STDOUT:
                self.stdout += body
            elif kind == self.STDERR:
                self.stderr += body
            body.release()
            del self._pending[:end]


def stdin_packets(stdin: bytes, max_data: int) -> Iterator[bytes]:
    """A command's input in adbd's shell protocol, and its end."""
    size = max_data - ShellOutput.HEADER.size
    for start in range(0, len(stdin), size):
        piece = stdin[start : start + size]
        yield ShellOutput.HEADER.pack(ShellOutput.STDIN, len(piece)) + piece
    yield ShellOutput.HEADER.pack(ShellOutput.CLOSE_STDIN, 0)


def sync_send(file: IO[bytes], path: str, mode: int, max_data: int) -> Iterator[bytes]:
    """A file in adbd's sync protocol, in pieces that each fill a packet."""
    name = os.fsencode(f"{path},{REGULAR_FILE | mode}")
    yield sync_request(constants.SEND, name)
    size = min(constants.MAX_CHUNK_SIZE, max_data - SyncReader.HEADER.size)
    chunks = max_data // (size + SyncReader.HEADER.size)
    while data := file.read(size * chunks):
        pieces = (data[start : start + size] for start in range(0, len(data), size))
        yield b"".join(SyncReader.HEADER.pack(constants.DATA, len(piece)) + piece for piece in pieces)
    yield SyncReader.HEADER.pack(constants.DONE, int(time.time()))


def sync_request(command: bytes, argument: bytes) -> bytes:
    """What starts a transfer."""
    return SyncReader.HEADER.pack(command, len(argument)) + argument


class SyncReader:
    """Reads the answers of adbd's sync protocol: `[id 4 bytes][length u32][bytes]`, cut anywhere."""

    HEADER = struct.Struct("<4sI")
    LONGEST = 1 << 20

    def __init__(self, stream: Stream, deadline: float) -> None:
        self._device = stream.device
        self._arriving = stream.read(deadline)
        self._pending = bytearray()

    def message(self) -> tuple[bytes, bytes]:
        """The next answer's id and bytes.

        Raises:
            ConnectionLost: the device ended the stream in the middle.
            TransportError: it is not an answer of this protocol.
        """
        answer, size = self.HEADER.unpack(self._exactly(self.HEADER.size))
        if (
            answer not in (constants.DATA, constants.DONE, constants.OKAY, constants.FAIL)
            or size > self.LONGEST
        ):
            raise TransportError(
                f"not an answer of adbd's file service: {answer!r}, {size} bytes", device=self._device
            )
        return answer, self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        while len(self._pending) < size:
            arrived = next(self._arriving, None)
            if arrived is None:
                raise ConnectionLost("the device ended the transfer early", device=self._device)
            self._pending += arrived
        data = bytes(memoryview(self._pending)[:size])
        del self._pending[:size]
        return data
