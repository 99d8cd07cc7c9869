"""The ARM machine: what it is built from, that it answers as a device does, and that it never lingers."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from adb_shell.adb_device import AdbDeviceTcp
from adb_shell.auth.sign_pythonrsa import PythonRSASigner
from adb_shell.exceptions import DeviceAuthError

from harness.devices.arm_vm.building import build_machine
from harness.devices.arm_vm.machine import ArmVm, boot
from harness.errors import DeviceUnfit

# 10,000,000 rounds of two instructions, counted by the kernel for an unprivileged process.
COUNTED_LOOP = """
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
    struct perf_event_attr attr = {.size = sizeof attr, .type = PERF_TYPE_HARDWARE,
        .config = PERF_COUNT_HW_INSTRUCTIONS, .disabled = 1, .exclude_kernel = 1, .exclude_hv = 1};
    int counter = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
    unsigned long long loops = 10000000, count = 0;
    ioctl(counter, PERF_EVENT_IOC_ENABLE, 0);
    __asm__ volatile("1: subs %0, %0, #1\\n b.ne 1b\\n" : "+r"(loops));
    ioctl(counter, PERF_EVENT_IOC_DISABLE, 0);
    if (read(counter, &count, sizeof count) != sizeof count) return 1;
    printf("%llu\\n", count);
}
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[ArmVm]:
    with boot() as running:
        yield running


class Adb:
    """Google's adb with a server of its own, so that neither the user's devices nor keys are touched."""

    def __init__(self, home: Path, key: Path, port: int) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            server_port = str(probe.getsockname()[1])
        self.serial = f"127.0.0.1:{port}"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "ADB_VENDOR_KEYS": str(key)}
        self.environment["ANDROID_ADB_SERVER_PORT"] = server_port

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["adb", *words], env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )


@pytest.fixture
def adb(machine: ArmVm, tmp_path: Path) -> Iterator[Adb]:
    client = Adb(tmp_path, machine.adb_key, machine.adb_port)
    yield client
    client("kill-server")


def ssh(
    machine: ArmVm, *words: str, known_hosts: Path | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    options = (
        f"UserKnownHostsFile={known_hosts or machine.known_hosts}",
        *("StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "BatchMode=yes", "ConnectTimeout=30"),
    )
    login = ("-F", "none", "-p", str(machine.ssh_port), "-i", str(machine.ssh_key))
    flags = [word for option in options for word in ("-o", option)]
    argv = ["ssh", *login, *flags, f"{machine.ssh_user}@127.0.0.1", *words]
    return subprocess.run(argv, input=stdin, capture_output=True, timeout=60, check=False)


# The machine answers as a device does --------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.device
def test_adb_pushes_runs_and_passes_the_exit_code(adb: Adb, tmp_path: Path) -> None:
    assert "connected to" in adb("connect", adb.serial).stdout
    assert "model:Harness_ARM_VM" in adb("devices", "-l").stdout
    script = tmp_path / "script"
    script.write_text("id -un; uname -m; echo complaint >&2; exit 42\n")
    assert adb("-s", adb.serial, "push", str(script), "/data/local/tmp/script").returncode == 0
    done = adb("-s", adb.serial, "shell", "sh /data/local/tmp/script")
    assert (done.returncode, done.stdout, done.stderr) == (42, "shell\naarch64\n", "complaint\n")


@pytest.mark.slow
@pytest.mark.device
def test_adb_with_another_key_is_refused(machine: ArmVm, tmp_path: Path) -> None:
    stranger = Adb(tmp_path, tmp_path / "key", machine.adb_port)
    assert stranger("keygen", str(tmp_path / "key")).returncode == 0
    try:
        assert "failed to authenticate" in stranger("connect", stranger.serial).stdout
        done = stranger("-s", stranger.serial, "shell", "id")
        assert done.returncode != 0
        assert "uid=" not in done.stdout
    finally:
        stranger("kill-server")


@pytest.mark.slow
@pytest.mark.device
def test_adb_shell_logs_in_with_the_key_only(machine: ArmVm) -> None:
    public = machine.adb_key.with_suffix(".pub").read_text()
    signer = PythonRSASigner(public, machine.adb_key.read_text())
    device = AdbDeviceTcp("127.0.0.1", machine.adb_port, default_transport_timeout_s=30)
    try:
        with pytest.raises(DeviceAuthError):
            device.connect(rsa_keys=[])
        device.connect(rsa_keys=[signer])
        assert device.shell("id -u").strip() == "2000"
    finally:
        device.close()


@pytest.mark.slow
@pytest.mark.device
def test_ssh_accepts_the_host_by_its_key_and_its_user_may_sudo(machine: ArmVm) -> None:
    done = ssh(machine, "id -un; sudo id -un; touch /data/local/tmp/mine; exit 7")
    assert (done.returncode, done.stdout) == (7, b"harness\nroot\n")


@pytest.mark.slow
@pytest.mark.device
def test_ssh_refuses_an_unknown_host(machine: ArmVm, tmp_path: Path) -> None:
    nobody_known = tmp_path / "known_hosts"
    nobody_known.touch()
    done = ssh(machine, "id", known_hosts=nobody_known)
    assert done.returncode == 255
    assert b"Host key verification failed" in done.stderr


@pytest.mark.slow
@pytest.mark.device
def test_a_killed_adbd_comes_back(machine: ArmVm, adb: Adb) -> None:
    before = ssh(machine, "pidof adbd").stdout
    assert ssh(machine, "sudo kill -9 $(pidof adbd)").returncode == 0
    deadline = time.monotonic() + 60
    while "connected to" not in adb("connect", adb.serial).stdout and time.monotonic() < deadline:
        adb("disconnect", adb.serial)
        time.sleep(0.2)
    assert adb("-s", adb.serial, "shell", "id -un").stdout == "shell\n"
    assert ssh(machine, "pidof adbd").stdout not in (before, b"")


@pytest.mark.slow
@pytest.mark.device
def test_instructions_are_counted_exactly_without_privileges(machine: ArmVm, tmp_path: Path) -> None:
    (tmp_path / "loop.c").write_text(COUNTED_LOOP)
    compiler = [
        "aarch64-linux-gnu-gcc",
        "-O2",
        "-static",
        "-o",
        str(tmp_path / "loop"),
        str(tmp_path / "loop.c"),
    ]
    subprocess.run(compiler, check=True, timeout=60)
    copy = "cat > /data/local/tmp/loop && chmod 755 /data/local/tmp/loop"
    assert ssh(machine, copy, stdin=(tmp_path / "loop").read_bytes()).returncode == 0
    counts = ssh(machine, "for i in 1 2 3 4 5; do /data/local/tmp/loop; done").stdout.split()
    assert len(counts) == 5
    assert len(set(counts)) == 1
    assert 0 <= int(counts[0]) - 20_000_000 < 100  # the loop and the way into it


@pytest.mark.slow
@pytest.mark.device
def test_an_idle_machine_leaves_the_host_alone(machine: ArmVm) -> None:
    def seconds_of_a_core() -> float:
        """User and system time of the process, proc(5)."""
        words = Path(f"/proc/{machine.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    assert ssh(machine, "true").returncode == 0
    before = seconds_of_a_core()
    time.sleep(3)
    assert seconds_of_a_core() - before < 1


@pytest.mark.slow
@pytest.mark.device
def test_the_guest_cannot_reach_its_host(machine: ArmVm) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert b"SSH-" in ssh(machine, "busybox nc -w 5 127.0.0.1 22 < /dev/null").stdout
        # 10.0.2.2 is this machine as QEMU shows it to its guests.
        assert ssh(machine, f"busybox nc -w 5 10.0.2.2 {port} < /dev/null").returncode != 0
        listener.settimeout(0.5)
        with pytest.raises(TimeoutError):
            listener.accept()


# It never lingers ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.device
def test_an_exception_stops_the_machine() -> None:
    with pytest.raises(KeyboardInterrupt), boot(virtual_time=False) as running:
        raise KeyboardInterrupt
    assert _gone(running.pid)


@pytest.mark.slow
@pytest.mark.device
def test_the_machine_dies_with_a_killed_harness(tmp_path: Path) -> None:
    story = (
        "import threading, time; from harness.devices.arm_vm.machine import boot\n"
        "def work():\n"
        "    with boot() as running: print(running.pid, flush=True); time.sleep(600)\n"
        "threading.Thread(target=work).start()\n"
    )
    # Booted from a thread which is not the main one: its end must not matter, the process's must.
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    argv = [sys.executable, "-c", story]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment) as harness:
        try:
            pid = int(harness.stdout.readline()) if harness.stdout else 0
            os.kill(pid, 0)
        finally:
            harness.send_signal(signal.SIGKILL)
    assert _gone(pid)


def _gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True
        time.sleep(0.1)
    return False


# What may be wrong ---------------------------------------------------------------------------------


def test_a_machine_that_does_not_come_up_shows_what_qemu_said(tmp_path: Path) -> None:
    with pytest.raises(DeviceUnfit, match=r"did not come up: qemu-system-aarch64 ended\n  qemu: "):
        boot(machine=tmp_path).__enter__()


def test_a_missing_qemu_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceUnfit) as caught:
        boot(machine=tmp_path).__enter__()
    assert caught.value.hint == "apt-get install qemu-system-arm"


def test_a_build_that_fails_tells_why_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "programs").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DeviceUnfit, match=r"could not be built: missing: .*clang\+\+") as caught:
        build_machine()
    assert "clang" in caught.value.hint
    assert [path.name for path in (tmp_path / "cache" / "arm_vm").iterdir()] == ["build.lock"]


@pytest.mark.slow
@pytest.mark.device
def test_a_built_machine_is_used_again(machine: ArmVm) -> None:
    answer: list[str] = []
    assert build_machine(answer.append) == machine.adb_key.parent
    assert answer == []
    assert machine.adb_key.stat().st_mode & 0o77 == 0
    assert machine.ssh_key.stat().st_mode & 0o77 == 0
