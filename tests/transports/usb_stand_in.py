"""What libusb shows of a phone, with the adbd of a TCP port behind it; strict about USB's own rules."""

import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import usb1
from adb_shell import constants
from adb_shell.adb_message import unpack

PACKET_SIZE = 512  # high speed
OUT, IN = 0x01, 0x81


@dataclass(frozen=True)
class Endpoint:
    address: int
    packet_size: int = PACKET_SIZE

    def getAddress(self) -> int:
        return self.address

    def getMaxPacketSize(self) -> int:
        return self.packet_size


class AdbInterface:
    def getClass(self) -> int:
        return 0xFF

    def getSubClass(self) -> int:
        return 0x42

    def getProtocol(self) -> int:
        return 0x01

    def getNumber(self) -> int:
        return 0

    def iterEndpoints(self) -> Iterator[Endpoint]:
        yield from (Endpoint(IN), Endpoint(OUT))


@dataclass
class StandIn:
    """A phone on its cable; `left_over` is what a former owner did not read any more."""

    serial: str
    port: int = 0
    left_over: bytes = b""
    held: bool = False
    forbidden: bool = False
    unplugged: bool = False
    # What a method raises.
    failures: dict[str, Exception] = field(default_factory=dict)
    interface: AdbInterface = field(default_factory=AdbInterface)

    def check(self, method: str) -> None:
        if method in self.failures:
            raise self.failures[method]

    def iterSettings(self) -> Iterator[AdbInterface]:
        self.check("iterSettings")
        yield self.interface

    def getSerialNumber(self) -> str:
        self.check("getSerialNumber")
        if self.forbidden:
            raise usb1.USBErrorAccess(-3)
        return self.serial

    def getProduct(self) -> str:
        self.check("getProduct")
        return "Stand In"

    def getBusNumber(self) -> int:
        return 1

    def getDeviceAddress(self) -> int:
        return 7

    def open(self) -> "Handle":
        self.check("open")
        return Handle(self)


@dataclass
class Context:
    """libusb's list of devices."""

    devices: list[StandIn] = field(default_factory=list)
    failure: Exception | None = None

    def getDeviceIterator(self, skip_on_error: bool) -> Iterator[StandIn]:
        yield from self.devices
        if self.failure:
            raise self.failure


class Handle:
    """Passes transfers on to adbd, and refuses what a phone's USB controller or adbd would not take."""

    def __init__(self, device: StandIn) -> None:
        self._device = device
        self._adbd: socket.socket | None = None
        self._arrived = bytearray()
        self._body_size: int | None = None
        self._packets = split(device.left_over)
        device.left_over = b""
        self._expected: list[int] = []

    def kernelDriverActive(self, number: int) -> bool:
        self._device.check("kernelDriverActive")
        return False

    def claimInterface(self, number: int) -> None:
        self._device.check("claimInterface")
        if self._device.held:
            raise usb1.USBErrorBusy(-6)
        self._device.held = True
        self._adbd = socket.create_connection(("127.0.0.1", self._device.port))

    def releaseInterface(self, number: int) -> None:
        if "releaseInterface" in self._device.failures:
            self.close()  # as libusb does with a handle that is not used any more
        self._device.check("releaseInterface")
        if self._adbd is None:
            raise usb1.USBErrorNotFound(-5)
        self._device.held = False

    def close(self) -> None:
        if self._adbd:
            self._adbd.close()

    def bulkWrite(self, endpoint: int, data: bytes, timeout: int) -> int:
        """A header, then its data if any, then an empty transfer if the data fill their last packet."""
        assert self._adbd
        self._device.check("bulkWrite")
        self._check_plugged()
        assert endpoint == OUT
        assert timeout > 0
        if self._expected:
            assert len(data) == self._expected.pop(0)
        else:
            assert len(data) == constants.MESSAGE_SIZE
            size = unpack(data)[3]
            self._expected = [size] if size else []
            if size and size % PACKET_SIZE == 0:
                self._expected.append(0)
        self._adbd.sendall(data)
        return len(data)

    def bulkRead(self, endpoint: int, length: int, timeout: int) -> bytes:
        """Packets until the buffer is full or one is short; a device ends no transfer with an empty one."""
        assert endpoint == IN
        self._device.check("bulkRead")
        assert timeout > 0
        deadline = time.monotonic() + timeout / 1000
        read = bytearray()
        while len(read) < length:
            self._check_plugged()
            if not self._packets and not self._receive(deadline - time.monotonic()):
                error = usb1.USBErrorTimeout(-7)
                error.received, error.transferred = bytes(read), len(read)
                raise error
            if not self._packets:
                continue
            packet = self._packets.pop(0)
            if len(read) + len(packet) > length:
                raise usb1.USBErrorOverflow(-8)
            read += packet
            if len(packet) < PACKET_SIZE:
                break
        return bytes(read)

    def _receive(self, timeout_s: float) -> bool:
        """More of adbd's bytes, as the packets of a header's transfer and of its data's; False: none."""
        assert self._adbd
        if not select.select([self._adbd], [], [], max(timeout_s, 0))[0]:
            return False
        arrived = self._adbd.recv(1 << 16)
        if not arrived:
            raise usb1.USBErrorNoDevice(-4)
        self._arrived += arrived
        while len(self._arrived) >= (wanted := self._body_size or constants.MESSAGE_SIZE):
            transfer = bytes(self._arrived[:wanted])
            del self._arrived[:wanted]
            self._body_size = None if self._body_size else unpack(transfer)[3] or None
            self._packets += split(transfer)
        return True

    def _check_plugged(self) -> None:
        if self._device.unplugged:
            raise usb1.USBErrorNoDevice(-4)


def split(transfer: bytes) -> list[bytes]:
    """A transfer as the packets on the wire."""
    return [transfer[start : start + PACKET_SIZE] for start in range(0, len(transfer), PACKET_SIZE)]
