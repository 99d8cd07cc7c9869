"""What is recorded of this machine's hosts of a lab."""

import os
from pathlib import Path

import pytest

from harness.lab.membership import NodeState, forget_ended, is_running, read_state, read_states, write_state
from harness.system.processes import process_start


def make_state(name: str, folder: Path, started: str) -> NodeState:
    folder.mkdir()
    return NodeState(name, "127.0.0.1:6379", os.getpid(), started, str(folder), is_head=False)


def test_what_a_killed_host_left_is_removed_and_one_that_runs_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    running = make_state("desk", tmp_path / "running", process_start(os.getpid()) or "")
    # Its process number has been given to another process: this one.
    killed = make_state("shelf", tmp_path / "killed", "1")
    for state in (running, killed):
        write_state(state)
    assert (is_running(running), is_running(killed)) == (True, False)
    forget_ended()
    assert read_states() == (running,)
    assert read_state("shelf") is None
    assert (Path(running.folder).exists(), Path(killed.folder).exists()) == (True, False)
