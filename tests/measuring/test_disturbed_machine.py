"""A live ARM kernel that throttles half-way through a measurement, for good or not: the cell must say so.

The machine has neither cpufreq nor thermal zones: plain files mounted in their place stand for them.
"""

import shlex
from collections.abc import Iterator

import pytest

from builders import make_plan
from harness.analysis.clusters import find_clusters
from harness.devices.android import FOLDER
from harness.devices.arm_vm.machine import ArmVm, boot
from harness.devices.device import Device, describe
from harness.lowering.background import lower_in_background
from harness.measuring.cell_state import CellRequest
from harness.measuring.session import Session
from harness.records import Cell, Variant
from harness.runner.bundle import ensure_bundle
from harness.transports.adb_direct import AdbDirectTransport
from harness.transports.base import Transport
from harness.transports.ssh import SshTransport
from harness.transports.tcp_link import TcpLink

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
    f"{ZONES}/thermal_zone1/type": "cpu-left",
    f"{ZONES}/thermal_zone1/temp": "44000",
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


# Throttles for a while and recovers; a sensor vanishes at the same time.
DIP = (
    f"sleep 0.1; echo 1200000 > {FREQUENCY}; rm -r {ZONES}/thermal_zone1; sleep 0.15; "
    f"echo 2400000 > {FREQUENCY}"
)
STAY_LOW = f"sleep 0.05; echo 1200000 > {FREQUENCY}; echo 85000 > {ZONES}/thermal_zone0/temp"


def during_the_next_process(administrator: Transport, happens: str) -> None:
    """Leave a program there that waits for a job, and changes the files while it runs."""
    pid_file = f"{FOLDER}/jobs/current/pid"
    # Until then, the file is that of the process before.
    script = f'until kill -0 "$(cat {pid_file})"; do sleep 0.01; done 2>/dev/null; {happens}'
    argv = ["sudo", "sh", "-c", f"({script}) < /dev/null > /dev/null 2>&1 &"]
    administrator.run(argv, timeout_s=60).check()


def codes(cell: Cell) -> dict[str, str]:
    return {reason.code: reason.detail for reason in cell.verdict.reasons}


@pytest.mark.slow
@pytest.mark.device
def test_a_core_that_throttles_half_way_ends_as_throttled(
    device: Device, administrator: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [core.name for core in device.info.cores] == ["Cortex-A76"]
    assert find_clusters(device.info.cores) == {"all": (0,)}
    saved: list[Cell] = []

    def save(cell: Cell) -> None:
        saved.append(cell)
        if len(cell.processes) < PROCESSES:
            during_the_next_process(administrator, DIP if len(cell.processes) == 1 else STAY_LOW)

    plan = make_plan(
        processes=PROCESSES,
        warmup_iterations=1,
        min_iterations=20,
        min_seconds=0.4,
        max_seconds=2.0,
        counted_iterations=1,
        sampler=True,
    )
    monkeypatch.setattr("harness.runner.sampler.SHORTEST_PERIOD_S", 0.02)
    with lower_in_background([VARIANT], allow_undelegated=False, on_lowered=lambda *_: None) as artifacts:
        session = Session(device, ensure_bundle("arm64-v8a"), artifacts, save, progress=print, log=print)
        session.measure([CellRequest(VARIANT, plan)], (), seed=0)

    first, dipped, *_, last = saved
    assert last.failure is None
    assert "throttled" not in codes(first)
    between = dipped.processes[1]
    for conditions in (between.conditions_before, between.conditions_after):
        assert conditions.frequencies_khz == (2_400_000,)
    assert codes(dipped)["throttled"].startswith("core 0 fell from 2400 to 1200 MHz while a process ran")
    assert between.sampled is not None
    assert between.sampled.zones == ("cpu-thermal", "cpu-left")
    assert between.sampled.samples[0].celsius == (45.0, 44.0)
    assert between.sampled.samples[-1].celsius == (45.0, None)
    assert set(between.sampled.unreadable) == {"zone cpu-left"}

    assert codes(last)["throttled"] == "core 0 fell from 2400 to 1200 MHz during a process"
    assert last.verdict.status == "suspect"
    third = last.processes[2]
    assert third.conditions_after.frequencies_khz == (1_200_000,)
    assert [zone.celsius for zone in third.conditions_after.temperatures or ()] == [85.0]
    assert last.memory is not None
    assert last.memory.detail is not None
    assert last.memory.detail.pss_end_bytes
