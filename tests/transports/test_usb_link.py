"""ADB over USB without a server: libusb itself where nothing is attached, and a stand-in before a real adbd.

No phone was at hand; the stand-in knows USB's rules from AOSP's own client.
"""

import importlib
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from device_bench import Bench
from usb_stand_in import Context, StandIn

from chosen_system import WRITABLE
from harness.errors import ConnectionLost, DeviceUnfit, TimedOut
from harness.transports.adb_direct import AdbDirectTransport
from harness.transports.adb_keys import make_key
from harness.transports.usb_link import UsbLink, list_usb_devices

WITHOUT_LIBUSB = """
import ctypes
def refuse(name, *arguments, **options):
    raise OSError(f"{name}: cannot open shared object file")
ctypes.CDLL = refuse
from harness.transports.usb_link import UsbLink, list_usb_devices
assert list_usb_devices() == ()
UsbLink("1A2B").connect(1)
"""


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("usb-key") / "adbkey"
    make_key(path)
    return path


def import_usb_transport() -> ModuleType:
    """adb-shell's USB module; the test is skipped where libusb is missing, which the import opens."""
    try:
        return importlib.import_module("adb_shell.transport.usb_transport")
    except OSError as error:
        pytest.skip(f"libusb is not installed: {error}")


@pytest.fixture
def attached(monkeypatch: pytest.MonkeyPatch) -> list[StandIn]:
    """What is on this machine's USB; filled by the test."""
    usb_transport = import_usb_transport()
    context = Context()
    monkeypatch.setattr(usb_transport.UsbTransport, "USB1_CTX", context)
    return context.devices


def run_over_usb(serial: str, key: Path) -> None:
    AdbDirectTransport(UsbLink(serial), key=key).run(["true"], timeout_s=10)


def test_a_device_that_is_not_attached_is_told_by_libusb_itself(key: Path) -> None:
    import_usb_transport()
    with pytest.raises(ConnectionLost, match="no such device is attached over USB") as caught:
        run_over_usb("no-such-serial", key)
    assert "USB debugging is on" in caught.value.hint


def test_without_libusb_the_mend_is_to_install_it() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_LIBUSB], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "harness.errors.DeviceUnfit: ADB over USB without Google's adb needs libusb" in done.stderr


def test_a_device_that_a_server_holds_is_told(attached: list[StandIn], key: Path) -> None:
    attached.append(StandIn("1A2B", held=True))
    with pytest.raises(DeviceUnfit, match="another program uses the device") as caught:
        run_over_usb("1A2B", key)
    assert "adb kill-server" in caught.value.hint


def test_a_device_this_user_may_not_open_is_told(attached: list[StandIn], key: Path) -> None:
    attached.append(StandIn("1A2B", forbidden=True))
    with pytest.raises(DeviceUnfit, match="may not open the USB device") as caught:
        run_over_usb("1A2B", key)
    assert "udev" in caught.value.hint
    assert [(device.serial, device.state) for device in list_usb_devices()] == [("usb:1-7", "no permissions")]


def test_two_devices_must_be_told_apart(attached: list[StandIn], key: Path) -> None:
    attached += [StandIn("1A2B"), StandIn("3C4D")]
    assert [device.serial for device in list_usb_devices()] == ["usb:1A2B", "usb:3C4D"]
    with pytest.raises(DeviceUnfit, match="2 devices are attached over USB"):
        run_over_usb("", key)


# With a real adbd behind it ------------------------------------------------------------------------


@pytest.fixture
def phone(attached: list[StandIn], bench: Bench) -> StandIn:
    attached.append(StandIn("1A2B", bench.machine.adb_port))
    return attached[0]


@pytest.fixture
def transport(phone: StandIn, bench: Bench) -> AdbDirectTransport:
    return AdbDirectTransport(UsbLink("1A2B"), key=bench.machine.adb_key)


@pytest.mark.slow
@pytest.mark.device
def test_commands_run_and_the_interface_is_given_back(phone: StandIn, transport: AdbDirectTransport) -> None:
    completed = transport.run(["sh", "-c", "cat; echo e >&2; exit 42"], timeout_s=30, stdin=b"in")
    assert (completed.exit_code, completed.stdout, completed.stderr) == (42, b"in", b"e\n")
    assert phone.held
    transport.close()
    assert not phone.held


@pytest.mark.slow
@pytest.mark.device
# As data of the protocol's packets, some of these fill their last USB packet.
@pytest.mark.parametrize("size", [0, 504, 512, 65_528, 1_000_000])
def test_files_arrive_whole_both_ways(transport: AdbDirectTransport, tmp_path: Path, size: int) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(random.Random(size).randbytes(size))
    transport.push(source, f"{WRITABLE}/over-usb")
    transport.pull(f"{WRITABLE}/over-usb", back)
    transport.close()
    assert back.read_bytes() == source.read_bytes()


@pytest.mark.slow
@pytest.mark.device
@pytest.mark.parametrize("size", [483, 500_000])
def test_stdin_of_any_size_comes_back(transport: AdbDirectTransport, size: int) -> None:
    data = random.Random(size).randbytes(size)
    assert transport.run(["cat"], timeout_s=30, stdin=data).stdout == data
    transport.close()


@pytest.mark.slow
@pytest.mark.device
def test_the_connection_works_after_a_timeout(transport: AdbDirectTransport) -> None:
    with pytest.raises(TimedOut):
        transport.run(["sh", "-c", "echo begun; sleep 4321"], timeout_s=1)
    assert transport.run(["echo", "again"], timeout_s=30).stdout == b"again\n"
    transport.close()


@pytest.mark.slow
@pytest.mark.device
def test_what_a_former_owner_did_not_read_is_dropped(phone: StandIn, transport: AdbDirectTransport) -> None:
    phone.left_over = bytes(range(256)) * 9
    assert transport.run(["echo", "in"], timeout_s=30).stdout == b"in\n"
    transport.close()


@pytest.mark.slow
@pytest.mark.device
def test_a_pulled_cable_is_a_lost_connection(phone: StandIn, transport: AdbDirectTransport) -> None:
    transport.run(["true"], timeout_s=30).check()
    phone.unplugged = True
    with pytest.raises(ConnectionLost, match="USB connection broke"):
        transport.run(["true"], timeout_s=30)
    phone.unplugged = False
    assert transport.run(["echo", "again"], timeout_s=30).stdout == b"again\n"
    transport.close()
