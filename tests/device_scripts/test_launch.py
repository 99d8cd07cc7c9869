"""launch.sh under every shell that is here: dash, busybox's, Android's mksh."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.system.paths import DEVICE_SCRIPTS

SCRIPT = DEVICE_SCRIPTS / "launch.sh"


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Path]:
    """A job's folder with a name that needs quoting; what still runs in it is killed in the end."""
    folder = tmp_path / "jobs" / 'it\'s a "job" $HOME'
    yield folder
    if (folder / "pid").exists():
        kill(int((folder / "pid").read_text()))


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


Launch = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def launch(shell: str) -> Launch:
    def run(command: str, job: Path, *argv: str) -> subprocess.CompletedProcess[str]:
        words = [shell, str(SCRIPT), command, str(job), *argv]
        return subprocess.run(words, capture_output=True, text=True, timeout=30)

    return run


@pytest.fixture
def start(shell: str, job: Path, tmp_path: Path) -> Start:
    """Start a job and return while it runs: `start` in a session of its own, as a connection has it."""

    def begin(*argv: str) -> subprocess.Popen[bytes]:
        front = subprocess.Popen(
            [shell, str(SCRIPT), "start", str(job), "--", *argv],
            stdout=subprocess.DEVNULL,
            cwd=tmp_path,
            start_new_session=True,
        )
        wait_for(job / "pid")
        return front

    return begin


def wait_for(path: Path) -> None:
    """Return when the file has a content: the shell makes it empty first."""
    deadline = time.monotonic() + 10
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < deadline, f"{path.name} did not appear"
        time.sleep(0.01)


def hang_up(front: subprocess.Popen[bytes], sent: signal.Signals) -> None:
    """What the end of a connection does to `start`."""
    os.killpg(front.pid, sent)
    front.wait(timeout=10)


@pytest.mark.parametrize("code", [0, 7, 255])
def test_tells_the_exit_code_last(launch: Launch, job: Path, code: int) -> None:
    ended = launch("start", job, "--", "sh", "-c", f"echo out; echo err >&2; exit {code}")
    assert (ended.returncode, ended.stdout) == (0, f"status {code}\n")
    assert (job / "status").read_text() == f"{code}\n"
    assert ((job / "stdout").read_text(), (job / "stderr").read_text()) == ("out\n", "err\n")


def test_tells_a_signal_as_128_and_its_number(launch: Launch, job: Path) -> None:
    assert launch("start", job, "--", "sh", "-c", "kill -SEGV $$").stdout == "status 139\n"


def test_tells_a_program_that_is_not_there_as_127(launch: Launch, job: Path) -> None:
    assert launch("start", job, "--", "/nonexistent/program").stdout == "status 127\n"
    assert "/nonexistent/program" in (job / "stderr").read_text()


def test_arguments_arrive_as_they_were_given(launch: Launch, job: Path) -> None:
    arguments = ["two words", "", "it's", '"quoted"', "$HOME", "*", "new\nline", "-n", "--"]
    launch("start", job, "--", "printf", "<%s>", *arguments)
    assert (job / "stdout").read_text() == "".join(f"<{argument}>" for argument in arguments)


def test_the_program_has_no_input(launch: Launch, job: Path) -> None:
    assert launch("start", job, "--", "cat").stdout == "status 0\n"


@pytest.mark.parametrize("sent", [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
def test_the_program_survives_the_end_of_the_connection(
    launch: Launch, start: Start, job: Path, sent: signal.Signals
) -> None:
    front = start("sh", "-c", "sleep 0.5; exit 5")
    hang_up(front, sent)
    assert not (job / "status").exists()
    assert launch("wait", job).stdout == "status 5\n"


def test_waiting_for_a_job_that_has_ended_tells_its_status_again(launch: Launch, job: Path) -> None:
    launch("start", job, "--", "sh", "-c", "exit 3")
    assert launch("wait", job).stdout == "status 3\n"


@pytest.mark.slow
def test_a_job_killed_with_its_supervisor_is_lost(launch: Launch, start: Start, job: Path) -> None:
    front = start("sleep", "60")
    program = int((job / "pid").read_text())
    supervisor = int(Path(f"/proc/{program}/stat").read_text().rpartition(")")[2].split()[1])
    kill(supervisor)
    kill(program)
    front.wait(timeout=10)
    assert launch("wait", job).stdout == "status lost\n"


@pytest.mark.slow
def test_a_job_that_is_not_there_is_lost(launch: Launch, tmp_path: Path) -> None:
    assert launch("wait", tmp_path / "nosuch").stdout == "status lost\n"


@pytest.mark.slow
def test_a_program_that_ended_unnoticed_is_lost(launch: Launch, job: Path) -> None:
    with subprocess.Popen(["true"]) as zombie:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        started = Path(f"/proc/{zombie.pid}/stat").read_text().rpartition(")")[2].split()[19]
        job.mkdir(parents=True)
        (job / "pid_started").write_text(f"{started}\n")
        (job / "pid").write_text(f"{zombie.pid}\n")
        assert launch("wait", job).stdout == "status lost\n"


def test_a_job_whose_folder_vanished_is_lost(start: Start, shell: str, job: Path) -> None:
    front = subprocess.Popen(
        [shell, str(SCRIPT), "start", str(job), "--", "sleep", "0.5"], stdout=subprocess.PIPE, text=True
    )
    wait_for(job / "pid")
    shutil.rmtree(job)
    assert front.communicate(timeout=10)[0] == "status lost\n"


def test_a_folder_without_room_for_the_status_is_full(launch: Launch, job: Path) -> None:
    job.mkdir(parents=True)
    for name in ("room", "status.partial"):
        (job / name).symlink_to("/dev/full")
    assert launch("start", job, "--", "true").stdout == "status full\n"
    assert launch("wait", job).stdout == "status full\n"


def test_a_folder_is_used_once(launch: Launch, job: Path) -> None:
    launch("start", job, "--", "true")
    again = launch("start", job, "--", "true")
    assert (again.returncode, again.stdout) == (2, "")
    assert "was used before" in again.stderr


def test_stop_ends_the_program_and_its_status_tells_so(launch: Launch, start: Start, job: Path) -> None:
    front = start("sleep", "60")
    assert launch("stop", job).returncode == 0
    front.wait(timeout=10)
    assert (job / "status").read_text() == "143\n"


@pytest.mark.slow
def test_stop_kills_what_does_not_listen(launch: Launch, start: Start, job: Path, tmp_path: Path) -> None:
    front = start("sh", "-c", "trap '' TERM; echo yes >deaf; while :; do sleep 1; done")
    wait_for(tmp_path / "deaf")
    launch("stop", job)
    front.wait(timeout=10)
    assert (job / "status").read_text() == "137\n"


def test_stop_spares_another_process_that_got_the_same_pid(launch: Launch, start: Start, job: Path) -> None:
    front = start("sleep", "60")
    for name in ("pid_started", "supervisor_pid_started"):
        (job / name).write_text("1\n")
    launch("stop", job)
    assert front.poll() is None
    hang_up(front, signal.SIGKILL)


def test_stop_spares_the_next_job_in_the_same_folder(
    launch: Launch, start: Start, shell: str, job: Path
) -> None:
    first = start("sleep", "60")
    with subprocess.Popen([shell, str(SCRIPT), "stop", str(job)]) as stopping:
        first.wait(timeout=10)
        shutil.rmtree(job)
        second = start("sleep", "60")
        assert stopping.wait(timeout=30) == 0
    assert not (job / "stopped").exists()
    assert second.poll() is None
    hang_up(second, signal.SIGKILL)


def test_stopping_what_has_ended_is_harmless(launch: Launch, job: Path) -> None:
    launch("start", job, "--", "true")
    assert launch("stop", job).returncode == 0
    assert (job / "status").read_text() == "0\n"


def test_conditions_are_left_before_and_after(launch: Launch, job: Path) -> None:
    assert launch("start", job, "--conditions", "--", "sh", "-c", "exit 4").stdout == "status 4\n"
    for name in ("conditions_before", "conditions_after"):
        assert (job / name).read_text().startswith("uptime_seconds=")


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A probe of the test's own beside a copy of launch.sh, which is then used."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    monkeypatch.setitem(globals(), "SCRIPT", shutil.copy(SCRIPT, folder))
    return folder / "probe.sh"


def test_a_probe_that_fails_is_told_among_the_conditions(launch: Launch, job: Path, probe: Path) -> None:
    probe.write_text("echo uptime_seconds=1; exit 3")
    assert launch("start", job, "--conditions", "--", "true").stdout == "status 0\n"
    assert (job / "conditions_after").read_text() == "uptime_seconds=1\n!all=probe.sh failed\n"


@pytest.mark.slow
def test_what_is_stopped_before_its_program_starts_starts_none(
    launch: Launch, shell: str, job: Path, probe: Path
) -> None:
    probe.write_text("sleep 2")
    words = [shell, str(SCRIPT), "start", str(job), "--conditions", "--", "touch", str(job / "evil")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as front:
        wait_for(job / "supervisor_pid")
        assert launch("stop", job).returncode == 0
        assert front.communicate(timeout=20)[0] == "status lost\n"
    assert not (job / "evil").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "usage: start JOBDIR"),
        (("wait",), "usage: start JOBDIR"),
        (("start", "job"), "start needs: JOBDIR -- ARGV..."),
        (("start", "job", "--"), "start needs: JOBDIR -- ARGV..."),
        (("fly", "job"), "unknown command: fly"),
    ],
)
def test_wrong_usage_is_refused(shell: str, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    ended = subprocess.run([shell, str(SCRIPT), *words], capture_output=True, text=True, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr
