"""Each error of libusb at each call, as one sentence about the device."""

import importlib
import socket
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from usb_stand_in import IN, OUT, AdbInterface, Context, Endpoint, StandIn

from harness.errors import DeviceError, DeviceUnfit
from harness.transports.adb_direct import AdbDirectTransport
from harness.transports.adb_keys import make_key
from harness.transports.usb_link import UsbLink, list_usb_devices

try:
    import usb1
except OSError as missing:
    pytest.skip(f"libusb is not installed: {missing}", allow_module_level=True)

ERRORS = sorted(
    (kind for kind in vars(usb1).values() if isinstance(kind, type) and issubclass(kind, usb1.USBError)),
    key=lambda kind: kind.__name__,
)
CALLS = (
    *("iterSettings", "getSerialNumber", "open", "kernelDriverActive", "claimInterface"),
    *("bulkRead", "bulkWrite", "releaseInterface"),
)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("usb-key") / "adbkey"
    make_key(path)
    return path


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Context:
    try:
        usb_transport = importlib.import_module("adb_shell.transport.usb_transport")
    except OSError as error:
        pytest.skip(f"libusb is not installed: {error}")
    context = Context()
    monkeypatch.setattr(usb_transport.UsbTransport, "USB1_CTX", context)
    return context


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port on which connections are taken and nothing is said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def run(key: Path) -> DeviceError:
    transport = AdbDirectTransport(UsbLink("1A2B"), key=key, connect_timeout_s=0.2)
    with pytest.raises(DeviceError) as caught, warnings.catch_warnings(action="ignore"):
        transport.run(["true"], timeout_s=0.2)
    transport.close()
    assert "\n" not in caught.value.what
    return caught.value


@pytest.mark.parametrize("call", CALLS)
def test_every_error_of_libusb_is_one_of_the_devices(
    call: str, context: Context, silent_port: int, key: Path
) -> None:
    for kind in ERRORS:
        context.devices[:] = [StandIn("1A2B", silent_port, failures={call: kind(-1)})]
        error = run(key)
        assert error.hint or "USB" in error.what, kind


def test_an_error_while_devices_are_listed_is_told(context: Context, key: Path) -> None:
    context.failure = usb1.USBErrorIO(-1)
    assert "libusb cannot list the devices" in run(key).what
    with pytest.raises(DeviceUnfit, match="libusb cannot list the devices"):
        list_usb_devices()


NOT_ANSWERED, NOT_TEXT = usb1.USBErrorPipe(-9), UnicodeDecodeError("utf-16", b"", 0, 1, "cut")


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("iterSettings", NOT_ANSWERED),
        *((call, error) for call in ("getSerialNumber", "getProduct") for error in (NOT_ANSWERED, NOT_TEXT)),
    ],
)
def test_a_device_that_does_not_describe_itself_hides_no_other(
    call: str, error: Exception, context: Context
) -> None:
    context.devices[:] = [StandIn("bad", failures={call: error}), StandIn("good")]
    assert "usb:good" in [device.serial for device in list_usb_devices()]


class OneWay(AdbInterface):
    def __init__(self, *endpoints: int) -> None:
        self._endpoints = endpoints

    def iterEndpoints(self) -> Iterator[Endpoint]:
        yield from map(Endpoint, self._endpoints)


@pytest.mark.parametrize("endpoints", [(), (0x81,), (0x01,)])
def test_an_interface_without_both_directions_is_told(
    endpoints: tuple[int, ...], context: Context, key: Path
) -> None:
    context.devices.append(StandIn("1A2B", interface=OneWay(*endpoints)))
    assert "ADB interface is incomplete" in run(key).what


class NoPackets(AdbInterface):
    def iterEndpoints(self) -> Iterator[Endpoint]:
        yield from (Endpoint(address, packet_size=0) for address in (IN, OUT))


def test_packets_of_no_bytes_are_told(context: Context, key: Path) -> None:
    context.devices.append(StandIn("1A2B", interface=NoPackets()))
    assert "ADB interface is incomplete" in run(key).what
