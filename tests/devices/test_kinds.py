"""A kind of device is one file and one entry of `KINDS`: shown by adding one."""

import os
from pathlib import Path

import pytest
from toaster import TOASTER

from harness.devices import android, host_lock, inventory
from harness.devices.host_lock import hold_device
from harness.devices.kinds import KINDS
from harness.devices.places import group_by_place
from harness.devices.target import Target
from harness.errors import DeviceUnfit, UsageError
from harness.measuring.doctor import examine
from harness.measuring.doctor.host import examine_host


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder whose harness knows toasters, with nothing attached."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(host_lock, "NAMESPACE", f"test-{os.getpid()}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for module in (inventory, android):
        monkeypatch.setattr(module, "attached", lambda: ())
    monkeypatch.setitem(KINDS, "toaster", TOASTER)
    return tmp_path


def test_every_kind_is_listed_under_its_own_name() -> None:
    assert {name: kind.name for name, kind in KINDS.items()} == {name: name for name in KINDS}


def test_no_two_kinds_share_a_name_or_a_former_one() -> None:
    names = [name for kind in KINDS.values() for name in (kind.name, *kind.aliases)]
    assert len(names) == len(set(names))


def test_the_built_in_device_of_a_new_kind_is_found_and_listed() -> None:
    assert inventory.resolve(["toaster"]) == (Target("toaster", "toaster", "local"),)
    assert "toaster" in [listed.name for listed in inventory.list_known()]
    with pytest.raises(DeviceUnfit) as caught:
        inventory.resolve(["toaster-left"])
    assert "toaster:left" in caught.value.hint


def test_further_names_of_a_new_kind_are_found_or_refused() -> None:
    assert inventory.resolve(["toaster:left"])[0].address == "left"
    with pytest.raises(UsageError, match="'toaster' takes no 'middle'") as caught:
        inventory.resolve(["toaster:middle"])
    assert caught.value.hint == "choose from: toaster:left, toaster:right"


@pytest.mark.parametrize("kind", ["toaster", "bread_toaster"])
def test_a_device_of_a_new_kind_can_be_configured(here: Path, kind: str) -> None:
    (here / "devices.toml").write_text(f"[devices.kitchen]\nkind = '{kind}'\naddress = 'left'")
    (target,) = inventory.resolve(["kitchen"])
    assert (target.kind, target.transport, target.address) == ("toaster", "local", "left")


def test_a_new_kind_refuses_a_device_before_it_is_opened() -> None:
    with pytest.raises(DeviceUnfit, match="jammed"):
        TOASTER.check(inventory.resolve(["toaster:right"])[0])


def test_devices_of_a_new_kind_take_their_turn_on_this_host() -> None:
    targets = inventory.resolve(["host", "toaster"])
    assert list(group_by_place(targets)) == [targets]
    with hold_device(targets[1], print):
        pass


def test_the_doctor_opens_a_device_of_a_new_kind_and_runs_its_checks(here: Path) -> None:
    log: list[str] = []
    target = Target("toaster", "toaster", "local", folder=str(here))
    found = {diagnosis.what: diagnosis for diagnosis in examine(target, log.append)}
    assert found["crumbs"].detail == "the tray is full"
    assert found["toastd"].level == "unfit"
    assert log == ["heating"]


def test_the_doctor_lists_the_programs_of_a_new_kind() -> None:
    found = {diagnosis.what: diagnosis for diagnosis in examine_host(None)}
    assert found["toastd"].level == "advice"
    assert found["toastd"].detail == "not installed; toasters need it"
