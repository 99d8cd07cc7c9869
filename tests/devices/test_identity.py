"""A device of several names is one device, and its cells carry its own name."""

from pathlib import Path

import pytest
from attached_devices import attach

from harness.devices import inventory
from harness.devices.target import Target
from harness.errors import UsageError
from harness.lab.offers import offered_devices
from harness.transports.adb import AttachedDevice

PIXEL = AttachedDevice("HT91", "device", "Pixel_6", None, None)
TWIN = AttachedDevice("HT92", "device", "Pixel_6", None, None)
PRO = AttachedDevice("HT93", "device", "Pixel_6_Pro", None, None)
ON_USB = AttachedDevice("usb:HT91", "device", "Pixel_6", None, None)
PHONE = "[devices.phone]\nkind = 'android'\naddress = 'HT91'\n"
BOARD = "[devices.{}]\nkind = 'linux_board'\naddress = 'pi@board'\n"


def resolve(
    monkeypatch: pytest.MonkeyPatch, names: str, *attached: AttachedDevice
) -> tuple[list[tuple[str, str]], list[str]]:
    """Name and address of each device found, and what was logged."""
    attach(monkeypatch, *attached)
    logged: list[str] = []
    found = inventory.resolve(names.split(","), logged.append)
    return [(target.name, target.address) for target in found], logged


@pytest.mark.parametrize(
    ("names", "attached", "configured", "found", "logged"),
    [
        (
            "pixel_6,HT91,6,PIXEL 6",
            (PIXEL,),
            "",
            [("Pixel_6", "HT91")],
            ["pixel_6, HT91, 6 and PIXEL 6 are one device: Pixel_6"],
        ),
        ("pixel,phone", (PIXEL,), PHONE, [("phone", "HT91")], ["pixel and phone are one device: phone"]),
        ("HT91", (PIXEL,), PHONE, [("phone", "HT91")], []),
        ("usb:HT91", (), PHONE, [("phone", "HT91")], []),
        ("ssh:pi@board", (), BOARD.format("pi"), [("pi", "pi@board")], []),
        ("ssh:root@board", (), BOARD.format("pi"), [("ssh:root@board", "root@board")], []),
        ("all,phone", (PIXEL,), PHONE, [("phone", "HT91")], []),
        (
            "all",
            (),
            BOARD.format("a") + BOARD.format("b"),
            [("a", "pi@board")],
            ["a and b are one device: a"],
        ),
        (
            "all",
            (),
            BOARD.format("a") + BOARD.format("b") + "libc = 'system'",
            [("a", "pi@board"), ("b", "pi@board")],
            [],
        ),
        ("HT91,HT92", (PIXEL, TWIN), "", [("HT91", "HT91"), ("HT92", "HT92")], []),
        ("Pixel_6", (PIXEL, PRO), "", [("Pixel_6", "HT91")], []),
        (
            "HT91",
            (PIXEL,),
            BOARD.format("Pixel_6"),
            [("HT91", "HT91")],
            [],
        ),
        ("pixel", (ON_USB,), "", [("Pixel_6", "usb:HT91")], []),
        ("usb:HT91,phone", (), PHONE, [("phone", "HT91")], ["usb:HT91 and phone are one device: phone"]),
        (
            "emulator,emulator:cortex-a76,emulator:cortex-a53",
            (),
            "",
            [("emulator", "cortex-a76"), ("emulator:cortex-a53", "cortex-a53")],
            ["emulator and emulator:cortex-a76 are one device: emulator"],
        ),
        ("arm-vm,arm-vm:16k", (), "", [("arm-vm", ""), ("arm-vm:16k", "")], []),
    ],
)
def test_a_device_of_several_names_is_found_once_under_its_own_name(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: str,
    attached: tuple[AttachedDevice, ...],
    configured: str,
    found: list[tuple[str, str]],
    logged: list[str],
) -> None:
    (here / "devices.toml").write_text(configured)
    assert resolve(monkeypatch, names, *attached) == (found, logged)


@pytest.mark.parametrize("serial", ["", "HT91"])
def test_a_device_that_nobody_named_has_its_configured_name(
    here: Path, monkeypatch: pytest.MonkeyPatch, serial: str
) -> None:
    (here / "devices.toml").write_text(PHONE)
    monkeypatch.setenv("ANDROID_SERIAL", serial)
    monkeypatch.setattr(inventory, "attached", lambda: (PIXEL,))
    assert [target.name for target in inventory.resolve([])] == ["phone"]


def test_a_configured_device_that_is_attached_is_listed_once_with_its_state(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "devices.toml").write_text(PHONE)
    monkeypatch.setattr(inventory, "attached", lambda: (PIXEL, TWIN, PRO))
    listed = {one.name: one.state for one in inventory.list_known() if one.kind == "android"}
    assert listed == {"phone": "device", "HT92": "device", "Pixel_6_Pro": "device"}


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (["pixel", "HT91"], "--device offers one device twice: Pixel_6"),
        (["a=pixel", "b=HT91"], "--device offers one device twice: a and b"),
        (["a=ssh:pi@board", "ssh:pi@board"], "--device offers one device twice: a and ssh:pi@board"),
    ],
)
def test_a_lab_is_not_offered_one_device_twice(
    here: Path, monkeypatch: pytest.MonkeyPatch, texts: list[str], what: str
) -> None:
    monkeypatch.setattr(inventory, "attached", lambda: (PIXEL,))
    with pytest.raises(UsageError) as refused:
        offered_devices(texts)
    assert (refused.value.what, refused.value.hint) == (what, "leave out one of the two")


def test_a_lab_is_offered_what_is_configured_and_what_else_is_attached(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "devices.toml").write_text(PHONE)
    monkeypatch.setattr(inventory, "attached", lambda: (ON_USB, TWIN, PRO))
    offered = [(one.name, one.address) for one in offered_devices([])]
    assert offered == [("phone", "HT91"), ("HT92", "HT92"), ("Pixel_6_Pro", "HT93")]


def test_emulated_devices_may_be_offered_under_several_names() -> None:
    offered = offered_devices(["a=emulator", "b=emulator"])
    assert offered == tuple(Target(name, "emulator", "local", "cortex-a76") for name in "ab")
