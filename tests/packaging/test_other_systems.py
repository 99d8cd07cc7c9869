"""A host that is not Linux: no /proc, none of what only Linux's Python has, no names in its kernel."""

import subprocess
from pathlib import Path

import pytest
from scripted import run_scripted

from harness.devices.arm_vm.machine import boot
from harness.system.paths import PROJECT
from machine_user import user_environment

BASE = str(PROJECT / "benchmarks" / "base")
# Audit hooks see what Python opens and binds, whichever function it is.
ELSEWHERE = """
import os, platform, select, socket, sys, time
del os.sched_getaffinity, os.sched_setaffinity
del select.POLLRDHUP, socket.TCP_USER_TIMEOUT, socket.TCP_KEEPIDLE, socket.SO_PEERCRED, time.CLOCK_BOOTTIME
sysconf, readlink = os.sysconf, os.readlink
def without_linux(name):
    if name == "SC_AVPHYS_PAGES":
        raise ValueError("unrecognized configuration name")
    return sysconf(name)
def readable_link(path, **options):
    hide("os.readlink", (path,))
    return readlink(path, **options)
def hide(event, arguments):
    if event in ("open", "os.listdir", "os.scandir", "os.readlink") and arguments:
        if str(arguments[0]).startswith(("/proc", "/sys")):
            raise FileNotFoundError(2, "No such file or directory", str(arguments[0]))
    if event == "socket.bind" and isinstance(arguments[1], bytes) and arguments[1].startswith(b"\\0"):
        raise FileNotFoundError(2, "No such file or directory")
os.sysconf, os.readlink = without_linux, readable_link
platform.system = lambda: "Darwin"
sys.addaudithook(hide)
from harness.cli.main import main
main()
"""

# Of Python's modules and functions, what Windows lacks; what other packages import is there first.
WITHOUT_POSIX = """
import asyncio, filelock, importlib.abc, matplotlib, multiprocessing, numpy, os, platform, platformdirs
import rich.console, select, shutil, signal, socket, subprocess, sys, tempfile, time
ABSENT = ("fcntl", "grp", "pwd", "resource", "termios", "pty", "tty", "syslog")
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
for name in ABSENT:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Absent())
for name in ("O_CLOEXEC", "O_NONBLOCK", "O_NOFOLLOW", "O_DIRECTORY", "geteuid", "getegid", "fchmod"):
    delattr(os, name)
del os.killpg, select.epoll, select.poll, socket.AF_UNIX, time.clock_gettime
del signal.SIGHUP, signal.SIGKILL, signal.SIGURG, signal.pthread_kill
"""


def run_elsewhere(
    folder: Path, *argv: str, env: dict[str, str] | None = None, posix: bool = True
) -> subprocess.CompletedProcess[str]:
    return run_scripted(ELSEWHERE if posix else WITHOUT_POSIX + ELSEWHERE, folder, *argv, env=env)


@pytest.mark.parametrize("posix", [True, False], ids=["like macOS", "without POSIX"])
@pytest.mark.parametrize(
    ("argv", "answer"),
    [
        (("compare", BASE, BASE), "No worse"),
        (("pick", BASE), "mobilenet_v1_0.5_128"),
        (("report", BASE, "--out", "report"), "index.html"),
        (("history", BASE, BASE, "--out", "history.html"), "instructions"),
        (("devices",), "arm-vm"),
    ],
    ids=["compare", "pick", "report", "history", "devices"],
)
def test_what_reads_runs_and_lists_devices_needs_no_linux(
    tmp_path: Path, argv: tuple[str, ...], answer: str, *, posix: bool
) -> None:
    ended = run_elsewhere(tmp_path, *argv, posix=posix)
    assert ended.returncode == 0, ended.stderr
    assert answer in ended.stdout


@pytest.mark.parametrize("device", ["host", "emulator", "arm-vm"])
def test_a_device_that_runs_on_this_machine_is_refused_in_one_sentence(tmp_path: Path, device: str) -> None:
    ended = run_elsewhere(tmp_path, "run", "--device", device, "--width", "0.25", "--resolution", "32")
    assert ended.returncode == 2
    assert f"the device {device}, which runs on this machine, needs Linux, and this machine runs Darwin" in (
        ended.stderr
    )
    assert not (tmp_path / "results").exists()


def test_accuracy_on_this_machine_is_refused_before_a_device_is_touched(tmp_path: Path) -> None:
    (tmp_path / "devices.toml").write_text(
        "[devices.board]\nkind = 'linux_board'\naddress = 'nobody@127.0.0.1'\n"
    )
    (tmp_path / "w.safetensors").touch()
    accuracy = ("--weights", "w.safetensors", "--accuracy", "fashion-mnist", "--accuracy-on", "host")
    ended = run_elsewhere(tmp_path, "run", "--device", "board", *accuracy)
    assert ended.returncode == 2
    assert "the device host, which runs on this machine, needs Linux" in ended.stderr


def test_the_runner_is_not_built_but_installed(tmp_path: Path) -> None:
    ended = run_elsewhere(tmp_path, "bundle", "build", env={"HARNESS_CACHE": str(tmp_path / "cache")})
    assert ended.returncode == 1
    assert "building the runner needs Linux, and this machine runs Darwin" in ended.stderr
    assert "pip install mobilenet-harness-runner" in ended.stderr


@pytest.mark.slow
@pytest.mark.device
def test_a_board_is_measured_over_ssh(tmp_path: Path) -> None:
    with boot(virtual_time=False) as machine:
        (tmp_path / "devices.toml").write_text(
            f"[devices.board]\nkind = 'linux_board'\naddress = '{machine.ssh_user}@127.0.0.1'\n"
            f"port = {machine.ssh_port}\n"
        )
        programs = tmp_path / "programs"
        programs.mkdir()
        shape = ("--width", "0.25", "--resolution", "32", "--precision", "fp32")
        pace = ("--processes", "1", "--warmup", "2", "--iterations", "5", "--min-time", "0")
        ended = run_elsewhere(
            tmp_path,
            *("run", "--device", "board", *shape, *pace, "--out", "run"),
            env=user_environment(machine, programs),
        )
    assert ended.returncode == 0, ended.stderr
    assert "0.25/32" in ended.stdout
