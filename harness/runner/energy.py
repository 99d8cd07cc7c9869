"""One process that runs back to back between two idle windows, while a sensor reads power or energy."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import msgspec

from harness.devices.device import JOB
from harness.devices.energy_sources import FoundSensors
from harness.errors import MeasurementError, ReportRejected
from harness.records import Artifact, EnergyRun, EnergyWindow, Plan
from harness.records.energy_checks import find_impossible_windows
from harness.runner.command_line import runner_argv
from harness.runner.deploy import DeployedArtifact
from harness.runner.device_clock import read_offset, uptime_by_clock
from harness.runner.energy_readings import SensorFailed, cut_window, parse_readings
from harness.runner.energy_sensors import spans_of
from harness.runner.job import Job
from harness.runner.power_command import PowerMeter, metering, power_source
from harness.runner.power_trace import spans_of_trace
from harness.runner.report import fetch_conditions, fetch_report
from harness.runner.report_checks import check_lasted
from harness.runner.sampler import spare_cores
from harness.runner.start import request_now, start
from harness.system.text import excerpt

# Twice the shortest window: a slow gauge has as much time again for its updates.
LOAD_S = 60
# What is left out at the beginning of each idle window: cores, regulators and sensors settle.
SETTLING_S = 5.0
IDLE_S = 45
# Slow, so that reading is not in the way: a reading takes about a thousandth of it.
PERIOD_S = 1.0

_WINDOW = re.compile(r"(idle_before|idle_after) ([0-9]{1,10}\.[0-9]{1,6}) ([0-9]{1,10}\.[0-9]{1,6})")


@dataclass(frozen=True)
class EnergyPlan:
    """How long the device works and rests, how often it is read, and the user's meter, if there is one."""

    load_seconds: int = LOAD_S
    idle_seconds: float = IDLE_S
    settling_seconds: float = SETTLING_S
    period_seconds: float = PERIOD_S
    command: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """All windows."""
        return self.load_seconds + 2 * self.idle_seconds


@dataclass(frozen=True)
class _Idle:
    """When the device rested, in its uptime."""

    began_s: float
    seconds: float


def measure_energy(
    job: Job,
    deployed: DeployedArtifact,
    artifact: Artifact,
    plan: Plan,
    energy: EnergyPlan,
    found: FoundSensors,
    *,
    run: str = "",
    cooled_seconds: float | None = None,
) -> EnergyRun:
    """Let the device rest, work and rest, and read its sensor, or that of the user's command, meanwhile.

    Raises:
        SensorFailed: the sensor gave nothing that could be a device's energy.
        RunnerFailed, ReportRejected: as `measure_process` does.
        MeasurementError: the device's clock cannot be compared with this machine's.
    """
    plan = plan_under_load(plan, energy)
    argv = energy_argv(job, deployed, plan, energy, found)
    request = request_now(job, artifact, plan, argv, run=run, cooled_seconds=cooled_seconds)
    request = msgspec.structs.replace(request, energy=True)
    waiting = msgspec.structs.replace(plan, max_seconds=energy.seconds)
    with metering(energy.command) if energy.command else nullcontext() as meter, _ended_with(meter, job):
        before = read_offset(job.device) if meter else None
        exit_code, waited_s = start(job, request, waiting)
        report = fetch_report(job, exit_code, artifact, plan, timed=False)
        check_lasted(energy.seconds, job.device.info.clock, waited_s)
        if meter and before:
            source = power_source(energy.command)
            spans = meter.spans(uptime_by_clock(before, read_offset(job.device)))
        else:
            readings = job.fetch("readings")
            if found.word == "perfetto":
                source, spans = spans_of_trace(readings)
            else:
                source, spans = spans_of(found, parse_readings(readings))
    first, last = parse_windows(job.fetch("windows"))
    conditions = [fetch_conditions(job, name) for name in ("conditions_before", "conditions_after")]
    sustained = report.sustained
    if sustained is None:
        raise ReportRejected("the device's report lacks the seconds of the run under load")
    late_s, settling = 0.0 if meter else energy.period_seconds, energy.settling_seconds

    def cut(began_s: float, seconds: float, what: str) -> EnergyWindow:
        try:
            return cut_window(spans, began_s, seconds, late_s=late_s, what=what)
        except SensorFailed as error:
            raise SensorFailed(meter.with_skipped(error.what) if meter else error.what) from error

    def rested(window: _Idle, what: str) -> EnergyWindow:
        return cut(window.began_s + settling, window.seconds - settling, what)

    began_s, load_s = sustained.began_uptime_ns / 1e9, float(energy.load_seconds)
    measured = EnergyRun(
        started_at=request.started_at,
        source=source,
        idle_before=rested(first, "in the idle window before"),
        load=cut(began_s, load_s, "under load"),
        idle_after=rested(last, "in the idle window after"),
        inferences=sum(sustained.inferences),
        threads_used=report.threads_used,
        cpus_allowed=report.cpus_allowed,
        conditions_before=conditions[0],
        conditions_after=conditions[1],
        cooled_seconds=request.cooled_seconds,
        skipped_lines=meter.skipped if meter else 0,
    )
    for impossible in find_impossible_windows(measured):
        raise ReportRejected(f"the device's report is wrong: {impossible}", hint="measure again")
    return measured


@contextmanager
def _ended_with(meter: PowerMeter | None, job: Job) -> Iterator[None]:
    """End the program as soon as its meter ends: what is left of its windows would have no figure.

    Raises:
        SensorFailed: the meter ended, which is then why the program did.
    """
    if meter is None:
        yield
        return
    found = meter

    def watch() -> None:
        found.over.wait()
        if found.problem:
            job.stop_from_beside()

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    except MeasurementError as error:
        if found.problem:
            raise SensorFailed(found.with_skipped(found.problem)) from error
        raise
    finally:
        found.over.set()
        watching.join()


def parse_windows(content: bytes) -> tuple[_Idle, _Idle]:
    """The idle windows that `energy.sh` wrote down, before and after.

    Raises:
        ReportRejected: one is missing, ends before it begins, or there is something else.
    """
    matches = [_WINDOW.fullmatch(line) for line in content.decode("utf-8", "replace").splitlines()]
    found = [(m[1], float(m[2]), float(m[3])) for m in matches if m]
    names = [name for name, _, _ in found]
    times = [time for _, *both in found for time in both]
    if names != ["idle_before", "idle_after"] or len(matches) != 2 or times != sorted(times):
        raise ReportRejected(f"the idle windows are wrong: {excerpt(content.decode('utf-8', 'replace'))}")
    first, last = (_Idle(began, ended - began) for _, began, ended in found)
    return first, last


def plan_under_load(plan: Plan, energy: EnergyPlan) -> Plan:
    """Without warm-up, as a sustained run is; nothing is counted or timed one by one."""
    return msgspec.structs.replace(
        plan,
        warmup_iterations=0,
        min_iterations=1,
        min_seconds=0.0,
        max_seconds=float(energy.load_seconds),
        counted_iterations=0,
        sampler=False,
    )


def energy_argv(
    job: Job, deployed: DeployedArtifact, plan: Plan, energy: EnergyPlan, found: FoundSensors
) -> tuple[str, ...]:
    """The runner behind `energy.sh`, which rests, and reads the sensor on cores that are free."""
    word = "none" if energy.command else found.word
    cores = job.device.info.cores
    spare = spare_cores(cores, plan)
    mask = sum(1 << core for core in spare) if len(spare) < len(cores) else 0
    script = f"{job.bundle.folder}/energy.sh"
    idle, period = f"{energy.idle_seconds:g}", f"{energy.period_seconds:g}"
    runner = runner_argv(job.device, job.bundle, deployed, plan)
    return (
        *("sh", script, "run", JOB, word, idle, period, f"{mask:x}", "--"),
        *(*runner, "--sustain-seconds", str(energy.load_seconds)),
    )
