"""What is known of devices before a run, and which of them cannot be reached."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from harness.devices.device import Device, describe
from harness.devices.device_kind import DeviceKind
from harness.devices.device_lock import hold_on_device
from harness.devices.host_lock import hold_device
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import ConnectionLost, DeviceUnfit
from harness.measuring.doctor import device as doctor
from harness.measuring.preflight import survey
from harness.records import Conditions
from harness.transports.local import LocalTransport


@contextmanager
def open_folder(target: Target, log: Callable[[str], None]) -> Iterator[Device]:
    if not target.folder:
        raise ConnectionLost("no route to host")
    info, _ = describe(LocalTransport(), name=target.name, kind=target.kind, folder=target.folder)
    yield Device(info, LocalTransport(), target.folder, LocalTransport)


@pytest.mark.parametrize(
    ("conditions", "problem"),
    [
        (Conditions(load_average_1min=1000.0), "load: the load average is 1000.0 on "),
        (Conditions(load_average_1min=0.1, thermal_status=3), "thermal status: Android limits performance"),
        (Conditions(throttled_flags=0x50005), "throttling: the firmware reports throttling now"),
        (Conditions(battery_percent=5), "battery: 5 %"),
        (Conditions(load_average_1min=0.1, thermal_status=0, battery_percent=80), None),
        (Conditions(), None),
    ],
)
def test_what_distorts_times_now_is_found_on_devices_that_can_be_reached(
    conditions: Conditions, problem: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "folder", DeviceKind(name="folder", runs_on_host=False, open=open_folder))
    monkeypatch.setattr(doctor, "_read_conditions", lambda device: conditions)
    near = Target("near", "folder", "local", f"{tmp_path}/near", folder=str(tmp_path))
    far = Target("far", "folder", "local", f"{tmp_path}/far")
    found = survey([far, near, Target("emulator", "emulator", "local")], print)
    assert list(found.infos) == ["near"]
    assert [(name, error.device) for name, error in found.unreachable.items()] == [("far", "far")]
    texts = [f"{one.what}: {one.detail}" for one in found.problems]
    assert len(texts) == (problem is not None)
    assert not problem or texts[0].startswith(problem)
    assert all((one.subject, one.level) == ("near", "unfit") for one in found.problems)


def test_a_device_that_another_harness_measures_on_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "folder", DeviceKind(name="folder", runs_on_host=False, open=open_folder))
    target = Target("held", "folder", "local", str(tmp_path), folder=str(tmp_path))
    logged: list[str] = []
    with hold_device(target, print):
        found = survey([target], logged.append)
        assert (found.infos, found.unreachable) == ({}, {})
    # Another machine's harness holds only the device's own lock.
    with open_folder(target, print) as device, hold_on_device(device, print):
        assert survey([target], logged.append).infos == {}
    assert list(survey([target], logged.append).infos) == ["held"]
    assert logged == []


def test_a_device_that_does_not_let_us_in_is_known_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(target: Target, log: Callable[[str], None]) -> AbstractContextManager[Device]:
        raise DeviceUnfit("the device does not accept this user's SSH keys")

    monkeypatch.setitem(KINDS, "strict", DeviceKind(name="strict", runs_on_host=False, open=refuse))
    found = survey([Target("pi", "strict", "local", "pi@pi")], print)
    assert [(name, error.device) for name, error in found.unreachable.items()] == [("pi", "pi")]


def plant_board(root: Path, label: str = "VDD_IN") -> None:
    folder = root / "sys/class/hwmon/hwmon2"
    folder.mkdir(parents=True)
    for name, text in {"name": "ina226", "power1_input": "1500000", "power1_label": label}.items():
        (folder / name).write_text(f"{text}\n")


def test_a_device_without_a_sensor_is_told_before_energy_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_PROBE_ROOT", str(tmp_path / "root"))
    monkeypatch.setitem(KINDS, "folder", DeviceKind(name="folder", runs_on_host=False, open=open_folder))
    target = Target("near", "folder", "local", f"{tmp_path}/near", folder=str(tmp_path))
    assert survey([target], print).cautions == ()
    (caution,) = survey([target], print, energy=True).cautions
    assert (caution.subject, caution.what) == ("near", "energy")
    assert caution.detail == "--energy has no figure here: the device has no sensor of power or energy"
    assert "--power-command" in caution.fix
    plant_board(tmp_path / "root")
    assert survey([target], print, energy=True).cautions == ()


def test_doctor_names_the_sensor_and_what_it_covers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_PROBE_ROOT", str(tmp_path / "root"))
    plant_board(tmp_path / "root")
    with open_folder(Target("near", "linux_board", "local", "", folder=str(tmp_path)), print) as device:
        found = {one.what: one for one in doctor.examine_device(device)}["energy"]
    assert found.level == "ok"
    assert found.detail == "ina226 VDD_IN: what ina226 VDD_IN is wired to measure on this board"
