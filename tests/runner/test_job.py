"""Jobs on a device: they go on when the connection breaks, and how they ended is never guessed."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fakes import FlakyTransport
from harness.devices.device import Device, describe
from harness.devices.device_lock import hold_on_device
from harness.errors import ConnectionLost, DeviceUnfit, ReportRejected, TimedOut
from harness.runner.deploy import DeployedBundle
from harness.runner.job import MAX_FILE_BYTES, Job, JobLost
from harness.system.paths import DEVICE_SCRIPTS
from harness.transports.local import LocalTransport


def job_in(tmp_path: Path, transport: LocalTransport | None = None) -> Job:
    info, _ = describe(LocalTransport(), name="here", kind="host", folder=str(tmp_path))
    device = Device(info, transport or LocalTransport(), str(tmp_path), LocalTransport)
    return Job(device, DeployedBundle(str(DEVICE_SCRIPTS), "ld.so"), str(tmp_path / "job"))


def starts(argv: Sequence[str]) -> bool:
    return "start" in argv


def fetches(argv: Sequence[str]) -> bool:
    return any("| head" in word for word in argv)


def test_nothing_is_started_on_a_device_that_another_harness_took(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    with hold_on_device(job.device, lambda text: None) as held:
        job = replace(job, device=held)
        assert job.run(["true"], timeout_s=30) == 0
        (tmp_path / "lock" / "holder").write_text("another's claim")
        with pytest.raises(DeviceUnfit, match="this run lost the device lock"):
            job.run(["sh", "-c", 'touch "$1/ran"', "x", str(tmp_path)], timeout_s=30)
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_cannot_be_written_is_named_and_nothing_is_started(tmp_path: Path) -> None:
    job = replace(job_in(tmp_path), folder=str(tmp_path / "file" / "job"))
    (tmp_path / "file").write_text("")
    with pytest.raises(DeviceUnfit, match=r"file/job cannot be written: mkdir: .*Not a directory"):
        job.run(["touch", str(tmp_path / "ran")], timeout_s=30)
    assert not (tmp_path / "ran").exists()


def test_a_disk_that_filled_up_is_named_and_not_a_program_that_vanished(tmp_path: Path) -> None:
    fills = 'for name in room status.partial; do ln -s /dev/full "$1/$name"; done'
    with pytest.raises(DeviceUnfit, match=r"the disk of .*/job is full") as error:
        job_in(tmp_path).run(["sh", "-c", fills, "x", "{job}"], timeout_s=30)
    assert error.value.hint == "free space on the device, or name another folder in devices.toml"


def test_starting_a_program_renews_this_runs_lock_and_no_others(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    renewed = tmp_path / "lock" / "renewed"
    with hold_on_device(job.device, lambda text: None) as held:
        renewed.write_text("1.00 1.00\n")
        job.run(["true"], timeout_s=30)
        assert renewed.read_text() == "1.00 1.00\n"
        job.remove()
        replace(job, device=held).run(["true"], timeout_s=30)
        assert float(renewed.read_text().split()[0]) > 1


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -SEGV $$", 128 + 11)])
def test_the_exit_code_comes_back(tmp_path: Path, script: str, code: int) -> None:
    assert job_in(tmp_path).run(["sh", "-c", script], timeout_s=30) == code


def test_the_job_folder_is_known_to_the_program(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    assert job.run(["sh", "-c", 'echo "it\'s" > "$1/re port"', "x", "{job}"], timeout_s=30) == 0
    assert job.fetch("re port") == b"it's\n"
    job.remove()
    assert not Path(job.folder).exists()


def test_a_broken_connection_does_not_end_the_job(tmp_path: Path) -> None:
    transport = FlakyTransport(starts)
    job = job_in(tmp_path, transport)
    assert job.run(["sh", "-c", 'echo done > "$1/out"', "x", "{job}"], timeout_s=30) == 0
    assert job.fetch("out") == b"done\n"
    assert any("wait" in command for command in transport.commands)


def test_a_command_that_never_arrived_is_sent_again(tmp_path: Path) -> None:
    class Swallows(FlakyTransport):
        """Loses the connection before the first start reaches the device."""

        def run(self, argv, **options):  # type: ignore[no-untyped-def]
            if starts(argv) and not any(map(starts, self.commands)):
                self.commands.append(tuple(argv))
                raise ConnectionLost("the cable was pulled")
            return super().run(argv, **options)

    transport = Swallows(lambda argv: False)
    job = job_in(tmp_path, transport)
    assert job.run(["sh", "-c", 'echo run >> "$1/runs"', "x", "{job}"], timeout_s=30) == 0
    assert job.fetch("runs") == b"run\n"
    assert sum(map(starts, transport.commands)) == 2


def test_a_job_that_vanished_is_an_error(tmp_path: Path) -> None:
    class Reboots(FlakyTransport):
        """Loses the connection, and after it the job has left no status, as after a restart."""

        def run(self, argv, **options):  # type: ignore[no-untyped-def]
            try:
                return super().run(argv, **options)
            finally:
                if starts(argv):
                    (tmp_path / "job" / "status").unlink()

    with pytest.raises(JobLost, match="vanished without a status"):
        job_in(tmp_path, Reboots(starts)).run(["true"], timeout_s=30)


def test_a_job_that_never_ends_is_stopped(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    with pytest.raises(TimedOut):
        job.run(["sleep", "1000"], timeout_s=1.0)
    pid = (tmp_path / "job" / "pid").read_text().strip()
    assert not Path(f"/proc/{pid}").exists()


def test_the_last_output_of_a_program_is_kept_and_made_harmless(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    assert job.run(["sh", "-c", r"printf 'one\ntwo\033[2J\n' >&2; exit 3"], timeout_s=30) == 3
    assert job.last_output() == "one | two [2J"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    job.run(["true"], timeout_s=30)
    with pytest.raises(ReportRejected, match=r"report\.json could not be fetched whole.*No such file"):
        job.fetch("report.json")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        ('mkfifo "$1/report.json"', "not a file"),
        ('mkdir "$1/report.json"', "not a file"),
        ('ln -s /dev/zero "$1/report.json"', "not a file"),
        ('ln -s nowhere "$1/report.json"', "No such file"),
        (f'truncate -s {MAX_FILE_BYTES + 5} "$1/report.json"', "could not be fetched whole"),
    ],
)
def test_what_is_no_report_file_is_refused_at_once(tmp_path: Path, make: str, words: str) -> None:
    job = job_in(tmp_path)
    assert job.run(["sh", "-c", make, "x", "{job}"], timeout_s=30) == 0
    with pytest.raises(ReportRejected, match=words):
        job.fetch("report.json")


def test_a_file_that_changes_while_fetched_is_fetched_again(tmp_path: Path) -> None:
    class Truncates(FlakyTransport):
        """Cuts the answer of the first fetch short."""

        def run(self, argv, **options):  # type: ignore[no-untyped-def]
            completed = super().run(argv, **options)
            if fetches(argv) and len([c for c in self.commands if fetches(c)]) == 1:
                return type(completed)(
                    completed.argv, completed.exit_code, completed.stdout[:-2], completed.stderr
                )
            return completed

    transport = Truncates(lambda argv: False)
    job = job_in(tmp_path, transport)
    job.run(["sh", "-c", 'echo whole > "$1/out"', "x", "{job}"], timeout_s=30)
    assert job.fetch("out") == b"whole\n"
    assert len([command for command in transport.commands if fetches(command)]) == 2


def test_the_jobs_folder_is_quoted_in_a_list_with_commas(tmp_path: Path) -> None:
    job = job_in(tmp_path / "a,b")
    assert (
        job.run(["sh", "-c", 'printf %s "$1 $2" > "$2/said"', "x", "out={job,,}", "{job}"], timeout_s=30) == 0
    )
    folder = f"{tmp_path}/a,b/job"
    assert job.fetch("said").decode() == f"out={folder.replace(',', ',,')} {folder}"


def fetched_together(tmp_path: Path, transport: LocalTransport, **contents: bytes) -> Job:
    job = job_in(tmp_path, transport)
    Path(job.folder).mkdir()
    for name, content in contents.items():
        (Path(job.folder) / name).write_bytes(content)
    return job.fetch_together("report.json", *contents)


def test_files_that_are_fetched_together_take_one_command(tmp_path: Path) -> None:
    transport = FlakyTransport(lambda argv: False)
    contents = {
        "empty": b"",
        "lines": b"\n\n1 lines\n\n",
        "binary": bytes(range(256)),
        "total": b"no end",
    }
    job = fetched_together(tmp_path, transport, **contents)
    assert len(transport.commands) == 1
    assert {name: job.fetch(name) for name in contents} == contents
    assert len(transport.commands) == 1
    with pytest.raises(ReportRejected, match=r"report\.json could not be fetched whole"):
        job.fetch("report.json")


def test_a_file_damaged_on_the_way_is_fetched_again_and_the_others_are_not(tmp_path: Path) -> None:
    class Damages(FlakyTransport):
        """Changes a byte of what it carries first."""

        def run(self, argv, **options):  # type: ignore[no-untyped-def]
            answer = super().run(argv, **options)
            return answer if len(self.commands) > 1 else replace(answer, stdout=answer.stdout[:-1] + b"?")

    transport = Damages(lambda argv: False)
    job = fetched_together(tmp_path, transport, whole=b"whole", harmed=b"harmed!")
    assert job.fetch("whole") == b"whole"
    assert len(transport.commands) == 1
    assert job.fetch("harmed") == b"harmed!"
    assert len(transport.commands) == 2


def test_what_would_wait_for_ever_or_is_too_large_is_not_fetched_with_the_others(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    os.mkfifo(tmp_path / "job" / "pipe")
    with (tmp_path / "job" / "huge").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    (tmp_path / "job" / "small").write_bytes(b"small")
    job = job_in(tmp_path).fetch_together("small", "pipe", "huge", "missing")
    assert dict(job.fetched) == {"small": b"small"}
