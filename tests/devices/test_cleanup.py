"""Cleaning a device: what is ours goes, running jobs included; what is not ours stays."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.devices.cleanup import clean
from harness.devices.device import Device, describe
from harness.errors import DeviceUnfit
from harness.system.paths import DEVICE_SCRIPTS
from harness.transports.local import LocalTransport


@pytest.fixture(params=["harness", "de vice's $(touch evil);\n"])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    name: str = request.param
    return tmp_path / name


@pytest.fixture
def device(folder: Path) -> Device:
    info, _ = describe(LocalTransport(), name="here", kind="host", folder=str(folder))
    return Device(info, LocalTransport(), str(folder), LocalTransport)


def fill(folder: Path) -> None:
    pushed = ("bundle-0123456789ab/runner", "artifacts/a.pte", "inputs/b.bin")
    for name in (*pushed, "jobs/current/stdout", "lock/holder"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(b"x" * 5000)
    for name in ("tune.journal.partial", "quiet.journal.partial"):
        (folder / name).touch()


@pytest.fixture
def runner(folder: Path) -> Iterator[int]:
    """A job as a killed harness leaves it: running, with its pid file."""
    job = folder / "jobs" / "current"
    launch = ["sh", str(DEVICE_SCRIPTS / "launch.sh"), "start", str(job), "--", "sleep", "600"]
    with subprocess.Popen(launch, stdout=subprocess.DEVNULL) as front:
        # The shell makes it empty first.
        while not ((job / "pid").exists() and (job / "pid").stat().st_size):
            pass
        pid = int((job / "pid").read_text())
        try:
            yield pid
        finally:
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, 9)
            front.wait(timeout=20)


def test_all_files_of_the_harness_are_removed(device: Device, folder: Path) -> None:
    fill(folder)
    cleaned = clean(device)
    assert not folder.exists()
    assert cleaned.folder == str(folder)
    assert cleaned.freed_bytes >= 5 * 5000


def test_what_others_put_there_stays(device: Device, folder: Path) -> None:
    fill(folder)
    for name in ("bundle-of-holiday-photos", "artifacts.txt", "notes"):
        (folder / name).write_text("mine")
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "kept").write_text("mine")
    (folder / "bundle-ba9876543210").symlink_to(outside)
    clean(device)
    assert sorted(path.name for path in folder.iterdir()) == [
        "artifacts.txt",
        "bundle-of-holiday-photos",
        "notes",
    ]
    assert (outside / "kept").read_text() == "mine"
    assert not (folder.parent / "evil").exists()
    assert not Path("evil").exists()


@pytest.mark.parametrize("name", ["tune.journal", "quiet.journal"])
def test_a_journal_that_cannot_be_undone_is_kept_and_reported(
    device: Device, folder: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_PROBE_ROOT", str(tmp_path / "empty"))
    fill(folder)
    text = "mobilenet-harness tuning 1\ngovernor.policy7 ondemand\nend\n"
    (folder / name).write_text(text)
    with pytest.raises(DeviceUnfit, match=r"except the journal.*governor.policy7"):
        clean(device)
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_text() == text


def test_settings_that_a_killed_run_left_are_restored_before_its_files_are_removed(
    device: Device, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_PROBE_ROOT", str(tmp_path / "root"))
    governors = []
    fill(folder)
    for index, journal in enumerate(("tune.journal", "quiet.journal")):
        governor = tmp_path / f"root/sys/devices/system/cpu/cpufreq/policy{index}/scaling_governor"
        governor.parent.mkdir(parents=True)
        governor.write_text("performance\n")
        governors.append(governor)
        (folder / journal).write_text(f"mobilenet-harness tuning 1\ngovernor.policy{index} ondemand\nend\n")
    clean(device)
    assert [governor.read_text() for governor in governors] == ["ondemand\n"] * 2
    assert not folder.exists()


def test_a_running_job_is_ended(device: Device, folder: Path, runner: int) -> None:
    assert clean(device).jobs == 1
    assert not Path(f"/proc/{runner}").exists()
    assert not folder.exists()


def test_a_process_that_only_has_the_same_number_is_left_alone(device: Device, folder: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as stranger:
        job = folder / "jobs" / "current"
        job.mkdir(parents=True)
        (job / "pid").write_text(f"{stranger.pid}\n")
        (job / "pid_started").write_text("1\n")
        clean(device)
        assert stranger.poll() is None
        stranger.kill()


def test_a_device_without_our_folder_is_clean(device: Device) -> None:
    cleaned = clean(device)
    assert (cleaned.jobs, cleaned.freed_bytes) == (0, 0)


def test_a_file_that_cannot_be_removed_is_reported(
    device: Device, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(folder)
    programs = folder.parent / "programs"
    programs.mkdir()
    (programs / "rm").write_text("#!/bin/sh\necho 'rm: artifacts: Read-only file system' >&2\nexit 1\n")
    (programs / "rm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    with pytest.raises(DeviceUnfit, match="could not be emptied: rm: artifacts: Read-only file system"):
        clean(device)
