"""The kind `android`: phones and anything else that answers ADB."""

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from harness.devices.device import Device, describe
from harness.devices.device_kind import Check, DeviceKind, Program
from harness.devices.target import ADDRESS_PATTERN, USB, Target
from harness.errors import DeviceUnfit, UsageError
from harness.system.text import printable
from harness.transports.adb import AdbTransport, AttachedDevice, find_adb, list_devices
from harness.transports.adb_direct import AdbDirectTransport
from harness.transports.adb_failures import ACCEPT_KEY, UDEV_RULE
from harness.transports.base import Transport
from harness.transports.reconnecting import ReconnectingTransport
from harness.transports.tcp_link import TcpLink, parse_endpoint
from harness.transports.usb_link import UsbLink, list_usb_devices

# The one folder from which Android's shell user may execute.
FOLDER = "/data/local/tmp/harness"
COMMAND_TIMEOUT_S = 30
# `dumpsys power` has some hundred kilobytes on a phone with many wake locks.
LONGEST_DUMP = 16 << 20
ADB = Program("adb", "adb", "phones over USB and Wi-Fi pairing need", transports=("adb",), find=find_adb)

# What `adb devices` shows instead of "device".
_STATES = {
    "unauthorized": ("the device has not accepted this computer's key", ACCEPT_KEY),
    "authorizing": ("the device is asking its user about this computer's key", ACCEPT_KEY),
    "connecting": ("the device is still connecting", "wait a moment and try again"),
    "offline": (
        "the device is offline",
        "replug it, or switch USB debugging off and on; then `adb reconnect`",
    ),
    "detached": (
        "another program uses the device, so adb has released it",
        "adb -s {serial} attach; or end the other program",
    ),
    "recovery": ("the device is in recovery mode", "adb -s {serial} reboot"),
    "rescue": ("the device is in rescue mode", "adb -s {serial} reboot"),
    "sideload": ("the device is waiting for a sideloaded update", "adb -s {serial} reboot"),
    "bootloader": ("the device is in its bootloader", "fastboot -s {serial} reboot"),
    "no permissions": ("this user may not open the USB device", UDEV_RULE),
}


# Finding ------------------------------------------------------------------------------------------


def attached() -> tuple[AttachedDevice, ...]:
    """The devices that Google's adb lists now; when it is not installed, those that offer ADB over USB.

    Models are made printable. A serial is needed unchanged: a device with an unprintable one is left out.
    """
    return tuple(
        replace(device, model=printable(device.model) if device.model else None)
        for device in (list_devices() if find_adb() else list_usb_devices())
        if printable(device.serial) == device.serial
    )


def target_of(device: AttachedDevice, name: str = "") -> Target:
    """An attached device as a target, by its model unless it has another name."""
    transport = "adb-direct" if USB.match(device.serial) else "adb"
    return Target(name or device.model or device.serial, "android", transport, device.serial)


def parse_address(name: str) -> Target | None:
    """The device of an address that needs no adb: `usb:SERIAL`, `HOST:PORT` or `[IPV6]:PORT`."""
    if not re.fullmatch(ADDRESS_PATTERN, name) or not (USB.match(name) or re.search(r":[0-9]+\Z", name)):
        return None
    if not USB.match(name):
        try:
            parse_endpoint(name)
        except UsageError:
            return None
    return Target(name=name, kind="android", transport="adb-direct", address=name)


def check_state(device: AttachedDevice) -> None:
    """Refuse an attached device that cannot be used as it is.

    Raises:
        DeviceUnfit: the device's state, with a hint how to change it.
    """
    if device.state == "device":
        return
    unknown = (f"adb reports the device's state as {device.state!r}", "replug it, and see `adb devices -l`")
    what, hint = _STATES.get(device.state, unknown)
    raise DeviceUnfit(what, device=device.serial, hint=hint.format(serial=shlex.quote(device.serial)))


def check_attached(target: Target) -> None:
    """Refuse a device that adb lists in a state in which it cannot be used, and an address that is none.

    Raises:
        DeviceUnfit: the device's state, with a hint how to change it.
        UsageError: `devices.toml` has an address to which nothing can be connected directly.
    """
    if target.transport == "adb-direct" and not USB.match(target.address):
        parse_endpoint(target.address)
    if target.transport == "adb":
        for device in attached():
            if device.serial == target.address:
                check_state(device)


# Opening ------------------------------------------------------------------------------------------


@contextmanager
def open_android(target: Target, log: Callable[[str], None]) -> Iterator[Device]:
    """Yield a device reached through Google's adb, or directly where `target.transport` is `adb-direct`."""

    def connect() -> Transport:
        return ReconnectingTransport(_connect(target), log)

    transport = connect()
    folder = target.folder or FOLDER
    try:
        info, free_bytes = describe(transport, name=target.name, kind=ANDROID.name, folder=folder)
        yield Device(info, transport, folder, connect, target.launcher, free_bytes=free_bytes)
    finally:
        transport.close()


def _connect(target: Target) -> Transport:
    if target.transport == "adb":
        return AdbTransport(target.address)
    if USB.match(target.address):
        return AdbDirectTransport(UsbLink(target.address.partition(":")[2]))
    return AdbDirectTransport(TcpLink(*parse_endpoint(target.address)))


# The doctor's checks ------------------------------------------------------------------------------


def examine_android(device: Device) -> Iterator[Check]:
    """Check screen and power saving; a fact that a version of Android does not report is left out."""
    power, device_idle = (_answer(device, "dumpsys", name) for name in ("power", "deviceidle"))
    yield from screen_checks(power, device_idle)
    yield from power_saving_checks(_answer(device, "settings", "get", "global", "low_power"))


def screen_checks(power: str, device_idle: str) -> Iterator[Check]:
    """From `dumpsys power` and `dumpsys deviceidle`: a sleeping phone parks its big cores."""
    # Samsung prints the function's name (flutter/flutter#98146).
    awake = re.search(r"^\s*(?:mWakefulness|getWakefulnessLocked\(\))=(\w+)", power, re.MULTILINE)
    if awake and awake[1] != "Awake":
        fix = "adb shell input keyevent KEYCODE_WAKEUP; adb shell svc power stayon usb"
        yield ("screen", "unfit", f"the device is {awake[1].lower()}: sleeping phones slow down", fix)
    elif awake:
        yield ("screen", "ok", "awake", "")
    locked = re.search(r"^\s*mScreenLocked=(true|false)", device_idle, re.MULTILINE)
    if locked and locked[1] == "true":
        fix = "unlock the screen and keep it on: adb shell svc power stayon usb"
        yield ("lock screen", "advice", "the screen is locked", fix)


def power_saving_checks(low_power: str) -> Iterator[Check]:
    """From the global setting `low_power`: battery saver caps the cores."""
    if low_power.strip() == "1":
        yield (
            "battery saver",
            "unfit",
            "on: it caps the cores",
            "adb shell settings put global low_power 0",
        )
    elif low_power.strip() in ("0", "null"):
        yield ("battery saver", "ok", "off", "")


def _answer(device: Device, *argv: str) -> str:
    """What a program prints; empty when there is none or it fails."""
    answer = device.transport.run(argv, timeout_s=COMMAND_TIMEOUT_S, longest_bytes=LONGEST_DUMP)
    return answer.text if answer.exit_code == 0 else ""


ANDROID = DeviceKind(
    name="android",
    runs_on_host=False,
    open=open_android,
    check=check_attached,
    parse=parse_address,
    transports=("adb", "adb-direct"),
    has_dumpsys=True,
    programs=(ADB,),
    examine=examine_android,
    governor_fix="adb shell cmd power set-fixed-performance-mode-enabled true (Android 11 and later)",
    counters_fix="adb shell setprop security.perf_harden 0",
)
