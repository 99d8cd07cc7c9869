"""Finding devices: built in, configured and attached."""

from pathlib import Path

import pytest
from attached_devices import attach

from harness.devices import android, inventory
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import DeviceUnfit, UsageError
from harness.transports.adb import AttachedDevice

PIXEL = AttachedDevice(serial="1A2B", state="device", model="Pixel_6", product="oriole", transport_id=1)
PIXEL_PRO = AttachedDevice(
    serial="3C4D", state="device", model="Pixel_6_Pro", product="raven", transport_id=2
)


def test_built_in_devices_need_nothing(here: Path) -> None:
    host, emulator, vm = inventory.resolve(["host", "emulator:cortex-a53", "arm-vm:ssh"])
    assert (host.kind, emulator.kind, emulator.address) == ("host", "emulator", "cortex-a53")
    assert (vm.kind, vm.transport) == ("arm_vm", "ssh")


def test_a_part_of_the_model_finds_the_one_phone(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attach(monkeypatch, PIXEL)
    (target,) = inventory.resolve(["pixel"])
    assert (target.name, target.kind, target.address) == ("Pixel_6", "android", "1A2B")


def test_a_name_that_fits_two_phones_is_refused_with_their_serials(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach(monkeypatch, PIXEL, PIXEL_PRO)
    with pytest.raises(DeviceUnfit, match=r"fits 2 devices: 1A2B \(Pixel_6\), 3C4D \(Pixel_6_Pro\)"):
        inventory.resolve(["pixel"])
    assert inventory.resolve(["3C4D"])[0].address == "3C4D"
    assert inventory.resolve(["pixel 6 pro"])[0].address == "3C4D"


def test_without_a_name_the_one_attached_device_is_taken(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attach(monkeypatch, PIXEL)
    assert inventory.resolve([])[0].address == "1A2B"


@pytest.mark.parametrize(
    ("devices", "says"), [((), "no device is attached"), ((PIXEL, PIXEL_PRO), "2 devices")]
)
def test_without_a_name_and_not_exactly_one_device_all_are_listed(
    here: Path, monkeypatch: pytest.MonkeyPatch, devices: tuple[AttachedDevice, ...], says: str
) -> None:
    attach(monkeypatch, *devices)
    with pytest.raises(DeviceUnfit, match=says) as caught:
        inventory.resolve([])
    assert "emulator" in caught.value.hint


def test_android_serial_chooses_among_attached_devices(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attach(monkeypatch, PIXEL, PIXEL_PRO)
    monkeypatch.setenv("ANDROID_SERIAL", "3C4D")
    (target,) = inventory.resolve([])
    assert (target.name, target.address, target.transport) == ("Pixel_6_Pro", "3C4D", "adb")


def test_a_named_device_overrides_android_serial(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attach(monkeypatch, PIXEL, PIXEL_PRO)
    monkeypatch.setenv("ANDROID_SERIAL", "3C4D")
    assert inventory.resolve(["1A2B"])[0].address == "1A2B"
    assert inventory.resolve(["host"])[0].kind == "host"


def test_without_adb_android_serial_names_the_device_on_usb(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_usb = [AttachedDevice(f"usb:{serial}", "device", None, None, None) for serial in ("1A2B", "3C4D")]
    attach(monkeypatch, *on_usb)
    monkeypatch.setenv("ANDROID_SERIAL", "3C4D")
    (target,) = inventory.resolve([])
    assert (target.address, target.transport) == ("usb:3C4D", "adb-direct")


def test_android_serial_may_be_an_address(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDROID_SERIAL", "192.168.1.9:5555")
    (target,) = inventory.resolve([])
    assert (target.address, target.transport) == ("192.168.1.9:5555", "adb-direct")


@pytest.mark.parametrize("serial", ["GONE", "pixel", "-s", "usb:\x1b[2J"])
def test_android_serial_of_a_device_that_is_not_attached_is_an_error_that_names_the_variable(
    here: Path, monkeypatch: pytest.MonkeyPatch, serial: str
) -> None:
    attach(monkeypatch, PIXEL)
    monkeypatch.setenv("ANDROID_SERIAL", serial)
    with pytest.raises(DeviceUnfit) as caught:
        inventory.resolve([])
    assert caught.value.what == f"ANDROID_SERIAL names the device {serial!r}, which is not attached"
    assert caught.value.hint.startswith("attach it or unset ANDROID_SERIAL")
    assert "1A2B (Pixel_6)" in caught.value.hint


def test_an_empty_android_serial_counts_as_unset(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attach(monkeypatch, PIXEL)
    monkeypatch.setenv("ANDROID_SERIAL", "")
    assert inventory.resolve([])[0].address == "1A2B"


@pytest.mark.parametrize(
    ("name", "says", "hint"),
    [
        ("host:5555", "'host' takes no '5555'", "choose from: host"),
        ("emulator:", "'emulator' takes no ''", "emulator:cortex-a53"),
        ("arm-vm:usb", "'arm-vm' takes no 'usb'", "arm-vm:adb-direct, arm-vm:adb, arm-vm:ssh"),
    ],
)
def test_an_option_that_a_built_in_device_does_not_have_is_refused(
    here: Path, name: str, says: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        inventory.resolve([name])
    assert hint in caught.value.hint


@pytest.mark.parametrize("kind", ["linux_board", "raspberry_pi"])
def test_a_board_may_be_configured_by_its_former_kind(here: Path, kind: str) -> None:
    (here / "devices.toml").write_text(f"[devices.pi]\nkind = '{kind}'\naddress = 'pi@board'")
    (board,) = inventory.resolve(["pi"])
    assert (board.kind, board.transport) == ("linux_board", "ssh")


def test_an_unknown_name_lists_what_there_is(here: Path) -> None:
    with pytest.raises(DeviceUnfit, match="no device 'nosuch'") as caught:
        inventory.resolve(["nosuch"])
    assert caught.value.hint == (
        "choose --device from built in: host, emulator, arm-vm; `harness devices` lists them"
    )


def test_some_of_many_devices_are_listed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attach(monkeypatch, *(AttachedDevice(f"S{n}", "device", "A1", None, None) for n in range(40)))
    with pytest.raises(DeviceUnfit) as caught:
        inventory.resolve(["nosuch"])
    assert "attached: S0 (A1), S1 (A1), S2 (A1), S3 (A1), S4 (A1) and 35 more; built in" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("emulatr", "emulator"),
        ("Hosts", "host"),
        ("pixle_6", "Pixel_6"),
        ("1a2c", "1A2B"),
        ("emulator-cortex-a53", "emulator:cortex-a53"),
        ("kitchn", "kitchen"),
    ],
)
def test_a_name_that_is_nearly_right_is_answered_with_what_is_meant(
    here: Path, monkeypatch: pytest.MonkeyPatch, name: str, close: str
) -> None:
    attach(monkeypatch, PIXEL)
    (here / "devices.toml").write_text("[devices.kitchen]\nkind = 'linux_board'\naddress = 'pi@board'")
    with pytest.raises(DeviceUnfit) as caught:
        inventory.resolve([name])
    assert caught.value.hint.startswith(f"did you mean {close}")
    assert caught.value.hint.endswith("? `harness devices` lists the devices")
    assert len(caught.value.hint) < 110


@pytest.mark.parametrize("name", ["nosuch", "arm-vm:galaxy", "arm-vm:usb"])
def test_no_hint_names_the_machines_of_tests(here: Path, name: str) -> None:
    with pytest.raises((DeviceUnfit, UsageError)) as caught:
        inventory.resolve([name])
    assert "galaxy_s9" not in caught.value.hint
    assert "android9" not in caught.value.hint


@pytest.mark.parametrize(
    "name", ["", "-oProxyCommand=x", "a\nb", "x\x1b[31m", "ssh:-oProxyCommand=x", "ssh:a b"]
)
def test_a_malformed_name_is_refused(here: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is not a"):
        inventory.resolve([name])


@pytest.mark.parametrize(
    "address", ["192.168.1.9:5555", "phone.local:5555", "[::1]:5555", "[fe80::1%eth0]:1"]
)
def test_an_address_with_a_port_needs_no_adb(here: Path, address: str) -> None:
    (target,) = inventory.resolve([address])
    assert (target.transport, target.address) == ("adb-direct", address)


@pytest.mark.parametrize(
    "address", ["phone:99999", "phone:0", "phone:adb", "::1:5555", "[::1", "a@b:5555", "[x]:1", "phone:5555:"]
)
def test_an_address_that_is_none_is_refused_before_anything_is_done(address: str) -> None:
    target = Target("a", "android", "adb-direct", address)
    with pytest.raises(UsageError, match="is not the address of a device") as caught:
        KINDS["android"].check(target)
    assert "[IPV6]:PORT" in caught.value.hint


def test_a_phone_on_usb_needs_no_adb(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (named,) = inventory.resolve(["usb:1A2B"])
    assert (named.transport, named.address) == ("adb-direct", "usb:1A2B")
    (here / "devices.toml").write_text("[devices.a]\nkind = 'android'\naddress = 'usb:1A2B'")
    assert inventory.resolve(["a"])[0].transport == "adb-direct"
    (here / "devices.toml").unlink()
    attach(monkeypatch, AttachedDevice("usb:1A2B", "device", "Pixel_6", None, None))
    (found,) = inventory.resolve([])
    assert (found.name, found.transport, found.address) == ("Pixel_6", "adb-direct", "usb:1A2B")


def test_without_adb_the_usb_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(android, "find_adb", lambda: None)
    monkeypatch.setattr(android, "list_usb_devices", lambda: (PIXEL,))
    assert android.attached() == (PIXEL,)
