"""`harness run` on a board over a real sshd, with all that `devices.toml` can say of one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chosen_system import WITH_ROOT
from harness.devices.arm_vm.machine import boot
from harness.runner.bundle import ensure_bundle
from harness.transports.ssh import SshTransport
from machine_user import user_environment

SMALL = (
    *("--width", "0.25", "--resolution", "32", "--precision", "fp32", "--processes", "1"),
    *("--warmup", "2", "--iterations", "5", "--min-time", "0"),
)


# Android's layout of cpusets, with one of the machine's two cores in it.
MAKE_CPUSET = """
mkdir -p /dev/cpuset && mount -t cgroup -o cpuset,noprefix cpuset /dev/cpuset &&
mkdir /dev/cpuset/background && cd /dev/cpuset/background && echo 0 >cpus && echo 0 >mems && chmod 666 tasks
"""


@pytest.mark.slow
@pytest.mark.device
def test_a_cpuset_that_excludes_a_core_asked_for_is_a_reason(
    run_harness: Callable[..., Any], tmp_path: Path
) -> None:
    with boot(virtual_time=False) as machine:
        enter = 'echo 0 >/dev/cpuset/background/tasks; exec "$@"'
        (tmp_path / "devices.toml").write_text(
            f"[devices.board]\nkind = 'linux_board'\naddress = '{machine.ssh_user}@127.0.0.1'\n"
            f"port = {machine.ssh_port}\ncores = '0-1'\nlauncher = ['sh', '-c', '{enter}', 'sh']\n"
        )
        programs = tmp_path / "programs"
        programs.mkdir()
        environment = user_environment(machine, programs)
        options = (
            "-F",
            "none",
            "-i",
            str(machine.ssh_key),
            "-o",
            f"UserKnownHostsFile={machine.known_hosts}",
        )
        administrator = SshTransport(f"{machine.ssh_user}@127.0.0.1", port=machine.ssh_port, options=options)
        try:
            administrator.run(["sudo", "sh", "-c", MAKE_CPUSET], timeout_s=60).check()
        finally:
            administrator.close()
        ended = run_harness("run", "--device", "board", *SMALL, "--json", env=environment)
    assert ended.exit_code == 0, ended.stderr
    (cell,) = ended.document["cells"]
    assert cell["processes"][0]["scheduling"]["cpuset"] == "/background"
    (reason,) = (one for one in cell["verdict"]["reasons"] if one["code"] == "cpuset_excludes_cores")
    assert reason["detail"] == "the process's cpuset /background leaves cores 0, without 1"


@pytest.mark.slow
@pytest.mark.device
def test_a_board_is_measured_as_its_entry_says(run_harness: Callable[..., Any], tmp_path: Path) -> None:
    # A compiler newer than the machine's Debian 12 makes a runner that is too new for its glibc.
    own_glibc = ensure_bundle("arm64-v8a").needed_glibc() <= (2, 36)
    with boot(virtual_time=False, system=WITH_ROOT) as machine:
        (tmp_path / "devices.toml").write_text(
            f"[devices.board]\nkind = 'raspberry_pi'\naddress = '{machine.ssh_user}@127.0.0.1'\n"
            f"port = {machine.ssh_port}\nfolder = '/home/{machine.ssh_user}/a folder'\n"
            f"libc = '{'system' if own_glibc else 'bundled'}'\n"
            "cores = '1'\nlauncher = ['nice', '-n', '5']\ntags = ['bench']\n"
        )
        programs = tmp_path / "programs"
        programs.mkdir()
        environment = user_environment(machine, programs)
        ended = run_harness("run", "--device", "tag:bench", *SMALL, "--json", env=environment)
    assert ended.exit_code == 0, ended.stderr
    (cell,) = ended.document["cells"]
    assert (cell["failure"], cell["parity"]["passed"]) == (None, True)
    assert (cell["device"]["name"], cell["device"]["transport"]) == ("board", "ssh")
    assert cell["device"]["libc"] == ("system glibc 2.36" if own_glibc else "bundled")
    assert cell["plan"]["cpus"] == "1"
    assert [process["cpus_allowed"] for process in cell["processes"]] == ["1"]
