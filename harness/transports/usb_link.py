"""A USB cable under adb-shell's seam for transports, where no adb server holds the device.

Tested on a stand-in for the device that ends in a real adbd, never on a phone.
"""

import contextlib
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from adb_shell import constants
from adb_shell.exceptions import UsbReadFailedError, UsbWriteFailedError
from adb_shell.transport.base_transport import BaseTransport

from harness.errors import ConnectionLost, DeviceError, DeviceUnfit, TimedOut
from harness.transports.adb import AttachedDevice
from harness.transports.adb_failures import UDEV_RULE

DRAIN_S = 0.05
INTO_THE_HOST = 0x80  # of an endpoint's address, USB 2.0, table 9-13


class UsbLink(BaseTransport):  # type: ignore[misc]
    """The ADB interface of one USB device; `serial` is empty when only one device can be meant.

    A packet's header is one transfer and its data another; a transfer that fills its last USB packet is ended
    by an empty one. The device does not send empty ones, so reads ask for the missing bytes and no more. The
    interface has one owner: a second connection, by which Ctrl-C ends a job, is refused.
    https://android.googlesource.com/platform/packages/modules/adb/+/refs/heads/main/client/usb_linux.cpp
    """

    def __init__(self, serial: str = "") -> None:
        self.name = f"usb:{serial}"
        self._serial = serial
        self._usb: Any = None
        self._packet_size = 0

    def connect(self, transport_timeout_s: float) -> None:
        """Claim the interface, and discard what the device still sends to the previous owner.

        Raises:
            ConnectionLost: no such device is attached.
            DeviceUnfit: libusb is missing, another program has the device, or this user may not open it.
        """
        transports = _adb_shell()
        device, setting = self._find()
        try:
            self._packet_size = _packet_size(setting, self.name)
            self._usb = transports.UsbTransport(device, setting, self._serial)
            self._usb.connect(transport_timeout_s)
        # TypeError: adb-shell 0.4.4 warns wrongly of a kernel driver that is not there any more.
        except (transports.usb1.USBError, TypeError) as error:
            self.close()
            raise _refusal(error, self.name) from error
        deadline = time.monotonic() + transport_timeout_s
        with contextlib.suppress(TimedOut):
            while time.monotonic() < deadline:
                self.bulk_read(self._packet_size, DRAIN_S)

    def bulk_read(self, numbytes: int, transport_timeout_s: float) -> bytes:
        """Some bytes of one transfer, at least one.

        Raises:
            TimedOut: none came in time.
            ConnectionLost: the cable was pulled, or the device sent more than one packet's rest.
        """
        deadline = time.monotonic() + transport_timeout_s
        while True:
            try:
                data: bytes = self._open().bulk_read(numbytes, max(deadline - time.monotonic(), 0.001))
            except UsbReadFailedError as error:
                data = bytes(getattr(error.usb_error, "received", b""))
                if not data:
                    raise self._lost(error.usb_error) from error
            if data:
                return data

    def bulk_write(self, data: bytes, transport_timeout_s: float) -> int:
        """Send one whole ADB packet.

        Raises:
            ConnectionLost: the cable was pulled, or the device does not take the packet in time.
        """
        deadline = time.monotonic() + transport_timeout_s
        body = data[constants.MESSAGE_SIZE :]
        transfers = [data[: constants.MESSAGE_SIZE]] + ([body] if body else [])
        if body and len(body) % self._packet_size == 0:
            transfers.append(b"")
        for transfer in transfers:
            try:
                sent = self._open().bulk_write(transfer, max(deadline - time.monotonic(), 0.001))
            except UsbWriteFailedError as error:
                # adb-shell 0.4.4 keeps libusb's own error for reads alone.
                reason = error.__context__ or error
                raise ConnectionLost(f"the USB connection broke: {reason}", device=self.name) from error
            if sent != len(transfer):
                raise ConnectionLost("the device takes no more bytes", device=self.name)
        return len(data)

    def close(self) -> None:
        """Give the interface back; closing twice is harmless."""
        if self._usb:
            self._usb.close()
            self._usb = None

    def _open(self) -> Any:
        if not self._usb:
            raise ConnectionLost("the USB connection is closed", device=self.name)
        return self._usb

    def _find(self) -> tuple[Any, Any]:
        """The one device that is meant, and its ADB interface."""
        usb_error = _adb_shell().usb1.USBError
        found, refused = [], None
        for device, setting in _interfaces():
            try:
                if self._serial in ("", device.getSerialNumber()):
                    found.append((device, setting))
            except ValueError:  # a serial that is not UTF-16 is not a name
                continue
            except usb_error as error:
                refused = error
        if len(found) == 1:
            return found[0]
        if found:
            raise DeviceUnfit(
                f"{len(found)} devices are attached over USB",
                device=self.name,
                hint="name one as usb:SERIAL; the device's settings or `lsusb -v` show the serial",
            )
        if refused:
            raise _refusal(refused, self.name) from refused
        raise ConnectionLost(
            "no such device is attached over USB",
            device=self.name,
            hint="check the cable, and that USB debugging is on",
        )

    def _lost(self, usb_error: Exception | None) -> DeviceError:
        if isinstance(usb_error, _adb_shell().usb1.USBErrorTimeout):
            return TimedOut("the device is silent", device=self.name)
        return ConnectionLost(f"the USB connection broke: {usb_error}", device=self.name)


def list_usb_devices() -> tuple[AttachedDevice, ...]:
    """The attached devices that offer ADB; their serials are addresses, `usb:SERIAL`. None without libusb."""
    try:
        usb_error = _adb_shell().usb1.USBError
    except DeviceUnfit:
        return ()
    listed = []
    for device, _ in _interfaces():
        try:
            serial, state, model = device.getSerialNumber(), "device", device.getProduct()
        except (usb_error, ValueError):  # ValueError: a text that is not UTF-16
            place = f"{device.getBusNumber()}-{device.getDeviceAddress()}"
            serial, state, model = place, "no permissions", None
        listed.append(AttachedDevice(f"usb:{serial}", state, model and model.replace(" ", "_"), None, None))
    return tuple(listed)


def _interfaces() -> Iterator[tuple[Any, Any]]:
    """Every attached device with an ADB interface, and that interface."""
    transports = _adb_shell()
    adb_interface = transports.interface_matcher(transports.CLASS, transports.SUBCLASS, transports.PROTOCOL)
    devices = transports.UsbTransport.USB1_CTX.getDeviceIterator(skip_on_error=True)
    while True:
        try:
            device = next(devices, None)
        except transports.usb1.USBError as error:
            raise DeviceUnfit(
                f"libusb cannot list the devices: {error}", hint="check /dev/bus/usb, or use Google's adb"
            ) from error
        if device is None:
            return
        with contextlib.suppress(transports.usb1.USBError):  # a device that is just being unplugged
            if setting := adb_interface(device):
                yield device, setting


def _packet_size(setting: Any, name: str) -> int:
    """The size of the interface's packets; adb-shell asserts that data can go both ways."""
    endpoints = list(setting.iterEndpoints())
    directions = {endpoint.getAddress() & INTO_THE_HOST for endpoint in endpoints}
    size = max((int(endpoint.getMaxPacketSize()) for endpoint in endpoints), default=0)
    if directions != {0, INTO_THE_HOST} or size < 1:
        raise DeviceUnfit(
            "the device's ADB interface is incomplete", device=name, hint="replug the device, or restart it"
        )
    return size


def _adb_shell() -> ModuleType:
    """adb-shell's USB module, which opens libusb as it is imported."""
    try:
        import usb1
        from adb_shell.transport import usb_transport
    except (ImportError, OSError) as error:
        raise DeviceUnfit(
            f"ADB over USB without Google's adb needs libusb: {error}",
            hint="install it (Debian: apt install libusb-1.0-0), or install Google's adb",
        ) from error
    except usb1.USBError as error:
        raise DeviceUnfit(f"libusb does not start: {error}", hint="install Google's adb") from error
    module: ModuleType = usb_transport
    return module


def _refusal(error: Exception, name: str) -> DeviceError:
    usb1 = _adb_shell().usb1
    if isinstance(error, usb1.USBErrorBusy):
        return DeviceUnfit(
            "another program uses the device, most likely an adb server",
            device=name,
            hint='end the server with `adb kill-server`, or use the server itself (transport = "adb")',
        )
    if isinstance(error, usb1.USBErrorAccess):
        return DeviceUnfit("this user may not open the USB device", device=name, hint=UDEV_RULE)
    return ConnectionLost(f"the USB device cannot be opened: {error}", device=name)
