"""One device measuring its cells: rounds over all of them in random order, each visit a fresh process.

Interleaving spreads slow drifts (heat, other load) over all cells instead of onto the last one; compare
google/benchmark's `--benchmark_enable_random_interleaving`.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import msgspec

from harness.analysis.cells import build_cell, worse_parity
from harness.analysis.parity import compare, read_reference
from harness.analysis.stopping import is_complete, most_processes, reason_to_stop
from harness.devices.conditions import read_conditions
from harness.devices.device import Device
from harness.errors import Interrupted, LoweringError, MeasurementError, TimedOut
from harness.lowering.cache import StoredArtifact
from harness.measuring.cell_state import CellRequest, CellState, find_earlier
from harness.measuring.cooling import Cooling
from harness.measuring.passes import measure_memory, measure_profile, no_memory_detail, no_profile
from harness.records import Artifact, Cell, Failure, Plan, StoppedBy, TunedSetting, Variant
from harness.runner.bundle import Bundle
from harness.runner.deploy import DeployedArtifact, DeployedBundle, deploy_artifact, deploy_bundle
from harness.runner.job import Job, JobLost
from harness.runner.orphan import Request, find_orphan, is_of
from harness.runner.process import Measured, measure_process, reattach

Figures = TypeVar("Figures")


@dataclass
class Session:
    """A device, the runner and the artifacts for it, and whom to tell.

    `save` is called with the cell as it stands after each process; `tell` with what is going on, and `note`
    (without one, `tell`, too) with what is still worth knowing afterwards.
    `run` names the run folder, so that what an earlier session of it left on the device can be taken.
    Setting `cancelled` and ending the job in `current_job` makes `measure` raise `Interrupted`.
    """

    device: Device
    bundle: Bundle
    artifacts: Mapping[Variant, Future[StoredArtifact]]
    save: Callable[[Cell], None]
    log: Callable[[str], None]
    cancelled: threading.Event = field(default_factory=threading.Event)
    current_job: Job | None = None
    started: float = field(default_factory=time.monotonic)
    cooling: Cooling | None = None
    profile: bool = False
    run: str = ""
    note: Callable[[str], None] | None = None
    tuning: tuple[TunedSetting, ...] | None = None

    def measure(self, requests: Sequence[CellRequest], earlier: Sequence[Cell], *, seed: int) -> None:
        """Measure all cells; those in `earlier` go on from the processes they have.

        Raises:
            TransportError: the device is gone; what was saved stays.
            Interrupted: `cancelled` was set.
        """
        bundle = deploy_bundle(self.device, self.bundle, self.log)
        orphan = find_orphan(self._job(bundle), self.run, self._note)
        states = [CellState(request, find_earlier(request, earlier, self.device)) for request in requests]
        if orphan:
            self._reattach(orphan, states, bundle)
        rounds = max((most_processes(state.request.plan) for state in states), default=0)
        rng = random.Random(f"{seed} {self.device.info.name}")
        for round_ in range(rounds):
            for state in self._in_random_order(states, rng):
                if not self._is_finished(state) and len(state.processes) <= round_:
                    self._visit(state, bundle, round_)
        for state in states:
            self._add_passes(state, bundle)

    def _reattach(self, orphan: Request, states: Sequence[CellState], bundle: DeployedBundle) -> None:
        """Take the report of the process that was going on when this run was killed, or end that process."""
        job = self._job(bundle)
        for state in states:
            variant, plan = state.request.variant, state.request.plan
            if not is_of(orphan, variant, plan) or not self._take_artifact(state):
                continue
            if state.finished or len(state.processes) != orphan.round:
                continue
            stored = self.artifacts[variant].result()
            state.deployed = deploy_artifact(self.device, stored, self.log)
            self._note("taking what was measured meanwhile")
            self.current_job = job
            try:
                measured = reattach(job, orphan, state.deployed, stored.artifact, plan)
            except (MeasurementError, TimedOut) as error:
                self._check_cancelled()
                self._note(f"{error.what}; measuring it again from its beginning")
            else:
                self._add_process(state, stored, measured)
                self._save_what_is_there(state, stored)
                return
            finally:
                self.current_job = None
        job.stop()

    def _in_random_order(self, states: Sequence[CellState], rng: random.Random) -> Iterator[CellState]:
        """All drafts, shuffled; in the first round only among those whose artifact is ready."""
        waiting = list(states)
        while waiting:
            pending = {self.artifacts[state.request.variant] for state in waiting}
            if not any(future.done() for future in pending):
                self.log("waiting for the first variant to be lowered")
                while not wait(pending, timeout=0.2, return_when=FIRST_COMPLETED).done:
                    self._check_cancelled()
            ready = [state for state in waiting if self.artifacts[state.request.variant].done()]
            chosen = rng.choice(ready)
            waiting.remove(chosen)
            if self._take_artifact(chosen):
                yield chosen

    def _take_artifact(self, state: CellState) -> bool:
        """Whether there is one; a variant that could not be lowered is told by whoever lowered it."""
        if state.artifact is None:
            try:
                state.artifact = self.artifacts[state.request.variant].result()
            except LoweringError:
                return False
            earlier = state.earlier
            if earlier and earlier.artifact.sha256 == state.artifact.artifact.sha256:
                state.processes, state.parity = earlier.processes, earlier.parity
                self._save(state, earlier, earlier.stopped_by if is_complete(earlier) else None)
        return True

    def _visit(self, state: CellState, bundle: DeployedBundle, round_: int) -> None:
        self._check_cancelled()
        stored = state.artifact
        if stored is None:
            return
        name = f"{stored.artifact.variant.name} t{state.request.plan.threads}"
        try:
            if state.deployed is None:
                state.deployed = deploy_artifact(self.device, stored, self.log)
            self.log(f"{name}, process {round_ + 1}")
            self._measure_once(state, stored, state.deployed, bundle, round_)
        except (MeasurementError, TimedOut) as error:
            self._check_cancelled()
            state.failure = Failure(what=error.what)
        self._save_what_is_there(state, stored)

    def _save_what_is_there(self, state: CellState, stored: StoredArtifact) -> None:
        cell = build_cell(
            self.device.info,
            stored.artifact,
            state.request.plan,
            state.processes,
            state.parity,
            state.failure,
        )
        self._save(state, cell, None if cell.failure else self._reason_to_stop(cell))

    def _is_finished(self, state: CellState) -> bool:
        """Whether it needs no process any more; time may have run out since its last one."""
        cell = state.cell
        if cell and not state.finished and (stopped_by := self._reason_to_stop(cell)):
            self._save(state, cell, stopped_by)
        return state.finished

    def _reason_to_stop(self, cell: Cell) -> StoppedBy | None:
        return reason_to_stop(cell, elapsed_s=time.monotonic() - self.started)

    def _save(self, state: CellState, cell: Cell, stopped_by: StoppedBy | None) -> None:
        state.cell = msgspec.structs.replace(cell, stopped_by=stopped_by, tuning=self.tuning)
        self.save(state.cell)

    def _measure_once(
        self,
        state: CellState,
        stored: StoredArtifact,
        deployed: DeployedArtifact,
        bundle: DeployedBundle,
        round_: int,
    ) -> None:
        measure = partial(
            measure_process,
            self._job(bundle),
            deployed,
            stored.artifact,
            state.request.plan,
            round_=round_,
            run=self.run,
            cooled_seconds=self._cool_down(bundle, state.request.plan),
        )
        self.current_job = self._job(bundle)
        try:
            try:
                measured = measure()
            except JobLost as error:
                self._check_cancelled()
                self._note(f"{error.what}; measuring it again from its beginning")
                measured = measure()
        finally:
            self.current_job = None
        self._check_cancelled()
        self._add_process(state, stored, measured)

    def _add_process(self, state: CellState, stored: StoredArtifact, measured: Measured) -> None:
        reference = read_reference(stored.reference_output)
        parity = compare(measured.output, reference, stored.artifact.variant.precision)
        state.parity = worse_parity(state.parity, parity)
        state.processes = (*state.processes, measured.process)

    def _cool_down(self, bundle: DeployedBundle, plan: Plan) -> float | None:
        """Wait until the device is as cool as it was at first; without a real clock heat changes nothing."""
        if self.device.info.clock != "real":
            return None
        if self.cooling is None:
            start = read_conditions(self.device, bundle.probe_script)
            self.cooling = Cooling(start, plan.max_cooling_seconds, plan.cooled_within_celsius)

        def pause(seconds: float) -> None:
            self.log("waiting for it to cool down")
            self.cancelled.wait(seconds)
            self._check_cancelled()

        return self.cooling.wait(lambda: read_conditions(self.device, bundle.probe_script), pause)

    def _add_passes(self, state: CellState, bundle: DeployedBundle) -> None:
        """One more process each for what cannot be seen while timing; a pass that fails spoils nothing."""
        cell = state.cell
        if cell and cell.memory and not cell.memory.detail:
            detail = self._pass(state, bundle, "memory", measure_memory, no_memory_detail)
            memory = msgspec.structs.replace(cell.memory, detail=detail)
            self._save(state, msgspec.structs.replace(cell, memory=memory), cell.stopped_by)
        cell = state.cell
        if cell and self.profile and not cell.failure and not cell.profile:
            profile = self._pass(state, bundle, "profile", measure_profile, no_profile)
            self._save(state, msgspec.structs.replace(cell, profile=profile), cell.stopped_by)

    def _pass(
        self,
        state: CellState,
        bundle: DeployedBundle,
        what: str,
        measure: Callable[[Job, DeployedArtifact, Artifact, Plan], Figures],
        nothing: Callable[[str], Figures],
    ) -> Figures:
        self._check_cancelled()
        stored, plan = self.artifacts[state.request.variant].result(), state.request.plan
        self.log(f"{stored.artifact.variant.name} t{plan.threads}, {what}")
        self.current_job = self._job(bundle)
        try:
            state.deployed = state.deployed or deploy_artifact(self.device, stored, self.log)
            figures = measure(self.current_job, state.deployed, stored.artifact, plan)
        except (MeasurementError, TimedOut) as error:
            figures = nothing(error.what)
        finally:
            self.current_job = None
        self._check_cancelled()
        return figures

    def _job(self, bundle: DeployedBundle) -> Job:
        """One folder a device: jobs there run one after the other; one left over is found by it."""
        return Job(self.device, bundle, f"{self.device.folder}/jobs/current")

    def _note(self, text: str) -> None:
        (self.note or self.log)(text)

    def _check_cancelled(self) -> None:
        if self.cancelled.is_set():
            raise Interrupted("interrupted", device=self.device.info.name)
