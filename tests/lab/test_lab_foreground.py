"""`--foreground`, for systemd and containers: a host is in the lab for as long as its command runs."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from lab_hosts import LabHosts, make_cache, require_ray

pytestmark = [pytest.mark.slow, pytest.mark.device]


@pytest.fixture
def alone(tmp_path: Path) -> LabHosts:
    """A host with a cache of its own, in no lab yet."""
    require_ray()
    return LabHosts(tmp_path, caches={"desk": make_cache(tmp_path / "cache-desk", with_programs=False)})


def start(hosts: LabHosts) -> "subprocess.Popen[str]":
    options = ("--name", "desk", "--device", "emu-a=emulator", "--object-store", "100MB", "--foreground")
    started = hosts.begin("desk", "lab", "start", "--address", hosts.address, *options)
    assert started.stdout
    said = iter(started.stdout.readline, "")
    assert any("desk is the head of a lab" in line for line in said), started.wait()
    assert hosts.ray_processes("desk")
    return started


def test_it_leaves_at_sigterm_and_after_lab_leave_with_exit_code_0(alone: LabHosts) -> None:
    started = start(alone)
    started.send_signal(signal.SIGTERM)
    output, _ = started.communicate(timeout=60)
    assert (started.returncode, alone.ray_processes()) == (0, []), output
    assert f"desk has left the lab at {alone.address}" in output
    again = start(alone)
    assert alone.leave("desk").exit_code == 0
    output, _ = again.communicate(timeout=60)
    assert (again.returncode, alone.ray_processes()) == (0, []), output


def test_it_ends_with_exit_code_4_when_ray_ends_so_that_it_is_started_again(alone: LabHosts) -> None:
    started = start(alone)
    state = json.loads((alone.caches["desk"] / "lab" / "hosts" / "desk.json").read_text())
    os.kill(state["pid"], signal.SIGKILL)
    output, _ = started.communicate(timeout=60)
    assert (started.returncode, alone.ray_processes()) == (4, []), output
    assert "Ray has ended on this host" in output
    assert not list((alone.caches["desk"] / "lab" / "hosts").iterdir())
