"""Peers that speak ADB as far as a test wants, and then do something else."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from adb_shell import constants
from adb_shell.adb_message import AdbMessage

Behaviour = Callable[[socket.socket], object]


@contextmanager
def peer(behave: Behaviour) -> Iterator[int]:
    """A listener that treats each connection in its own way; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                behave(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def receive(connection: socket.socket) -> tuple[int, bytes]:
    """One packet of the client's: command and data."""
    header = connection.recv(constants.MESSAGE_SIZE, socket.MSG_WAITALL)
    command, _, _, size, _, _ = struct.unpack(constants.MESSAGE_FORMAT, header)
    return command, connection.recv(size, socket.MSG_WAITALL)


def answer(connection: socket.socket, command: bytes, arg0: int, arg1: int, data: bytes) -> None:
    message = AdbMessage(command, arg0, arg1, data)
    connection.sendall(message.pack() + data)


def wait_for_the_end(connection: socket.socket) -> None:
    # A client that closes without reading everything resets the connection.
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(1 << 16):
            pass


def ask_for_keys(connection: socket.socket) -> bytes:
    """Refuse every signature; the public key that is then offered."""
    while True:
        command, data = receive(connection)
        if command == constants.ID_TO_WIRE[constants.AUTH] and data.endswith(b"\0"):
            return data
        answer(connection, constants.AUTH, constants.AUTH_TOKEN, 0, bytes(20))


def speak_adb(connection: socket.socket) -> None:
    """Greet as a device without authentication does."""
    receive(connection)
    answer(connection, constants.CNXN, 0x01000001, 1 << 20, b"device::features=shell_v2\0")
