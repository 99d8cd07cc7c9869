"""Android phones and anything else that answers ADB."""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.devices.device import Device, describe
from harness.devices.target import Target
from harness.errors import DeviceUnfit
from harness.transports.adb import AdbTransport, AttachedDevice
from harness.transports.adb_direct import AdbDirectTransport
from harness.transports.base import Transport
from harness.transports.reconnecting import ReconnectingTransport
from harness.transports.tcp_link import TcpLink
from harness.transports.usb_link import UsbLink

# The one folder from which Android's shell user may execute.
FOLDER = "/data/local/tmp/harness"
DEFAULT_ADB_PORT = 5555

# What `adb devices` may say instead of "device".
_UNAUTHORIZED = "unlock it and answer 'Allow USB debugging?' with 'Always allow'"
_STATES = {
    "unauthorized": ("it has not accepted this computer's key", _UNAUTHORIZED),
    "authorizing": ("it is asking about this computer's key", _UNAUTHORIZED),
    "connecting": ("it is still connecting", "wait a moment and try again"),
    "offline": ("it is offline", "replug it, or switch USB debugging off and on; then `adb reconnect`"),
    "recovery": ("it is in recovery mode", "adb -s {serial} reboot"),
    "rescue": ("it is in rescue mode", "adb -s {serial} reboot"),
    "sideload": ("it waits for an update to be sideloaded", "adb -s {serial} reboot"),
    "bootloader": ("it is in its bootloader", "fastboot -s {serial} reboot"),
    "no permissions": (
        "this user may not open the USB device",
        "add the device's udev rule (Debian: apt install android-sdk-platform-tools-common) and replug it",
    ),
}


def check_state(device: AttachedDevice) -> None:
    """Refuse an attached device that cannot be used as it is.

    Raises:
        DeviceUnfit: with what to do about its state.
    """
    if device.state == "device":
        return
    unknown = (f"adb says {device.state!r} of it", "replug it, and see `adb devices -l`")
    what, hint = _STATES.get(device.state, unknown)
    raise DeviceUnfit(what, device=device.serial, hint=hint.format(serial=shlex.quote(device.serial)))


@contextmanager
def open_android(target: Target, log: Callable[[str], None]) -> Iterator[Device]:
    """Yield a device reached through Google's adb, or directly where `target.transport` says so."""

    def connect() -> Transport:
        return ReconnectingTransport(_connect(target), log)

    transport = connect()
    folder = target.folder or FOLDER
    try:
        info, free_bytes = describe(transport, name=target.name, kind="android", folder=folder)
        yield Device(info, transport, folder, connect, target.launcher, free_bytes=free_bytes)
    finally:
        transport.close()


def _connect(target: Target) -> Transport:
    if target.transport == "adb":
        return AdbTransport(target.address)
    host, _, port = target.address.rpartition(":")
    if host == "usb" or target.address == "usb":
        return AdbDirectTransport(UsbLink(port))
    return AdbDirectTransport(TcpLink(host or target.address, int(port) if host else DEFAULT_ADB_PORT))
