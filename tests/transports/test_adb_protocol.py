"""Sums over packets, which only the first version of the protocol checks, and sizes that a device takes."""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from adb_peer import peer, wait_for_the_end
from adb_shell import constants

from harness.errors import ConnectionLost, DeviceUnfit
from harness.transports.adb_protocol import Connection
from harness.transports.adb_stream import Stream
from harness.transports.tcp_link import TcpLink

FIRST, LATER = 0x01000000, 0x01000001
BANNER = b"device::features=shell_v2\0"


def receive_packet(connection: socket.socket) -> tuple[bytes, int]:
    """The client's next packet: its data, and the sum in its header."""
    header = connection.recv(constants.MESSAGE_SIZE, socket.MSG_WAITALL)
    _, _, _, size, total, _ = struct.unpack(constants.MESSAGE_FORMAT, header)
    return connection.recv(size, socket.MSG_WAITALL), total


def send_packet(
    connection: socket.socket, name: bytes, arg0: int, arg1: int, data: bytes, total: int
) -> None:
    command = struct.unpack("<I", name)[0]
    header = struct.pack(
        constants.MESSAGE_FORMAT, command, arg0, arg1, len(data), total, command ^ 0xFFFFFFFF
    )
    connection.sendall(header + data)


@contextmanager
def device(
    version: int, *, greeting_error: int = 0, later_sum: int | None = None, max_data: int = 1 << 18
) -> Iterator[tuple[Connection, list[int]]]:
    """A connection to a device that opens one stream and writes `hello`; and the sums that arrive there."""
    sums: list[int] = []

    def behave(connection: socket.socket) -> None:
        sums.append(receive_packet(connection)[1])
        total = sum(BANNER) + greeting_error if version == FIRST else greeting_error
        send_packet(connection, b"CNXN", version, max_data, BANNER, total)
        if greeting_error == 0:
            sums.append(receive_packet(connection)[1])
            send_packet(connection, b"OKAY", 7, 1, b"", 0)
            send_packet(
                connection, b"WRTE", 7, 1, b"hello", sum(b"hello") if later_sum is None else later_sum
            )
        wait_for_the_end(connection)

    with peer(behave) as port:
        link = TcpLink("127.0.0.1", port)
        try:
            yield Connection(link, "phone", (), connect_timeout_s=5, auth_timeout_s=5), sums
        finally:
            link.close()


def read_hello(connection: Connection) -> bytes:
    deadline = time.monotonic() + 5
    return next(Stream(connection, b"shell,v2,raw:true", deadline).read(deadline))


def test_a_device_of_the_first_version_gets_sums_and_its_own_are_checked() -> None:
    with device(FIRST) as (connection, sums):
        assert read_hello(connection) == b"hello"
    assert sums[1] == sum(b"shell,v2,raw:true\0")
    with device(FIRST, later_sum=0) as (connection, _), pytest.raises(ConnectionLost, match="arrive damaged"):
        read_hello(connection)


def test_a_greeting_of_the_first_version_with_a_wrong_sum_is_damaged() -> None:
    with pytest.raises(ConnectionLost, match="arrive damaged"), device(FIRST, greeting_error=1):
        pass


@pytest.mark.parametrize("later_sum", [0, 12345])
def test_a_device_of_a_later_version_gets_no_sums_and_its_own_mean_nothing(later_sum: int) -> None:
    with device(LATER, later_sum=later_sum) as (connection, sums):
        assert read_hello(connection) == b"hello"
    assert sums[1] == 0


def test_the_first_packet_has_a_sum_because_the_version_is_not_known_yet() -> None:
    with device(LATER) as (connection, sums):
        read_hello(connection)
    assert sums[0] == sum(b"host::features=shell_v2\0")


def test_a_command_longer_than_the_device_takes_is_told() -> None:
    with device(LATER, max_data=4096) as (connection, _):
        service = b"shell,v2,raw:" + b"x" * 5000
        with pytest.raises(DeviceUnfit, match=f"commands of at most 4096 bytes, not {len(service)}"):
            Stream(connection, service, time.monotonic() + 5)
        assert read_hello(connection) == b"hello"
