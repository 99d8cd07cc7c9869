"""What Google's adb says, and what its server does with devices that are no good."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from device_bench import Bench, adb_server
from hypothesis import given
from hypothesis import strategies as st
from shaped_proxy import ShapedProxy

from harness.devices.android import check_state
from harness.errors import (
    ConnectionLost,
    DeviceError,
    DeviceUnfit,
    HarnessError,
    TimedOut,
    TransferFailed,
    TransportError,
)
from harness.system.processes import Completed
from harness.transports.adb import AdbTransport, AttachedDevice, connect, list_devices, parse_devices
from harness.transports.adb_failures import early_end, transfer_failure
from harness.transports.base import Transport


def find(serial: str, environment: Mapping[str, str]) -> AttachedDevice:
    """The device as the server lists it."""
    (found,) = (device for device in list_devices(env=environment) if device.serial == serial)
    return found


needs_adb = pytest.mark.skipif(shutil.which("adb") is None, reason="Google's adb is not installed")

LISTING = """\
List of devices attached
0A041FDD4003BW         device usb:1-2 product:redfin model:Pixel_5 device:redfin transport_id:1
emulator-5554          device product:sdk_gphone64_x86_64 model:sdk_gphone64 device:emu64x transport_id:2
192.168.1.5:5555       offline product:rpi model:Pi device:pi transport_id:3
R58M                   unauthorized usb:1-3 transport_id:4
adb-12345-AbCdEf (2)._adb-tls-connect._tcp device product:a model:b device:c transport_id:5
0123456789ABCDEF       no permissions (user in plugdev group; are your udev rules wrong?); see \
[http://developer.android.com/tools/device.html] usb:1-4 transport_id:7
10.0.0.2:5555          recovery transport_id:8

"""


def test_the_list_of_devices_is_read() -> None:
    devices = parse_devices(LISTING)
    assert devices[0] == AttachedDevice("0A041FDD4003BW", "device", "Pixel_5", "redfin", 1)
    assert [device.state for device in devices] == [
        *("device", "device", "offline", "unauthorized", "device", "no permissions", "recovery"),
    ]
    assert devices[4].serial == "adb-12345-AbCdEf (2)._adb-tls-connect._tcp"
    assert devices[3].model is None


def test_an_empty_list_is_no_device() -> None:
    assert parse_devices("* daemon started successfully\nList of devices attached\n\n") == ()


def test_a_message_before_the_heading_on_its_line_does_not_hide_the_devices() -> None:
    assert [one.serial for one in parse_devices("hello List of devices attached\nX device\n")] == ["X"]


GOOD = AttachedDevice("GOOD", "device", "Pixel_5", None, 3)


@pytest.mark.parametrize(
    ("line", "others"),
    [
        ("0A04 detached usb:1-2 transport_id:4", [("0A04", "detached")]),
        ("0A04                   hibernating usb:1-2 transport_id:4", [("0A04", "hibernating")]),
        ("0A04                   no network transport_id:4", [("0A04", "no network")]),
        ("* daemon started successfully *", []),
        ("* daemon not running; starting now at tcp:5037", []),
        ("adb server version (41) doesn't match this client (39); killing...", []),
        ("what is this", []),
        ("\x00\xff\ufffd", []),
        ("X device transport_id:" + "9" * 5000, [("X", "device")]),
    ],
)
def test_an_odd_line_leaves_the_good_device_listed(line: str, others: list[tuple[str, str]]) -> None:
    good = "GOOD                   device model:Pixel_5 transport_id:3"
    for lines in ((line, good), (good, line)):
        found = parse_devices("List of devices attached \n" + "\n".join(lines) + "\n\n")
        assert [device for device in found if device.serial == "GOOD"] == [GOOD]
        assert [(device.serial, device.state) for device in found if device.serial != "GOOD"] == others


@pytest.mark.parametrize("listing", ["", "adb: usage"])
def test_what_is_not_a_list_is_refused(listing: str) -> None:
    with pytest.raises(TransportError, match="not a list"):
        parse_devices(listing)


@given(st.text())
def test_no_listing_breaks_the_parser(text: str) -> None:
    devices = parse_devices("List of devices attached\n" + text)
    assert all(device.serial and device.state for device in devices)


@pytest.mark.parametrize(
    ("stderr", "kind", "what"),
    [
        (
            "error: device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set",
            DeviceUnfit,
            "accepted",
        ),
        ("error: insufficient permissions for device: udev", DeviceUnfit, "may not open the USB device"),
        ("error: more than one device with serial x", DeviceUnfit, "several devices"),
        ("adb: error: device offline", ConnectionLost, "offline"),
        ("error: device still authorizing", ConnectionLost, "offline"),
        ("error: device 'x' not found", ConnectionLost, "does not list this device"),
        ("adb: device 'x' not found", ConnectionLost, "does not list this device"),
        ("error: no devices/emulators found", ConnectionLost, "does not list this device"),
        ("error: closed", ConnectionLost, "broke"),
        ("* cannot start server on remote host\nerror: cannot connect to daemon", ConnectionLost, "server"),
        ("error: protocol fault (couldn't read status): Connection reset by peer", ConnectionLost, "server"),
        ("", ConnectionLost, "before the command's end"),
        ("the command said: device unauthorized", ConnectionLost, "before the command's end: the command"),
    ],
)
def test_adbs_complaints_are_understood(stderr: str, kind: type[DeviceError], what: str) -> None:
    failure = early_end(stderr.encode(), "SERIAL")
    assert type(failure) is kind
    assert what in failure.what
    assert failure.device == "SERIAL"


@pytest.mark.parametrize(
    ("stdout", "kind", "reason"),
    [
        (
            "adb: error: failed to copy 'a' to '/b': remote couldn't create file: Permission denied\n"
            "a: 0 files pushed, 0 skipped. 2.5 MB/s (65528 bytes in 0.025s)\n",
            TransferFailed,
            "remote couldn't create file: Permission denied",
        ),
        (
            "adb: error: failed to copy 'a' to '/device offline': remote write failed: No space left\n",
            TransferFailed,
            "remote write failed: No space left",
        ),
        ("adb: error: cannot write '/y': No space left on device\n", TransferFailed, "cannot write '/y'"),
        ("adb: error: failed to copy 'a' to '/b': couldn't read from device\n", ConnectionLost, "broke"),
        ("adb: error: failed to read copy response\n", ConnectionLost, "broke"),
        ("adb: error: failed to copy 'a' to '/b': no response: Success\n", ConnectionLost, "broke"),
        ("[  2%] /b\n", ConnectionLost, "broke"),
        (
            "adb: error: failed to copy 'a' to '/b': remote \x1b[2Jfoo\n",
            TransferFailed,
            "remote [2Jfoo",
        ),
    ],
)
def test_a_refused_transfer_is_told_from_a_broken_one(
    stdout: str, kind: type[HarnessError], reason: str
) -> None:
    failure = transfer_failure(Completed(("adb",), 1, stdout.encode(), b""), "cannot push a", "SERIAL")
    assert type(failure) is kind
    assert reason in failure.what


def test_a_device_that_worked_before_is_not_unauthorized_for_good(tmp_path: Path) -> None:
    adb = tmp_path / "adb"
    # Runs the first command as the device would, and refuses the second.
    adb.write_text(
        f"""#!/bin/sh
        [ "$3" = shell ] || exit 0
        [ ! -e {tmp_path}/worked ] || {{ echo "error: device unauthorized." >&2; exit 1; }}
        : > {tmp_path}/worked
        exec sh -c "$5"
        """
    )
    adb.chmod(0o755)
    transport = AdbTransport("SERIAL", adb=str(adb))
    transport.run(["true"], timeout_s=10).check()
    with pytest.raises(ConnectionLost, match="has not accepted this computer's key") as caught:
        transport.run(["true"], timeout_s=10)
    assert "Allow USB debugging?" in caught.value.hint


def test_without_adb_the_mend_is_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(DeviceUnfit, match="Google's adb is not installed") as caught:
        list_devices(adb=str(tmp_path / "adb"))
    assert "apt install adb" in caught.value.hint
    with pytest.raises(DeviceUnfit, match="not installed"):
        AdbTransport("SERIAL", adb=str(tmp_path / "adb")).run(["true"], timeout_s=5)


@needs_adb
def test_a_serial_that_is_not_attached_is_told(adb_environment: dict[str, str]) -> None:
    with pytest.raises(ConnectionLost, match="adb does not list this device"):
        AdbTransport("NOSUCH", env=adb_environment).run(["true"], timeout_s=5)


@needs_adb
def test_an_address_where_nobody_listens_is_told(adb_environment: dict[str, str], closed_port: int) -> None:
    with pytest.raises(ConnectionLost, match="Connection refused"):
        connect(f"127.0.0.1:{closed_port}", env=adb_environment)


@pytest.mark.slow
@pytest.mark.device
def test_a_device_that_does_not_know_the_key_is_told(bench: Bench, adb_environment: dict[str, str]) -> None:
    serial = f"127.0.0.1:{bench.machine.adb_port}"
    with pytest.raises(DeviceUnfit, match="has not accepted this computer's key") as caught:
        AdbTransport(serial, env=adb_environment).run(["true"], timeout_s=10)
    assert "Allow USB debugging?" in caught.value.hint
    with pytest.raises(DeviceUnfit, match="has not accepted this computer's key"):
        check_state(find(serial, adb_environment))


@pytest.mark.slow
@pytest.mark.device
def test_a_device_whose_adbd_does_not_answer_is_offline(
    bench: Bench, administrator: Transport, tmp_path: Path
) -> None:
    serial = f"127.0.0.1:{bench.machine.adb_port}"
    with adb_server(tmp_path, str(bench.machine.adb_key)) as environment:
        administrator.run(["sudo", "pkill", "-STOP", "adbd"], timeout_s=30).check()
        try:
            with pytest.raises(ConnectionLost, match="failed to connect") as caught:
                AdbTransport(serial, env=environment).run(["true"], timeout_s=30)
            assert "awake" in caught.value.hint
            # adb 29 goes on listing what it could not connect to, adb 34 does not.
            for listed in list_devices(env=environment):
                with pytest.raises(DeviceUnfit, match="it is offline") as unfit:
                    check_state(listed)
                assert "adb reconnect" in unfit.value.hint
        finally:
            administrator.run(["sudo", "pkill", "-CONT", "adbd"], timeout_s=30).check()
        assert AdbTransport(serial, env=environment).run(["echo", "in"], timeout_s=30).stdout == b"in\n"


@pytest.mark.slow
@pytest.mark.device
def test_the_arm_machine_is_listed(bench: Bench) -> None:
    bench.connect("adb").run(["true"], timeout_s=30).check()
    (listed,) = (
        device
        for device in list_devices(env=bench.adb_environment)
        if device.serial == f"127.0.0.1:{bench.machine.adb_port}"
    )
    assert listed.state == "device"
    assert "ARM_VM" in (listed.model or "")


@pytest.mark.slow
@pytest.mark.device
def test_a_connection_that_fell_silent_is_not_left_to_the_server(bench: Bench) -> None:
    with ShapedProxy(bench.machine.adb_port) as proxy:
        transport = bench.connect("adb", proxy.port)
        transport.run(["true"], timeout_s=30).check()
        proxy.silence()
        with pytest.raises(TimedOut):
            transport.run(["true"], timeout_s=1)
        transport.close()
        serials = [device.serial for device in list_devices(env=bench.adb_environment)]
        assert f"127.0.0.1:{proxy.port}" not in serials
        assert transport.run(["echo", "again"], timeout_s=30).stdout == b"again\n"


@pytest.mark.slow
@pytest.mark.device
def test_a_connection_that_works_is_left_to_the_server(bench: Bench) -> None:
    transport = bench.connect("adb")
    transport.run(["true"], timeout_s=30).check()
    transport.close()
    assert f"127.0.0.1:{bench.machine.adb_port}" in [
        device.serial for device in list_devices(env=bench.adb_environment)
    ]
