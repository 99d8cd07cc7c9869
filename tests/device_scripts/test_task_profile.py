"""task_profile.sh under every shell that is here, with recorded control groups and settaskprofiles."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.devices.probe import Probed, parse_probe
from harness.runner.task_profile import task_profile_of
from harness.system.paths import DEVICE_SCRIPTS

SCRIPT = DEVICE_SCRIPTS / "task_profile.sh"
# What AOSP's program prints, whether or not the profiles of an aggregate did anything.
SAYS_APPLIED = 'echo "Profile $2 is applied successfully!"'
JOINS = """echo /top-app >$root/proc/self/cpuset
printf '4:cpuset:/top-app\\n3:cpu:/top-app\\n0::/\\n' >$root/proc/self/cgroup"""
REFUSES = 'echo "libprocessgroup: x" >&2; echo "Failed to apply $2 profile" >&2; exit 1'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A phone whose shell is in the root groups; top-app has a uclamp minimum."""
    tree = tmp_path / "root"
    for name, text in {
        "proc/self/cpuset": "/\n",
        "proc/self/cgroup": "4:cpuset:/\n3:cpu:/\n0::/\n",
        "dev/cpuctl/cpu.uclamp.min": "0.00\n",
        "dev/cpuctl/cpu.uclamp.max": "max\n",
        "dev/cpuctl/top-app/cpu.uclamp.min": "20.50\n",
        "dev/cpuctl/top-app/cpu.uclamp.max": "max\n",
    }.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    (tree / "bin").mkdir()
    return tree


Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def start(shell: str, root: Path, tmp_path: Path) -> Start:
    def run(*argv: str, settaskprofile: str | None = None, profile: str = "CPUSET_SP_TOP_APP") -> object:
        if settaskprofile is not None:
            program = root / "bin/settaskprofile"
            program.write_text(f"#!/bin/sh\nroot={root}\n{settaskprofile}\n")
            program.chmod(0o755)
        job = tmp_path / "a job"
        job.mkdir()
        words = [shell, str(SCRIPT), str(job), profile, *(argv or ("true",))]
        environment = {"HARNESS_PROBE_ROOT": str(root), "PATH": f"{Path(shell).parent}:/usr/bin:/bin"}
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=30)

    return run  # type: ignore[return-value]


def recorded(tmp_path: Path) -> Probed:
    return parse_probe((tmp_path / "a job/task_profile").read_text())


def test_what_takes_hold_is_read_from_the_kernel_with_its_uclamp(start: Start, tmp_path: Path) -> None:
    start(settaskprofile=f"{JOINS}; {SAYS_APPLIED}")
    found = task_profile_of("top-app", recorded(tmp_path))
    assert (found.took_hold, found.unavailable) == (("cpuset", "cpu"), None)
    assert (found.cpuset_before, found.cpuset_after) == ("/", "/top-app")
    assert found.cgroup_after == "4:cpuset:/top-app 3:cpu:/top-app 0::/"
    assert (found.uclamp_min_percent, found.uclamp_max_percent) == (20.5, 100.0)


def test_success_that_the_kernel_does_not_show_is_none(start: Start, tmp_path: Path) -> None:
    start(settaskprofile=SAYS_APPLIED)
    found = task_profile_of("top-app", recorded(tmp_path))
    assert found.took_hold == ()
    assert found.unavailable is not None
    assert found.unavailable.startswith(
        "settaskprofile reported success, but cpuset is /, cpu is /: where Android's control groups"
    )
    assert found.uclamp_min_percent == 0.0


def test_a_program_that_fails_gives_its_last_line_as_the_reason(start: Start, tmp_path: Path) -> None:
    start(settaskprofile=REFUSES)
    found = task_profile_of("top-app", recorded(tmp_path))
    assert found.took_hold == ()
    assert found.unavailable == "settaskprofile ended with 1: Failed to apply CPUSET_SP_TOP_APP profile"


def test_a_device_without_the_program_says_so_and_the_program_runs(start: Start, tmp_path: Path) -> None:
    ended = start("sh", "-c", "echo ran; exit 7")
    assert (ended.stdout, ended.returncode) == ("ran\n", 7)
    found = task_profile_of("top-app", recorded(tmp_path))
    assert found.unavailable == "the device has no settaskprofile, as Android has from release 13 on"


def test_a_kernel_with_one_of_the_controllers_is_in_effect_in_that_one(
    start: Start, root: Path, tmp_path: Path
) -> None:
    (root / "proc/self/cgroup").write_text("0::/\n")
    (root / "proc/self/cpuset").unlink()
    only_cpu = 'printf "2:cpu,cpuacct:/top-app\\n" >$root/proc/self/cgroup'
    start(settaskprofile=f"{only_cpu}; {SAYS_APPLIED}")
    found = task_profile_of("top-app", recorded(tmp_path))
    assert found.took_hold == ("cpu",)
    assert found.unavailable is not None
    assert "cpuset has no group" in found.unavailable
    assert found.uclamp_min_percent == 20.5


def test_the_profile_is_asked_for_the_process_that_becomes_the_program(start: Start, root: Path) -> None:
    ended = start("sh", "-c", "echo $$", settaskprofile='echo "$1" >$root/asked')
    assert ended.stdout == (root / "asked").read_text()


def test_words_reach_the_program_as_they_are(start: Start) -> None:
    ended = start("printf", "[%s]", "a b", "", "it's $HOME", settaskprofile=SAYS_APPLIED)
    assert ended.stdout == "[a b][][it's $HOME]"


def test_what_a_device_records_is_untrusted() -> None:
    hostile = parse_probe(
        "cgroup_after=4:cpuset:/x\x1b[2J 3:cpu:/top-app\ncpuset_after=/nottop-app\ncode=zero\n"
        "answer=\nuclamp_min=7e9\nuclamp_max=101.00\n"
    )
    found = task_profile_of("top-app", hostile)
    assert found.took_hold == ("cpu",)
    assert "\x1b" not in (found.cgroup_after or "")
    assert found.unavailable == "settaskprofile ended with an unknown code: (no output)"
    assert (found.uclamp_min_percent, found.uclamp_max_percent) == (None, None)


def test_too_few_words_are_refused(shell: str, tmp_path: Path) -> None:
    words = [shell, str(SCRIPT), str(tmp_path), "X"]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2
    assert "usage: task_profile.sh" in ended.stderr
