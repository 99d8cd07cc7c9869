"""The bundle brings everything it needs: a root with a static busybox and nothing else is enough."""

import os
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from runner_program import Programs, Runner

from chosen_system import WITH_ROOT
from harness.devices.arm_vm.machine import boot
from harness.devices.device import Device, describe
from harness.records import RunnerReport
from harness.runner.bundle import ensure_bundle
from harness.runner.deploy import deploy_bundle
from harness.transports.ssh import SshTransport

# Sees nothing but the folder $0, with the kernel's own /proc and /dev/null in it.
ENTER = 'mount --rbind /proc "$0/proc" && mount --bind /dev/null "$0/dev/null" && exec chroot "$0" "$@"'


def enter(root: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    unprivileged = () if os.geteuid() == 0 else ("--map-root-user",)
    command = ["unshare", *unprivileged, "--mount", "sh", "-c", ENTER, str(root), *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def bare_root(tmp_path: Path) -> Path:
    """A root folder with a static busybox as its only program."""
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox is not installed (apt-get install busybox-static)")
    for name in ("bin", "dev", "proc", "jobs"):
        (tmp_path / name).mkdir()
    (tmp_path / "dev" / "null").touch()
    shutil.copy(busybox, tmp_path / "bin" / "busybox")
    tried = enter(tmp_path, "/bin/busybox", "--install", "-s", "/bin")
    if tried.returncode != 0:
        pytest.skip(f"cannot run a static busybox in a root of its own here: {tried.stderr.strip()}")
    return tmp_path


def test_runner_and_launch_script_need_only_the_bundle_and_busybox(runner: Runner, bare_root: Path) -> None:
    shutil.copytree(runner.bundle.folder, bare_root / "bundle")
    shutil.copy(runner.programs.path("delegated"), bare_root / "model.pte")
    shutil.copy(runner.programs.input, bare_root / "input.bin")
    loader = f"/bundle/{runner.bundle.loader}"
    checked = enter(bare_root, "/bin/sh", "-c", "cd /bundle && sha256sum -c SHA256SUMS")
    assert checked.returncode == 0, checked.stdout
    ended = enter(
        *(bare_root, "/bin/sh", "/bundle/launch.sh", "start", "/jobs/1", "--conditions", "--"),
        *(loader, "--library-path", "/bundle", "/bundle/runner"),
        *("--model", "/model.pte", "--input", "/input.bin", "--report", "/jobs/1/report.json"),
        *("--threads", "2", "--max-seconds", "1"),
    )
    assert ended.stdout == "status 0\n", ended.stderr
    for name in ("conditions_before", "conditions_after"):
        assert "memory_available_kib=" in (bare_root / "jobs/1" / name).read_text()
    report = msgspec.json.decode((bare_root / "jobs/1/report.json").read_bytes(), type=RunnerReport)
    assert report.threads_used == 2
    assert report.values == pytest.approx(runner.programs.expected["delegated"][0], abs=1e-4)


# All but bare: the kernel's own /proc, /dev/null, and /sys, where ExecuTorch's thread pool finds the cores.
PREPARE = """
cd "$1" && mkdir bin dev proc sys jobs && cp /usr/bin/busybox bin/ && : > dev/null &&
sudo mount -t proc proc proc && sudo mount -t sysfs sysfs sys && sudo mount --bind /dev/null dev/null &&
sudo chroot . /bin/busybox --install -s /bin
"""


@pytest.mark.slow
@pytest.mark.device
def test_on_a_real_arm_kernel_the_bundle_and_busybox_are_enough_too(
    programs: Programs, tmp_path: Path
) -> None:
    root = "/home/harness/bare"
    with boot(virtual_time=True, system=WITH_ROOT) as machine:
        transport = SshTransport(
            f"{machine.ssh_user}@127.0.0.1",
            port=machine.ssh_port,
            options=(
                *("-F", "none", "-i", str(machine.ssh_key), "-o", "IdentitiesOnly=yes"),
                *("-o", f"UserKnownHostsFile={machine.known_hosts}"),
            ),
        )
        transport.run(["mkdir", root], timeout_s=60).check()
        info, _ = describe(transport, name="bare", kind="linux_board", folder=root)
        device = Device(info, transport, root, lambda: transport)
        folder = deploy_bundle(device, ensure_bundle("arm64-v8a"), lambda line: None).folder
        bundle = folder.removeprefix(root)
        transport.push(programs.path("delegated"), f"{root}/model.pte")
        transport.push(programs.input, f"{root}/input.bin")
        transport.run(["sh", "-c", PREPARE, "sh", root], timeout_s=60).check()
        loader = f"{bundle}/{ensure_bundle('arm64-v8a').loader}"
        ended = transport.run(
            [
                *("sudo", "chroot", root, "/bin/sh", f"{bundle}/launch.sh", "start", "/jobs/1", "--"),
                *(loader, "--library-path", bundle, f"{bundle}/runner"),
                *("--model", "/model.pte", "--input", "/input.bin", "--report", "/jobs/1/report.json"),
                *("--threads", "1", "--max-seconds", "1"),
            ],
            timeout_s=120,
        )
        said = transport.run(["sudo", "cat", f"{root}/jobs/1/stderr"], timeout_s=60).text
        assert ended.stdout == b"status 0\n", said
        transport.run(["sudo", "chmod", "-R", "a+rX", f"{root}/jobs"], timeout_s=60).check()
        transport.pull(f"{root}/jobs/1/report.json", tmp_path / "report.json")
        transport.close()
    report = msgspec.json.decode((tmp_path / "report.json").read_bytes(), type=RunnerReport)
    assert report.values == pytest.approx(programs.expected["delegated"][0], abs=1e-4)
