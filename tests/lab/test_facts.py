"""Which hosts cannot work together, and the words for it."""

from dataclasses import replace

import pytest

from harness.devices.target import Target
from harness.errors import UsageError
from harness.lab.facts import HostFacts, lab_versions, refuse_unlike

VERSIONS = {"Python": "3.11", "harness": "1.0", "executorch": "1.5.1", "ray": "2.60.0"}
PHONE = Target("pixel", "android", "adb", "SERIAL1")
BOARD = Target("pi", "linux_board", "ssh", "pi@192.0.2.1")
HERE = Target("vm", "emulator", "local")
TUNNEL = Target("tunnel", "android", "adb", "127.0.0.1:5555")
SSH_TUNNEL = Target("ssh tunnel", "linux_board", "ssh", "pi@localhost")
# The beginning of an address of this host is in the middle of this one.
FAR = Target("far", "android", "adb-direct", "10.127.0.5:5555")


def make_host(name: str, *devices: Target, offset_s: float = 0.0) -> HostFacts:
    return HostFacts(
        name=name,
        machine=f"{name}.example",
        versions=dict(VERSIONS),
        devices=devices,
        lowering_workers=0,
        disk_free_bytes=10**9,
        object_store_bytes=10**8,
        clock_offset_s=offset_s,
    )


def refusal(*hosts: HostFacts) -> UsageError:
    with pytest.raises(UsageError) as caught:
        refuse_unlike(hosts)
    return caught.value


def test_hosts_with_other_devices_and_clocks_a_minute_apart_fit() -> None:
    refuse_unlike([make_host("desk", PHONE), make_host("shelf", BOARD, offset_s=60.0), make_host("door")])


def test_a_host_without_a_package_fits_to_one_that_has_it() -> None:
    light = make_host("shelf")
    del light.versions["executorch"]
    refuse_unlike([make_host("desk"), light])


@pytest.mark.parametrize("part", VERSIONS)
def test_another_version_is_refused_with_both_hosts_and_both_versions(part: str) -> None:
    other = replace(make_host("shelf"), versions=VERSIONS | {part: "9"})
    error = refusal(make_host("desk"), make_host("door"), other)
    assert error.what == f"host desk has {part} {VERSIONS[part]}, host shelf has 9"
    assert "same versions" in error.hint


@pytest.mark.parametrize(("one", "other", "early"), [(0.0, 61.0, "shelf"), (3600.0, -5.0, "desk")])
def test_clocks_more_than_a_minute_apart_are_refused(one: float, other: float, early: str) -> None:
    error = refusal(make_host("desk", offset_s=one), make_host("shelf", offset_s=other))
    assert error.what.startswith(
        f"the clock of host {early} is {abs(other - one):.0f} s ahead of that of host"
    )
    assert "timedatectl" in error.hint


def test_two_hosts_of_one_name_are_refused_with_their_machines() -> None:
    other = replace(make_host("desk"), machine="elsewhere")
    assert refusal(make_host("desk"), other).what.endswith("the name desk: desk.example and elsewhere")


@pytest.mark.parametrize("device", [PHONE, BOARD, HERE], ids=lambda device: device.kind)
def test_a_name_of_two_devices_is_refused(device: Target) -> None:
    error = refusal(make_host("desk", device), make_host("shelf", replace(device, address="other")))
    assert error.what == f"hosts desk and shelf both offer the device {device.name}"
    assert error.device == device.name


@pytest.mark.parametrize("device", [PHONE, BOARD, FAR], ids=lambda device: device.name)
def test_one_device_under_two_names_is_refused(device: Target) -> None:
    error = refusal(make_host("desk", device), make_host("shelf", replace(device, name="mine")))
    assert error.what.endswith(f"both offer the device {device.name}, at one as mine")


@pytest.mark.parametrize("device", [HERE, TUNNEL, SSH_TUNNEL], ids=lambda device: device.name)
def test_what_is_local_at_each_host_is_two_devices(device: Target) -> None:
    refuse_unlike([make_host("desk", device), make_host("shelf", replace(device, name="mine"))])


def test_this_host_names_python_and_the_harness() -> None:
    versions = lab_versions()
    assert versions["Python"].count(".") == 1
    assert versions["harness"]
    assert all(versions.values())
