"""`harness run` on a board over a real sshd, with all that `devices.toml` can say of one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.devices.arm_vm.machine import boot
from harness.runner.bundle import ensure_bundle
from machine_user import user_environment

SMALL = (
    *("--width", "0.25", "--resolution", "32", "--precision", "fp32", "--processes", "1"),
    *("--warmup", "2", "--iterations", "5", "--min-time", "0"),
)


@pytest.mark.slow
@pytest.mark.device
def test_a_board_is_measured_as_its_entry_says(run_harness: Callable[..., Any], tmp_path: Path) -> None:
    # A compiler newer than the machine's Debian 12 makes a runner that is too new for its glibc.
    own_glibc = ensure_bundle("arm64-v8a").needed_glibc() <= (2, 36)
    with boot(virtual_time=False) as machine:
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
