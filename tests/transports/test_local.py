"""This machine as a device."""

import os
import signal
import time
from pathlib import Path

import pytest

from harness.system.processes import ProgramTimedOut, run_local, start_local
from harness.transports.local import LocalTransport


def test_a_missing_program_is_127_and_one_that_may_not_run_126(tmp_path: Path) -> None:
    document = tmp_path / "document"
    document.write_text("no program")
    assert run_local(["no-such-program-anywhere"], timeout_s=10).exit_code == 127
    assert run_local([str(document / "below")], timeout_s=10).exit_code == 127
    assert run_local([str(document)], timeout_s=10).exit_code == 126


def test_a_signal_shows_as_128_plus_its_number() -> None:
    assert run_local(["sh", "-c", "kill -9 $$"], timeout_s=10).exit_code == 128 + signal.SIGKILL


def test_the_environment_is_added_to() -> None:
    completed = run_local(["sh", "-c", 'echo $ADDED; test -n "$PATH"'], timeout_s=10, env={"ADDED": "1"})
    assert (completed.exit_code, completed.stdout) == (0, b"1\n")


def test_a_timeout_kills_the_whole_group_and_keeps_what_was_said() -> None:
    with pytest.raises(ProgramTimedOut, match="did not end within") as caught:
        run_local(["sh", "-c", "sleep 4321 & echo $!; echo e >&2; sleep 4321"], timeout_s=0.5)
    assert caught.value.stderr == b"e\n"
    assert _ends(int(caught.value.stdout))


def test_a_timeout_ends_what_outlives_its_program_with_the_streams_open() -> None:
    with pytest.raises(ProgramTimedOut) as caught:
        run_local(["sh", "-c", "sleep 4321 & echo $!"], timeout_s=0.5)
    assert _ends(int(caught.value.stdout))


def _ends(pid: int) -> bool:
    for _ in range(100):
        try:
            if (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def test_files_connect_to_a_program_directly(tmp_path: Path) -> None:
    source, sink = tmp_path / "source", tmp_path / "sink"
    source.write_bytes(os.urandom(100_000))
    completed = run_local(["cat"], timeout_s=10, stdin_from=source, stdout_to=sink)
    assert (completed.exit_code, completed.stdout) == (0, b"")
    assert sink.read_bytes() == source.read_bytes()


def test_a_started_program_talks_through_pipes() -> None:
    with start_local(["cat"]) as process:
        assert process.communicate(b"hello")[0] == b"hello"


def test_a_failed_copy_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "destination").write_text("before")
    with pytest.raises(Exception, match="not a file"):
        LocalTransport().push(tmp_path / "missing", str(tmp_path / "destination"))
    assert (tmp_path / "destination").read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1
