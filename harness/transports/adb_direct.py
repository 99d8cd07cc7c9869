"""A device's adbd without Google's adb: over the network, or over USB where no adb server holds it."""

import contextlib
import math
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from adb_shell import constants

from harness.errors import ConnectionLost, DeviceError, DeviceUnfit, TimedOut, TransferFailed
from harness.system.processes import Completed
from harness.system.text import ending
from harness.transports.adb_keys import find_keys, load_signers
from harness.transports.adb_protocol import Connection
from harness.transports.adb_services import ShellOutput, SyncReader, stdin_packets, sync_request, sync_send
from harness.transports.adb_stream import Stream
from harness.transports.base import LONGEST_ANSWER, LONGEST_PULL, Transport
from harness.transports.remote_shell import END_S, FramedCommand, end_group
from harness.transports.tcp_link import TcpLink
from harness.transports.transfer import QUICK_S, check_placed, incoming, place_argv, source_size, too_long
from harness.transports.usb_link import UsbLink

# A slow card takes a second or two for a file's next MiB. When a device is silent for this long, one side's
# last packet was lost: its header was damaged on the way.
STALLED_S = 30.0


class AdbDirectTransport(Transport):
    """See `Transport`; without `key` the user's ADB keys are tried; one is made if the user has none."""

    name = "adb-direct"

    def __init__(
        self,
        link: TcpLink | UsbLink,
        *,
        key: Path | None = None,
        connect_timeout_s: float = 10,
        auth_timeout_s: float = 30,
    ) -> None:
        self._link = link
        self._device = link.name
        self._key = key
        self._connect_timeout_s = connect_timeout_s
        self._auth_timeout_s = auth_timeout_s
        self._connection: Connection | None = None
        self._worked = False

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
        longest_bytes: int = LONGEST_ANSWER,
    ) -> Completed:
        """See `Transport.run`."""
        command = FramedCommand.of(argv)
        output = ShellOutput(self._device, longest_bytes)
        max_data = self._connected().max_data
        deadline = time.monotonic() + timeout_s
        try:
            with self._stream(b"shell,v2,raw:" + os.fsencode(command.line), deadline) as stream:
                for packet in stdin_packets(stdin, max_data):
                    if not stream.write(packet, deadline):
                        break
                for data in stream.read(deadline):
                    output.feed(data)
        except TimedOut as error:
            end_group(self, command.process_group(bytes(output.stderr)))
            raise TimedOut(f"{argv[0]!r} did not end within {timeout_s:g} s", device=self._device) from error
        completed = command.completed(bytes(output.stdout), bytes(output.stderr))
        if completed is None:
            self.close()
            raise ConnectionLost("the connection broke before the command's end", device=self._device)
        return completed

    def push(self, source: Path, destination: str, *, mode: int = 0o644, timeout_s: float = 300) -> None:
        """See `Transport.push`."""
        size = source_size(source)
        partial = destination + ".partial"
        max_data = self._connected().max_data
        deadline = time.monotonic() + timeout_s
        with source.open("rb") as file, self._stream(b"sync:", deadline, STALLED_S) as stream:
            for piece in sync_send(file, partial, mode, max_data):
                # A device that refuses answers at once and discards the rest: stop, and read why.
                if not stream.write(piece, deadline) or stream.has_data:
                    break
            answer, body = SyncReader(stream, deadline).message()
            if answer != constants.OKAY:
                what = f"cannot push {source.name} to {destination}: {ending(body)}"
                raise TransferFailed(what, device=self._device)
        placed = self.run(place_argv(partial, destination, mode, size), timeout_s=QUICK_S)
        check_placed(placed, source, destination, self._device)

    def pull(
        self, source: str, destination: Path, *, timeout_s: float = 300, longest_bytes: int = LONGEST_PULL
    ) -> None:
        """See `Transport.pull`."""
        deadline = time.monotonic() + timeout_s
        with (
            incoming(destination, None, device=self._device) as partial,
            partial.open("wb") as file,
            self._stream(b"sync:", deadline, STALLED_S) as stream,
        ):
            stream.write(sync_request(constants.RECV, os.fsencode(source)), deadline)
            reader = SyncReader(stream, deadline)
            answer, body = reader.message()
            while answer == constants.DATA:
                if file.tell() + len(body) > longest_bytes:
                    raise too_long(source, longest_bytes, self._device)
                file.write(body)
                answer, body = reader.message()
            if answer != constants.DONE:
                raise TransferFailed(f"cannot pull {source}: {ending(body)}", device=self._device)

    def close(self) -> None:
        """See `Transport.close`."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        if self._connection is None:
            try:
                self._connection = self._connect()
            except DeviceError as error:
                if not self._worked:
                    raise
                # It spoke ADB and took the key before: this is the connection's fault, or passes.
                raise ConnectionLost(error.what, device=self._device, hint=error.hint) from error
            self._worked = True
        return self._connection

    def _connect(self) -> Connection:
        connection = Connection(
            self._link,
            self._device,
            load_signers((self._key,) if self._key else find_keys()),
            connect_timeout_s=self._connect_timeout_s,
            auth_timeout_s=self._auth_timeout_s,
        )
        if not connection.speaks_shell_v2:
            connection.close()
            raise DeviceUnfit(
                "the device's adbd does not report exit codes",
                device=self._device,
                hint="Android 7 or later is needed",
            )
        return connection

    @contextlib.contextmanager
    def _stream(
        self, service: bytes, deadline: float, longest_silence_s: float = math.inf
    ) -> Iterator[Stream]:
        """A stream; a refusal or a time-out leaves the connection open, any other error closes it."""
        try:
            stream = Stream(self._connected(), service, deadline, longest_silence_s)
        except BaseException:
            self.close()
            raise
        try:
            yield stream
            stream.close(deadline)
        except (TransferFailed, TimedOut):
            with contextlib.suppress(ConnectionLost):
                stream.close(time.monotonic() + END_S)
            raise
        except BaseException:
            self.close()
            raise
