"""The runner's processes on one device: one at a time, each in a cool device, and cancellable."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TypeVar

import msgspec

from harness.analysis.run_estimate import seconds_sustained
from harness.analysis.temperatures import hottest_celsius
from harness.devices.conditions import read_conditions
from harness.devices.device import Device
from harness.devices.energy_sources import FoundSensors, find_sensors
from harness.errors import MeasurementError, TimedOut
from harness.lowering.artifact_store import StoredArtifact
from harness.measuring.cooling import Cooled, Cooling
from harness.measuring.first_session import FirstSession
from harness.measuring.sustaining import CountDown, SustainPlan, counting_down
from harness.records import Artifact, Conditions, EnergyRun, Plan, RuntimeName, SustainedRun
from harness.records.requests import exact_rate
from harness.runner.deploy import DeployedArtifact, DeployedBundle, deploy_artifact, deploy_runtime
from harness.runner.energy import EnergyPlan, measure_energy
from harness.runner.energy_readings import SensorFailed
from harness.runner.job import Job, JobLost
from harness.runner.orphan import Request, find_orphan
from harness.runner.process import Measured, measure_process, reattach
from harness.runner.sustained import measure_sustained, reattach_sustained
from harness.system.threads import Cancellation

Figures = TypeVar("Figures")
ExtraPass = Callable[[Job, DeployedArtifact, Artifact, Plan], Figures]


class DeviceProcesses:
    """Starts processes on a device with a deployed bundle and returns what they measured.

    `progress` gets transient messages, `log` those worth keeping. `run` names the run folder: only a session
    of the same run may take over a process that this one leaves running when it is killed. `first_session` is
    that of this run on the device.

    All methods raise Interrupted once `cancellation` was used, whatever the ended process reported.
    """

    def __init__(
        self,
        device: Device,
        bundle: DeployedBundle,
        *,
        progress: Callable[[str], None],
        log: Callable[[str], None],
        cancellation: Cancellation,
        run: str = "",
        first_session: FirstSession | None = None,
    ) -> None:
        self.device = device
        self._bundle = bundle
        self._progress = progress
        self._log = log
        self._cancellation = cancellation
        self._run = run
        # One folder per device: jobs run there one after the other, and an orphaned one is found by it.
        self._job = Job(device, bundle, f"{device.folder}/jobs/current")
        self._deployed: dict[tuple[str, str, str | None], DeployedArtifact] = {}
        self._runners: dict[RuntimeName, DeployedBundle | None] = {}
        self._first = first_session or FirstSession()
        self._sensors: FoundSensors | None = None

    def measure(self, stored: StoredArtifact, plan: Plan, round_: int) -> Measured:
        """Run one fresh process; one that vanished without a status is started a second time.

        Raises:
            MeasurementError, TimedOut: it failed; or as `measure_process` does.
        """
        with self._cancellable():
            deployed = self._deploy(stored)
            cooled_seconds = self._cool_down(plan)
            self._progress(f"{_name(stored, plan)}, process {round_ + 1}")
            measure = partial(
                measure_process,
                self._job,
                deployed,
                stored.artifact,
                plan,
                round_=round_,
                run=self._run,
                cooled_seconds=cooled_seconds,
            )
            self._check_cancelled()
            try:
                return measure()
            except JobLost as error:
                self._check_cancelled()
                self._log(f"{error.what}; measuring this process again")
                return measure()

    def run_pass(
        self, extra_pass: ExtraPass[Figures], stored: StoredArtifact, plan: Plan, name: str
    ) -> Figures:
        """Run one further process for what cannot be seen while timing; raises as `measure` does."""
        with self._cancellable():
            self._progress(f"{_name(stored, plan)}, {name}")
            deployed = self._deploy(stored)
            self._check_cancelled()
            return extra_pass(self._job, deployed, stored.artifact, plan)

    def find_orphan(self) -> Request | None:
        """The process that an earlier session of this run left running on the device; any other is ended."""
        return find_orphan(self._job, self._run, self._log)

    def reattach(self, orphan: Request, stored: StoredArtifact, plan: Plan) -> Measured:
        """Wait for the orphaned process and take its report; raises as `measure` does."""
        with self._cancellable():
            deployed = self._deploy(stored)
            return reattach(self._job, orphan, deployed, stored.artifact, plan)

    def measure_energy(
        self, stored: StoredArtifact, plan: Plan, energy: EnergyPlan, count_down: CountDown
    ) -> EnergyRun:
        """Run one process between two idle windows in a cool device; raises as `measure` does.

        A device without a sensor is asked once, and nothing is run on it.
        """
        with self._cancellable():
            found = FoundSensors(None, "") if energy.command else self._find_sensors()
            if found.source is None and not energy.command:
                raise SensorFailed(found.reason)
            deployed = self._deploy(stored)
            cooled_seconds = self._cool_down(plan)
            self._check_cancelled()
            with counting_down(count_down, f"{_name(stored, plan)}, energy", energy.seconds):
                return measure_energy(
                    self._job,
                    deployed,
                    stored.artifact,
                    plan,
                    energy,
                    found,
                    run=self._run,
                    cooled_seconds=cooled_seconds,
                )

    def _find_sensors(self) -> FoundSensors:
        if self._sensors is None:
            self._sensors = find_sensors(self.device.transport, self.device.info.name)
        return self._sensors

    def sustain(
        self, stored: StoredArtifact, plan: Plan, sustain: SustainPlan, count_down: CountDown
    ) -> SustainedRun:
        """Wait until the device is cool, and run one process for minutes; raises as `measure` does."""
        with self._cancellable():
            deployed = self._deploy(stored)
            cooled, gate = self._cool_to_gate(plan, sustain)
            self._check_cancelled()
            seconds = seconds_sustained(sustain.seconds, self.device.info.clock)
            with counting_down(count_down, f"{_name(stored, plan)}, sustained", seconds):
                return measure_sustained(
                    self._job,
                    deployed,
                    stored.artifact,
                    msgspec.structs.replace(plan, sampler=sustain.sampler),
                    sustain.seconds,
                    run=self._run,
                    cooled_seconds=cooled.seconds if cooled else None,
                    max_temp_celsius=gate,
                    began_celsius=hottest_celsius(cooled.conditions)
                    if cooled and cooled.conditions
                    else None,
                )

    def reattach_sustained(
        self, orphan: Request, stored: StoredArtifact, plan: Plan, sustain: SustainPlan
    ) -> SustainedRun:
        """Wait for the sustained run that was left running and take its report; raises as `measure` does."""
        with self._cancellable():
            deployed = self._deploy(stored)
            self._progress(f"{_name(stored, plan)}, waiting for the sustained run that was left running")
            sampled = msgspec.structs.replace(plan, sampler=sustain.sampler)
            return reattach_sustained(self._job, orphan, deployed, stored.artifact, sampled, sustain.seconds)

    def end_orphan(self) -> None:
        """End the process that was left running."""
        self._job.stop()

    def clean_up(self) -> None:
        """Remove what the last process left on the device."""
        self._job.remove()

    @contextmanager
    def _cancellable(self) -> Iterator[None]:
        try:
            with self._cancellation.stopping(self._job.cancel, self.device.info.name):
                yield
        except (MeasurementError, TimedOut):
            # A process that was ended fails in some way, which is no result of its cell.
            self._check_cancelled()
            raise
        self._check_cancelled()

    def _check_cancelled(self) -> None:
        self._cancellation.check(self.device.info.name)

    def _deploy(self, stored: StoredArtifact) -> DeployedArtifact:
        artifact = stored.artifact
        key = artifact.sha256, artifact.reference_input_sha256, artifact.variant.method
        if key not in self._deployed:
            deployed = deploy_artifact(self.device, stored, self._progress)
            self._deployed[key] = replace(deployed, runner=self._runner_of(artifact.variant.runtime))
        return self._deployed[key]

    def _runner_of(self, runtime: RuntimeName) -> DeployedBundle | None:
        if runtime not in self._runners:
            self._runners[runtime] = deploy_runtime(self.device, runtime, self._progress)
        return self._runners[runtime]

    def _cool_down(self, plan: Plan) -> float | None:
        """Wait until the device is cool; the seconds waited, None where no temperature can be read.

        Heat changes nothing on a clock that is not real.
        """
        if self.device.info.clock != "real":
            return None
        if self._first.cooling is not None:
            cooling = self._first.cooling
            cooled = cooling.wait(self._read_conditions, self._pause)
        else:
            limits = plan.max_cooling_seconds, plan.cooled_within_celsius, plan.max_temp_celsius
            cooling = Cooling(self._read_conditions(), *limits)
            if cooling.max_celsius is not None and hottest_celsius(cooling.start) is None:
                self._log("--max-temp has no effect: no temperature can be read on this device")
            cooled = cooling.wait(self._read_conditions, self._pause)
            waited = cooled.conditions if cooled and cooled.seconds else None
            self._first.cooling = replace(cooling, start=waited or cooling.start)
        if cooled and cooled.conditions and cooling.is_too_hot(cooled.conditions):
            self._log(
                f"the device is still at {hottest_celsius(cooled.conditions):.1f} °C after cooling for"
                f" {cooled.seconds:g} s; --max-temp is {cooling.max_celsius:g} °C"
            )
        return cooled.seconds if cooled else None

    def _cool_to_gate(self, plan: Plan, sustain: SustainPlan) -> tuple[Cooled | None, float | None]:
        """Wait as `_cool_down` does, but for an absolute temperature; that is None where none can be read."""
        if self.device.info.clock != "real":
            return None, None
        now = self._read_conditions()
        if hottest_celsius(now) is None:
            self._log("no temperature can be read on this device: the sustained run may begin warm")
            return None, None
        gate = sustain.gate_celsius(now)
        # A rise since now cannot be: only the gate and the thermal status count.
        cooling = Cooling(now, sustain.longest_cooling_s, plan.cooled_within_celsius, gate)
        waited = cooling.wait(self._read_conditions, self._pause)
        seconds, last = (waited.seconds, waited.conditions or now) if waited else (0.0, now)
        if cooling.is_too_hot(last):
            self._log(
                f"the sustained run begins at {hottest_celsius(last):.1f} °C, above {gate:g} °C,"
                f" after cooling for {seconds:g} s"
            )
        return Cooled(seconds, last), gate

    def _read_conditions(self) -> Conditions:
        return read_conditions(self.device, self._bundle.probe_script)

    def _pause(self, seconds: float) -> None:
        self._progress("waiting for the device to cool down")
        self._cancellation.event.wait(seconds)
        self._check_cancelled()


def _name(stored: StoredArtifact, plan: Plan) -> str:
    """`mobilenet_v1_0.5_128_int8 t2 on 4-7`."""
    pinned = "" if plan.cpus is None else f" on {plan.cpus}"
    paced = "" if plan.rate_hz is None else f" at {exact_rate(plan.rate_hz)}/s"
    options = "" if plan.backend_options is None else f" {plan.backend_options}"
    return f"{stored.artifact.variant.name} t{plan.threads}{pinned}{paced}{options}"
