"""A live ARM kernel that throttles half-way through a measurement: the cell must say so.

The machine has neither cpufreq nor thermal zones: plain files mounted in their place stand for them.
"""

import shlex
from collections.abc import Iterator

import pytest

from harness.bundle import ensure_bundle
from harness.devices.android import FOLDER
from harness.devices.arm_vm import ArmVm, boot
from harness.devices.cores import find_clusters
from harness.devices.device import Device, describe
from harness.lowering.background import lower_in_background
from harness.measuring.drafts import CellRequest
from harness.measuring.session import Session
from harness.records import Cell, Variant
from harness.transports.adb_direct import AdbDirectTransport
from harness.transports.base import Transport
from harness.transports.ssh import SshTransport
from harness.transports.tcp_link import TcpLink
from record_builders import make_plan

CPUS = "/sys/devices/system/cpu"
ZONES = "/sys/class/thermal"
FREQUENCY = f"{CPUS}/cpu0/cpufreq/scaling_cur_freq"
FILES = {
    f"{CPUS}/online": "0",
    f"{CPUS}/possible": "0",
    f"{CPUS}/present": "0",
    f"{CPUS}/cpu0/regs/identification/midr_el1": "0x00000000410fd0b1",
    f"{CPUS}/cpu0/cpufreq/cpuinfo_max_freq": "2400000",
    # A frequency held by the governor: a lower one needs no slower iterations to count.
    f"{CPUS}/cpu0/cpufreq/scaling_governor": "performance",
    FREQUENCY: "2400000",
    f"{ZONES}/thermal_zone0/type": "cpu-thermal",
    f"{ZONES}/thermal_zone0/temp": "45000",
}
VARIANT = Variant(width=0.25, resolution_px=32, precision="fp32")
PROCESSES = 3


@pytest.fixture
def machine() -> Iterator[ArmVm]:
    with boot() as running:
        yield running


@pytest.fixture
def administrator(machine: ArmVm) -> Iterator[Transport]:
    """The ssh user, who may use sudo."""
    options = ("-i", str(machine.ssh_key), "-o", "IdentitiesOnly=yes")
    known_hosts = ("-o", f"UserKnownHostsFile={machine.known_hosts}", "-o", "StrictHostKeyChecking=yes")
    transport = SshTransport(
        f"{machine.ssh_user}@127.0.0.1", port=machine.ssh_port, options=(*options, *known_hosts)
    )
    yield transport
    transport.close()


@pytest.fixture
def device(machine: ArmVm, administrator: Transport) -> Iterator[Device]:
    mount_files(administrator)
    with_adb = AdbDirectTransport(TcpLink("127.0.0.1", machine.adb_port), key=machine.adb_key)
    info, _ = describe(with_adb, name="arm-vm", kind="arm_vm", folder=FOLDER, clock="virtual")
    yield Device(info, with_adb, FOLDER, lambda: with_adb)
    with_adb.close()


def mount_files(administrator: Transport) -> None:
    mounts = [f"mount -t tmpfs tmpfs {folder}" for folder in (CPUS, ZONES)]
    files = [
        f"mkdir -p {shlex.quote(path.rpartition('/')[0])}; echo {text} > {path}"
        for path, text in FILES.items()
    ]
    script = "\n".join(("set -e", *mounts, *files))
    administrator.run(["sudo", "sh", "-c", script], timeout_s=60).check()


def throttle_during_the_next_process(administrator: Transport) -> None:
    """Leave a program there that waits for a job, and lowers the clock while it runs."""
    pid_file = f"{FOLDER}/jobs/current/pid"
    script = (
        f"until [ -e {pid_file} ]; do sleep 0.01; done; sleep 0.05; kill -0 $(cat {pid_file}) || exit 1; "
        f"echo 1200000 > {FREQUENCY}; echo 85000 > {ZONES}/thermal_zone0/temp"
    )
    argv = ["sudo", "sh", "-c", f"({script}) < /dev/null > /dev/null 2>&1 &"]
    administrator.run(argv, timeout_s=60).check()


@pytest.mark.slow
@pytest.mark.device
def test_a_core_that_throttles_half_way_ends_as_throttled(device: Device, administrator: Transport) -> None:
    assert [core.name for core in device.info.cores] == ["Cortex-A76"]
    assert find_clusters(device.info.cores) == {"all": (0,)}
    saved: list[Cell] = []

    def save(cell: Cell) -> None:
        saved.append(cell)
        if len(cell.processes) == 1:
            throttle_during_the_next_process(administrator)

    plan = make_plan(
        processes=PROCESSES, warmup_iterations=1, min_iterations=20, min_seconds=0.1, counted_iterations=1
    )
    with lower_in_background([VARIANT], allow_undelegated=False, on_lowered=lambda *_: None) as artifacts:
        session = Session(device, ensure_bundle("arm64-v8a"), artifacts, save, lambda text: None)
        session.measure([CellRequest(VARIANT, plan)], (), seed=0)

    first, *_, last = saved
    assert last.failure is None
    assert "throttled" not in {reason.code for reason in first.verdict.reasons}
    throttled = {reason.code: reason.detail for reason in last.verdict.reasons}
    assert throttled["throttled"] == "core 0 fell from 2400 to 1200 MHz during a process"
    assert last.verdict.status == "suspect"
    second = last.processes[1]
    assert second.conditions_before.frequencies_khz == (2_400_000,)
    assert second.conditions_after.frequencies_khz == (1_200_000,)
    hot = [zone.celsius for zone in second.conditions_after.temperatures or ()]
    assert hot == [85.0]
    assert last.memory is not None
    assert last.memory.detail is not None
    assert last.memory.detail.pss_end_bytes
