"""sampler.sh beside a program, under every shell that is here, on file trees that change meanwhile."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from harness.runner.sampler import parse_samples
from harness.system.paths import DEVICE_SCRIPTS

SCRIPT = DEVICE_SCRIPTS / "launch.sh"
CLOCK = "sys/devices/system/cpu/cpu{}/cpufreq/scaling_cur_freq"
ZONE = "sys/class/thermal/thermal_zone{}"
PERIOD_S = 0.05


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device of two cores, a zone of theirs and a battery's."""
    root = tmp_path / "root"
    write(root / "proc/uptime", "77.25 1.0\n")
    for core, khz in ((0, 1803000), (7, 2802000)):
        write(root / CLOCK.format(core), f"{khz}\n")
    for index, (name, degrees) in enumerate((("battery", 31000), ("cpu-0-0-usr", 45100))):
        write(root / ZONE.format(index) / "type", f"{name}\n")
        write(root / ZONE.format(index) / "temp", f"{degrees}\n")
    monkeypatch.setenv("HARNESS_PROBE_ROOT", str(root))
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job's folder with a name that needs quoting."""
    return tmp_path / "jobs" / 'it\'s a "job" $HOME'


Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(shell: str, job: Path) -> Iterator[Start]:
    """Start a job and return once it is sampled; whatever is left of it is killed in the end."""

    def begin(*argv: str, beside: str = f"conditions {PERIOD_S} 0") -> subprocess.Popen[bytes]:
        words = [shell, str(SCRIPT), "start", str(job), "--beside", beside, "--", *argv]
        front = subprocess.Popen(words, stdout=subprocess.DEVNULL, start_new_session=True)
        wait_until((job / "sampler_pid").exists)
        return front

    yield begin
    for name in ("pid", "sampler_pid"):
        if (job / name).exists():
            kill(int((job / name).read_text()))


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def samples_of(job: Path) -> int:
    return (job / "samples").read_text().count("sample ") if (job / "samples").exists() else 0


def is_sampling(job: Path) -> bool:
    """Whether the sampler lives; a zombie does not."""
    try:
        stat = Path(f"/proc/{(job / 'sampler_pid').read_text().strip()}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_a_long_program_keeps_the_lock_of_its_harness_fresh(tree: Path, start: Start, job: Path) -> None:
    lock = job.parents[1] / "lock" / "renewed"
    lock.parent.mkdir(parents=True)
    lock.write_text("1.00 1.00\n")
    start("sleep", "0.5").wait(timeout=20)
    assert float(lock.read_text().split()[0]) > 1
    wait_until(lambda: not is_sampling(job))
    assert "lines" not in parse_samples((job / "samples").read_bytes(), PERIOD_S).unreadable


@pytest.mark.parametrize("beside", [f"conditions {PERIOD_S} 0 lock", "lock"])
def test_the_lock_is_kept_also_where_nothing_is_sampled(
    tree: Path, start: Start, job: Path, beside: str
) -> None:
    shutil.rmtree(tree / "sys")
    lock = job.parents[1] / "lock" / "renewed"
    lock.parent.mkdir(parents=True)
    lock.write_text("1.00 1.00\n")
    started = start("sleep", "1", beside=beside)
    wait_until(lambda: float(lock.read_text().split()[0]) > 1)
    assert is_sampling(job)
    started.wait(timeout=20)
    wait_until(lambda: not is_sampling(job))


def test_zones_beyond_the_limit_are_counted(tree: Path, start: Start, job: Path) -> None:
    for index in range(2, 22):
        write(tree / ZONE.format(index) / "type", f"cpu-{index}\n")
        write(tree / ZONE.format(index) / "temp", "41000\n")
    start("sleep", "0.5").wait(timeout=20)
    wait_until(lambda: not is_sampling(job))
    sampled = parse_samples((job / "samples").read_bytes(), PERIOD_S)
    assert len(sampled.zones) == 16
    assert sampled.unreadable["zones"] == "5 of 21 are not sampled"
    assert "lines" not in sampled.unreadable


@pytest.mark.parametrize("folder", [".", "device"])
def test_without_zones_the_chips_of_hwmon_are_sampled(
    tree: Path, start: Start, job: Path, folder: str
) -> None:
    shutil.rmtree((tree / ZONE.format(0)).parent)
    chips = tree / "sys/class/hwmon"
    write(chips / "hwmon1/name", "scpi_sensors\n")
    write(chips / "hwmon1/temp2_label", "big\n")
    write(chips / "hwmon1/temp2_input", "45100\n")
    write(chips / f"hwmon0/{folder}/name", "soc_dts\n")
    write(chips / f"hwmon0/{folder}/temp1_input", "40000\n")
    start("sleep", "0.5").wait(timeout=20)
    wait_until(lambda: not is_sampling(job))
    sampled = parse_samples((job / "samples").read_bytes(), PERIOD_S)
    assert sampled.zones == ("soc_dts temp1",)
    assert sampled.samples[0].celsius == (40.0,)
    assert "lines" not in sampled.unreadable


def test_a_core_without_a_clock_of_its_own_has_that_of_its_policy(
    tree: Path, start: Start, job: Path
) -> None:
    cpus = (tree / CLOCK.format(0)).parents[2]
    for core in (4, 5, 6):  # the last one is off line
        (cpus / f"cpu{core}").mkdir()
    write(cpus / "cpufreq/policy4/affected_cpus", "4 5\n")
    write(cpus / "cpufreq/policy4/scaling_cur_freq", "2200000\n")
    write(cpus / "cpu0/cpufreq/affected_cpus", "0 1\n")
    (cpus / "cpu1").mkdir()
    start("sleep", "0.5").wait(timeout=20)
    wait_until(lambda: not is_sampling(job))
    found = parse_samples((job / "samples").read_bytes(), PERIOD_S)
    clocks = dict(zip(found.cores, found.samples[0].frequencies_khz, strict=True))
    assert clocks == {0: 1803000, 1: 1803000, 4: 2200000, 5: 2200000, 7: 2802000}
    assert "lines" not in found.unreadable


def test_chips_of_the_cores_are_sampled_rather_than_other_zones(tree: Path, start: Start, job: Path) -> None:
    write(tree / ZONE.format(1) / "type", "acpitz\n")
    chips = tree / "sys/class/hwmon"
    for index, (name, degrees) in enumerate((("nvme", 66000), ("coretemp", 78000))):
        write(chips / f"hwmon{index}/name", f"{name}\n")
        write(chips / f"hwmon{index}/temp1_input", f"{degrees}\n")
    write(chips / "hwmon1/temp1_label", "Package id 0\n")
    start("sleep", "0.5").wait(timeout=20)
    wait_until(lambda: not is_sampling(job))
    assert parse_samples((job / "samples").read_bytes(), PERIOD_S).zones == ("coretemp Package id 0",)


def test_clocks_and_the_cores_own_zones_are_recorded_while_the_program_runs(
    tree: Path, start: Start, job: Path
) -> None:
    front = start("sleep", "0.5")
    front.wait(timeout=20)
    assert (job / "status").read_text() == "0\n"
    wait_until(lambda: not is_sampling(job))
    found = parse_samples((job / "samples").read_bytes(), PERIOD_S)
    assert (found.cores, found.zones, found.unreadable) == ((0, 7), ("cpu-0-0-usr",), {})
    assert len(found.samples) > 3
    first = found.samples[0]
    assert (first.uptime_seconds, first.frequencies_khz, first.celsius) == (
        77.25,
        (1803000, 2802000),
        (45.1,),
    )


def has_more_samples(job: Path, number: int) -> bool:
    return samples_of(job) > number


def test_a_core_that_slows_down_and_recovers_is_seen(tree: Path, start: Start, job: Path) -> None:
    front = start("sleep", "1")
    for khz in (1200000, 2802000):
        (tree / CLOCK.format(7)).write_text(f"{khz}\n")
        wait_until(partial(has_more_samples, job, samples_of(job) + 1))
    front.wait(timeout=20)
    clocks = [
        one.frequencies_khz[1] for one in parse_samples((job / "samples").read_bytes(), PERIOD_S).samples
    ]
    assert 1200000 in clocks
    assert clocks[-1] == 2802000


def test_a_zone_that_vanishes_and_garbage_are_unreadable_and_sampling_goes_on(
    tree: Path, start: Start, job: Path
) -> None:
    front = start("sleep", "2")
    wait_until(lambda: samples_of(job) > 1)
    shutil.rmtree(tree / ZONE.format(1))
    (tree / CLOCK.format(0)).write_text("12,3 ./\x1b[2J$(touch gone)\n")
    seen = samples_of(job)
    wait_until(lambda: samples_of(job) > seen + 3)
    assert front.wait(timeout=20) == 0
    found = parse_samples((job / "samples").read_bytes(), PERIOD_S)
    assert (found.samples[0].frequencies_khz[0], found.samples[0].celsius) == (1803000, (45.1,))
    assert (found.samples[-1].frequencies_khz, found.samples[-1].celsius) == ((None, 2802000), (None,))
    assert set(found.unreadable) == {"clock of core 0", "zone cpu-0-0-usr"}


def test_without_a_zone_of_the_cores_every_zone_counts(tree: Path, start: Start, job: Path) -> None:
    shutil.rmtree(tree / ZONE.format(1))
    start("sleep", "0.2").wait(timeout=20)
    assert parse_samples((job / "samples").read_bytes(), PERIOD_S).zones == ("battery",)


def test_charge_voltage_and_constants_are_not_sampled(tree: Path, start: Start, job: Path) -> None:
    for index, (name, figure) in enumerate(
        (("soc", 87), ("vbat", 4243), ("ibat-high", 150), ("PMIC-Die", 100000), ("pm8350c-bcl-lvl0", 3)), 2
    ):
        write(tree / ZONE.format(index) / "type", f"{name}\n")
        write(tree / ZONE.format(index) / "temp", f"{figure}\n")
    start("sleep", "0.2").wait(timeout=20)
    assert parse_samples((job / "samples").read_bytes(), PERIOD_S).zones == ("cpu-0-0-usr",)


def test_the_dies_own_sensors_in_tenths_are_those_of_the_cores(tree: Path, start: Start, job: Path) -> None:
    for index in (1, 2):
        write(tree / ZONE.format(index) / "type", "tsens_tz_sensor\n")
        write(tree / ZONE.format(index) / "temp", "853\n")
    start("sleep", "0.2").wait(timeout=20)
    found = parse_samples((job / "samples").read_bytes(), PERIOD_S)
    assert found.zones == ("tsens_tz_sensor (zone 1)", "tsens_tz_sensor (zone 2)")
    assert found.samples[0].celsius == (85.3, 85.3)


def test_where_nothing_can_be_read_the_sampler_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Start, job: Path
) -> None:
    monkeypatch.setenv("HARNESS_PROBE_ROOT", str(tmp_path / "nothing"))
    front = start("sleep", "60")
    wait_until(lambda: not is_sampling(job))
    assert front.poll() is None
    kill(int((job / "pid").read_text()))
    front.wait(timeout=20)
    found = parse_samples((job / "samples").read_bytes(), PERIOD_S)
    assert found.unreadable == {
        "clocks while a process ran": "neither a clock nor a temperature can be read",
        "temperatures while a process ran": "neither a clock nor a temperature can be read",
    }


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_it_stays_on_the_cores_it_is_given_and_says_which_those_are(
    tree: Path, start: Start, job: Path
) -> None:
    core = max(os.sched_getaffinity(0))
    start("sleep", "0.2", beside=f"conditions {PERIOD_S} {1 << core:x}").wait(timeout=20)
    assert parse_samples((job / "samples").read_bytes(), PERIOD_S).cpus_allowed == str(core)


def test_stop_ends_the_program_and_its_sampler(shell: str, tree: Path, start: Start, job: Path) -> None:
    front = start("sleep", "60")
    subprocess.run([shell, str(SCRIPT), "stop", str(job)], check=True, timeout=30)
    front.wait(timeout=20)
    assert (job / "status").read_text() == "143\n"
    wait_until(lambda: not is_sampling(job))


def supervisor_of(job: Path) -> int:
    program = (job / "pid").read_text().strip()
    return int(Path(f"/proc/{program}/stat").read_text().rpartition(")")[2].split()[1])


def test_stop_ends_a_sampler_whose_supervisor_was_killed(
    shell: str, tree: Path, start: Start, job: Path
) -> None:
    front = start("sleep", "60", beside="conditions 30 0")
    kill(supervisor_of(job))
    subprocess.run([shell, str(SCRIPT), "stop", str(job)], check=True, timeout=30)
    front.wait(timeout=20)
    wait_until(lambda: not is_sampling(job))


def test_a_sampler_ends_with_its_program_when_everything_else_was_killed(
    tree: Path, start: Start, job: Path
) -> None:
    front = start("sleep", "60")
    supervisor, program = supervisor_of(job), int((job / "pid").read_text())
    kill(supervisor)
    kill(program)
    front.wait(timeout=20)
    wait_until(lambda: not is_sampling(job))


def test_a_sampler_that_dies_does_not_touch_the_program(tree: Path, start: Start, job: Path) -> None:
    front = start("sh", "-c", "sleep 0.5; exit 7")
    kill(int((job / "sampler_pid").read_text()))
    front.wait(timeout=20)
    assert (job / "status").read_text() == "7\n"
