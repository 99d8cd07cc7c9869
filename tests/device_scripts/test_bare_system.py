"""The bundle brings everything it needs: a root with a static busybox and nothing else is enough."""

import os
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from harness.records import RunnerReport

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


def test_runner_and_launch_script_need_only_the_bundle_and_busybox(runner, bare_root: Path) -> None:
    shutil.copytree(runner.bundle.folder, bare_root / "bundle")
    shutil.copy(runner.programs.path("delegated"), bare_root / "model.pte")
    shutil.copy(runner.programs.input, bare_root / "input.bin")
    loader = f"/bundle/{runner.bundle.loader}"
    checked = enter(bare_root, "/bin/sh", "-c", "cd /bundle && sha256sum -c SHA256SUMS")
    assert checked.returncode == 0, checked.stdout
    ended = enter(
        *(bare_root, "/bin/sh", "/bundle/launch.sh", "start", "/jobs/1", "--"),
        *(loader, "--library-path", "/bundle", "/bundle/runner"),
        *("--model", "/model.pte", "--input", "/input.bin", "--report", "/jobs/1/report.json"),
        *("--threads", "2", "--max-seconds", "1"),
    )
    assert ended.stdout == "status 0\n", ended.stderr
    report = msgspec.json.decode((bare_root / "jobs/1/report.json").read_bytes(), type=RunnerReport)
    assert report.threads_used == 2
    assert report.output.values == pytest.approx(runner.programs.expected["delegated"][0], abs=1e-4)
