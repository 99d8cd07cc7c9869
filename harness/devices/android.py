"""Android phones and anything else that answers ADB."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.devices.device import Device, describe
from harness.devices.reconnection import ReconnectingTransport
from harness.devices.target import Target
from harness.transports.adb import AdbTransport
from harness.transports.adb_direct import AdbDirectTransport
from harness.transports.base import Transport

# The one folder from which Android's shell user may execute.
FOLDER = "/data/local/tmp/harness"
DEFAULT_ADB_PORT = 5555


@contextmanager
def open_android(target: Target, tell: Callable[[str], None]) -> Iterator[Device]:
    """Yield a device reached through Google's adb, or directly where `target.transport` says so."""

    def connect() -> Transport:
        return ReconnectingTransport(_connect(target), tell)

    transport = connect()
    folder = target.folder or FOLDER
    try:
        info, free_bytes = describe(transport, name=target.name, kind="android", folder=folder)
        yield Device(info, transport, folder, connect, target.launcher, free_bytes=free_bytes)
    finally:
        transport.close()


def _connect(target: Target) -> Transport:
    if target.transport == "adb-direct":
        host, _, port = target.address.rpartition(":")
        return AdbDirectTransport(host or target.address, int(port) if host else DEFAULT_ADB_PORT)
    return AdbTransport(target.address)
