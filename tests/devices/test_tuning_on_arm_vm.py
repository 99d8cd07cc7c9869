"""`harness run --tune-device` on a live ARM kernel over its real adbd: killed, resumed, interrupted.

Its shell is busybox, which has its own `svc`, so staying awake is tested elsewhere.
The machine has neither cpufreq nor Android's programs: files and scripts mounted there stand for them.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.devices.android import FOLDER
from harness.devices.arm_vm.machine import ArmVm, boot
from harness.transports.ssh import SshTransport

pytestmark = [pytest.mark.slow, pytest.mark.device]

CPUS = "/sys/devices/system/cpu"
STATE = "/run/android"
GOVERNOR = f"{CPUS}/cpufreq/policy0/scaling_governor"
FILES = {
    f"{CPUS}/online": "0-1",
    f"{CPUS}/possible": "0-1",
    f"{CPUS}/present": "0-1",
    **{f"{CPUS}/cpu{i}/cpufreq/scaling_cur_freq": "2400000" for i in (0, 1)},
    **{f"{CPUS}/cpu{i}/cpufreq/scaling_governor": "schedutil" for i in (0, 1)},
    GOVERNOR: "schedutil",
    f"{STATE}/wake": "Asleep",
    f"{STATE}/fixed": "false",
}
PROGRAMS = {
    "input": f"echo Awake > {STATE}/wake",
    "cmd": f'echo "$3" > {STATE}/fixed',
    "dumpsys": f"""case $1 in
power) echo "  mWakefulness=$(cat {STATE}/wake)" ;;
meminfo) pss=$(sed -n 's/^Pss: *\\([0-9]*\\) kB/\\1/p' "/proc/$2/smaps_rollup")
    [ -n "$pss" ] || exit 1
    printf '** MEMINFO in pid %s [x] **\\n  TOTAL PSS: %9s   TOTAL SWAP PSS: 0\\n' "$2" "$pss" ;;
esac""",
}
PLAN = ("--processes", "2", "--warmup", "1", "--iterations", "3", "--min-time", "2", "--max-time", "3")
RUN = ("run", "-d", "board", "-w", "0.25", "-r", "32", "-p", "fp32", *PLAN, "--tune-device")


@pytest.fixture
def administrator(machine: ArmVm) -> Iterator[SshTransport]:
    options = ("-F", "none", "-i", str(machine.ssh_key), "-o", f"UserKnownHostsFile={machine.known_hosts}")
    transport = SshTransport(f"{machine.ssh_user}@127.0.0.1", port=machine.ssh_port, options=options)
    yield transport
    transport.close()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ArmVm]:
    """The machine, known to `harness` as the adb device `board`."""
    with boot(virtual_time=False) as running:
        (tmp_path / "devices.toml").write_text(
            '[devices.board]\nkind = "android"\ntransport = "adb-direct"\n'
            f'address = "127.0.0.1:{running.adb_port}"\n'
        )
        monkeypatch.setenv("ADB_VENDOR_KEYS", str(running.adb_key))
        yield running


def make_a_phone(administrator: SshTransport) -> None:
    lines = ["set -e", f"mkdir -p {STATE}"]
    lines += [f"mount -t tmpfs -o mode=1777 tmpfs {folder}" for folder in (CPUS, STATE)]
    for path, text in FILES.items():
        lines.append(f"mkdir -p {path.rpartition('/')[0]}; echo {text} > {path}; chmod 666 {path}")
    for name, text in PROGRAMS.items():
        path = f"/usr/bin/{name}"
        lines.append(f"printf '#!/bin/sh\\n%s\\n' {shlex.quote(text)} > {path}; chmod 755 {path}")
    administrator.run(["sudo", "sh", "-c", "\n".join(lines)], timeout_s=60).check()


def settings_of(administrator: SshTransport) -> tuple[str, ...]:
    """Governor, fixed performance."""
    files = [GOVERNOR, f"{STATE}/fixed"]
    return tuple(administrator.run(["cat", *files], timeout_s=60).check().text.split())


def start_measuring(administrator: SshTransport, folder: Path) -> subprocess.Popen[bytes]:
    """A run that is in the middle of its first process."""
    argv = [sys.executable, "-m", "harness", *RUN, "--quiet", "--out", "killed"]
    host = subprocess.Popen(argv, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pid = f"{FOLDER}/jobs/current/pid"
    alive = f'[ -s {pid} ] && [ -d "/proc/$(cat {pid})" ] && [ -e {FOLDER}/tune.journal ]'
    waits = f"until {alive}; do sleep 0.3; done"
    administrator.run(["sudo", "sh", "-c", waits], timeout_s=240).check()
    assert host.poll() is None
    return host


QUIET = ("performance", "true")
AS_BEFORE = ("schedutil", "false")


def test_a_killed_run_is_restored_by_the_next_and_an_interrupted_one_restores_itself(
    administrator: SshTransport, run_harness: Callable[..., Any], tmp_path: Path
) -> None:
    make_a_phone(administrator)
    with start_measuring(administrator, tmp_path) as host:
        os.kill(host.pid, signal.SIGKILL)
    assert settings_of(administrator) == QUIET
    examined = run_harness("doctor", "board", "--json")
    (left,) = [one for one in json.loads(examined.stdout) if one["what"] == "settings"]
    assert "governor.policy0 (was schedutil)" in left["detail"]
    assert settings_of(administrator) == QUIET

    ended = run_harness(*RUN[:-1], "--processes", "1", "--min-time", "0", "--out", "loud")
    assert ended.exit_code == 0, ended.stderr
    assert "restored governor.policy0 to schedutil" in ended.stderr
    assert settings_of(administrator) == AS_BEFORE

    ended = run_harness(*RUN, "--out", "run", "--json")
    assert ended.exit_code == 0, ended.stderr
    answer = ended.stderr
    assert answer.index("governor.policy0 is performance (was schedutil)") < answer.index("restored governor")
    assert settings_of(administrator) == AS_BEFORE
    check_cell(ended.document["cells"][0])
    report = (tmp_path / "run" / "report" / "report.md").read_text()
    assert "governor.policy0 performance (was schedutil)" in report

    for sent in (signal.SIGINT, signal.SIGTERM):
        (tmp_path / "killed").rename(tmp_path / f"before-{sent.name}")
        with start_measuring(administrator, tmp_path) as host:
            os.kill(host.pid, sent)
            assert host.wait(timeout=60) == 130
        assert settings_of(administrator) == AS_BEFORE
        assert administrator.run(["sudo", "ls", f"{FOLDER}/tune.journal"], timeout_s=60).exit_code != 0


def check_cell(cell: dict[str, Any]) -> None:
    settings = {setting["name"]: (setting["before"], setting["now"]) for setting in cell["tuning"]}
    assert settings == {
        "screen": ("Awake", "Awake"),
        "fixed_performance": (None, None),
        "governor.policy0": ("schedutil", "performance"),
    }
    # Two cores and one thread: the sampler ran without being asked.
    for process in cell["processes"]:
        assert process["sampled"]["cores"] == [0, 1]
        assert process["sampled"]["samples"][0]["frequencies_khz"] == [2_400_000] * 2
    detail = cell["memory"]["detail"]
    assert detail["dumpsys_unavailable"] is None
    # Taken while it ran, the other at its end.
    assert detail["dumpsys_pss_bytes"] == pytest.approx(detail["pss_end_bytes"], rel=0.1)
