"""Where Google's adb is looked for, shown with programs of that name that only answer."""

from pathlib import Path

import pytest

from harness.devices.android import attached
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import DeviceUnfit
from harness.measuring.doctor.host import examine_host
from harness.transports.adb import AdbTransport, find_adb, list_devices

LISTING = "List of devices attached\\n%s device model:M transport_id:1\\n\\n"


def install_adb(folder: Path, serial: str) -> Path:
    """An adb that lists one device of this serial."""
    folder.mkdir(parents=True)
    adb = folder / "adb"
    adb.write_text(f"#!/bin/sh\n[ \"$1\" != devices ] || printf '{LISTING}' {serial}\n")
    adb.chmod(0o755)
    return adb


@pytest.fixture(autouse=True)
def without_adb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without adb: what is installed in the `bin` that is returned will be on PATH."""
    for name in ("ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


@pytest.mark.parametrize("variable", ["ANDROID_HOME", "ANDROID_SDK_ROOT"])
def test_adb_is_found_in_the_sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    adb = install_adb(tmp_path / "sdk" / "platform-tools", "IN_SDK")
    assert find_adb() is None
    monkeypatch.setenv(variable, str(tmp_path / "sdk"))
    assert find_adb() == str(adb)
    assert [device.serial for device in list_devices()] == ["IN_SDK"]
    assert [device.serial for device in attached()] == ["IN_SDK"]
    assert AdbTransport("IN_SDK")._adb == str(adb)


def test_adb_on_path_is_preferred_to_the_sdks(
    tmp_path: Path, without_adb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_adb(tmp_path / "sdk" / "platform-tools", "IN_SDK")
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path / "sdk"))
    on_path = install_adb(without_adb, "ON_PATH")
    assert find_adb() == str(on_path)
    assert [device.serial for device in list_devices()] == ["ON_PATH"]


def test_android_home_is_preferred_and_one_without_adb_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = install_adb(tmp_path / "home" / "platform-tools", "HOME")
    second = install_adb(tmp_path / "root" / "platform-tools", "ROOT")
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ANDROID_SDK_ROOT", str(tmp_path / "root"))
    assert find_adb() == str(first)
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path / "nothing"))
    assert find_adb() == str(second)


def test_without_adb_the_error_says_how_to_install_or_name_it() -> None:
    with pytest.raises(DeviceUnfit, match="Google's adb is not installed") as caught:
        list_devices()
    assert "apt install adb" in caught.value.hint
    assert "ANDROID_HOME" in caught.value.hint


def test_a_device_reached_by_adb_works_with_the_sdks_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_adb(tmp_path / "sdk" / "platform-tools", "IN_SDK")
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path / "sdk"))
    target = Target("phone", "android", "adb", "IN_SDK")
    KINDS["android"].check(target)
    found = {diagnosis.what: diagnosis for diagnosis in examine_host(target)}["adb"]
    assert (found.level, found.detail) == ("ok", str(tmp_path / "sdk" / "platform-tools" / "adb"))
