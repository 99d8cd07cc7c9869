"""The doctor on a real ARM Linux machine, over its real adbd."""

from collections.abc import Iterator

import pytest

from chosen_system import WITH_ROOT
from harness.devices.arm_vm.machine import ArmVm, boot
from harness.devices.target import Target
from harness.measuring.doctor import Diagnosis, examine
from harness.transports.ssh import SshTransport

pytestmark = [pytest.mark.slow, pytest.mark.device]


@pytest.fixture(scope="module")
def machine() -> Iterator[ArmVm]:
    with boot(virtual_time=False, system=WITH_ROOT) as running:
        yield running


def examine_folder(machine: ArmVm, monkeypatch: pytest.MonkeyPatch, folder: str) -> dict[str, Diagnosis]:
    """The doctor's diagnoses of the machine as an adb device, by what was checked."""
    monkeypatch.setenv("ADB_VENDOR_KEYS", str(machine.adb_key))
    target = Target("board", "android", "adb-direct", f"127.0.0.1:{machine.adb_port}", folder)
    return {found.what: found for found in examine(target, lambda text: None) if found.subject == "board"}


def test_its_own_folder_is_fit(machine: ArmVm, monkeypatch: pytest.MonkeyPatch) -> None:
    found = examine_folder(machine, monkeypatch, "/data/local/tmp/harness")
    assert {found[what].level for what in ("reachable", "folder", "space", "counters")} == {"ok"}
    assert "load" in found


def test_a_real_noexec_mount_and_a_full_one_are_reported(
    machine: ArmVm, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("-F", "none", "-i", str(machine.ssh_key), "-o", f"UserKnownHostsFile={machine.known_hosts}")
    administrator = SshTransport(f"{machine.ssh_user}@127.0.0.1", port=machine.ssh_port, options=options)
    mount = "mkdir -p /run/noexec && mount -t tmpfs -o noexec,mode=1777,size=1m tmpfs /run/noexec"
    try:
        administrator.run(["sudo", "sh", "-c", mount], timeout_s=60).check()
    finally:
        administrator.close()
    found = examine_folder(machine, monkeypatch, "/run/noexec/harness")
    assert found["folder"].level == "unfit"
    assert "noexec" in found["folder"].detail
    assert found["space"].level == "unfit"
    assert "harness devices --clean board" in found["space"].fix
