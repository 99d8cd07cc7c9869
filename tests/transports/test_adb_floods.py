"""A device that sends without end: a deadline and a bound on this side end the call."""

import contextlib
import socket
import time
from collections.abc import Sequence

import pytest
from adb_peer import answer, peer, receive
from adb_shell import constants

from harness.errors import TimedOut, TooMuchOutput, TransportError
from harness.system.processes import Completed
from harness.transports.adb_protocol import Connection
from harness.transports.adb_services import ShellOutput
from harness.transports.adb_stream import Stream
from harness.transports.base import LONGEST_ANSWER
from harness.transports.local import LocalTransport
from harness.transports.reconnecting import BOOT_ID, ReconnectingTransport
from harness.transports.tcp_link import TcpLink
from harness.transports.verified import verified_argv


def flood(connection: socket.socket, command: bytes, data: bytes, local_id: int) -> None:
    with contextlib.suppress(OSError):
        while True:
            answer(connection, command, 7, local_id, data)


def greet(connection: socket.socket) -> None:
    receive(connection)
    banner = b"device::features=shell_v2\0"
    answer(connection, constants.CNXN, constants.VERSION, constants.MAX_ADB_DATA, banner)


def connect(port: int) -> Connection:
    return Connection(
        TcpLink("127.0.0.1", port), f"127.0.0.1:{port}", (), connect_timeout_s=1, auth_timeout_s=1
    )


def test_a_flood_of_packets_does_not_outlast_the_greetings_deadline() -> None:
    with peer(lambda connection: flood(connection, constants.OKAY, b"", 1)) as port:
        start = time.monotonic()
        with pytest.raises(TimedOut):
            connect(port)
        assert time.monotonic() - start < 5


def test_a_flood_of_another_streams_packets_does_not_outlast_a_commands_deadline() -> None:
    def behave(connection: socket.socket) -> None:
        greet(connection)
        flood(connection, constants.OKAY, b"", 0)

    with peer(behave) as port:
        connection = connect(port)
        start = time.monotonic()
        with pytest.raises(TimedOut, match="in time"):
            Stream(connection, b"shell,v2,raw:true", start + 1)
        assert time.monotonic() - start < 5
        connection.close()


def test_data_that_nobody_asked_for_is_bounded() -> None:
    def behave(connection: socket.socket) -> None:
        greet(connection)
        flood(connection, constants.WRTE, bytes(1 << 18), 1)

    with peer(behave) as port:
        connection = connect(port)
        with pytest.raises(TransportError, match="more than 64 MiB unasked"):
            Stream(connection, b"shell,v2,raw:true", time.monotonic() + 60)
        connection.close()


def test_a_commands_output_is_bounded() -> None:
    packet = ShellOutput.HEADER.pack(ShellOutput.STDOUT, 1 << 20) + bytes(1 << 20)
    with pytest.raises(TooMuchOutput, match="more than 1 MiB in answer to one command"):
        ShellOutput("phone").feed(packet)
    with pytest.raises(TooMuchOutput, match="more than 64 MiB"):
        ShellOutput("phone", 64 << 20).feed(packet * 66)


def test_a_device_that_floods_is_not_asked_again() -> None:
    asked = []

    class Floods(LocalTransport):
        def run(
            self,
            argv: Sequence[str],
            *,
            timeout_s: float,
            stdin: bytes = b"",
            longest_bytes: int = LONGEST_ANSWER,
        ) -> Completed:
            if tuple(argv) != verified_argv(BOOT_ID):
                asked.append(argv)
                argv = ["cat", "/dev/zero"]
            return super().run(argv, timeout_s=timeout_s, stdin=stdin, longest_bytes=longest_bytes)

    transport = ReconnectingTransport(Floods(), lambda text: None)
    with pytest.raises(TooMuchOutput, match="'cat' printed more than 1 MiB"):
        transport.run(["getprop"], timeout_s=60)
    assert len(asked) == 1
