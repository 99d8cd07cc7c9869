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
from typing import TypeVar

import msgspec

from harness.bundle import Bundle
from harness.devices.device import Device
from harness.errors import Interrupted, LoweringError, MeasurementError, TimedOut
from harness.lowering.cache import StoredArtifact
from harness.measuring.cells import build_cell, worse_parity
from harness.measuring.conditions import read_conditions
from harness.measuring.cooling import Cooling
from harness.measuring.deploy import DeployedArtifact, DeployedBundle, deploy_artifact, deploy_bundle
from harness.measuring.jobs import Job, JobLost
from harness.measuring.parity import compare, read_reference
from harness.measuring.passes import measure_memory, measure_profile, no_memory_detail, no_profile
from harness.measuring.runner import measure_process
from harness.measuring.schedule import is_complete, most_processes, reason_to_stop
from harness.records import Artifact, Cell, Failure, Parity, Plan, ProcessReport, StoppedBy, Variant

Figures = TypeVar("Figures")


@dataclass(frozen=True)
class CellRequest:
    """A cell to measure: its variant, whose artifact may still be in the making, and its plan."""

    variant: Variant
    plan: Plan


@dataclass
class Draft:
    """A cell in the making."""

    request: CellRequest
    earlier: Cell | None = None
    artifact: StoredArtifact | None = None
    deployed: DeployedArtifact | None = None
    processes: tuple[ProcessReport, ...] = ()
    parity: Parity | None = None
    failure: Failure | None = None
    cell: Cell | None = None

    @property
    def finished(self) -> bool:
        """Whether no further process is needed, or worth trying."""
        return self.cell is not None and (self.cell.failure is not None or self.cell.stopped_by is not None)


@dataclass
class Session:
    """A device, the runner and the artifacts for it, and whom to tell.

    `save` is called with the cell as it stands after each process; `tell` with what is going on.
    Setting `cancelled` and ending the job in `current_job` makes `measure` raise `Interrupted`.
    """

    device: Device
    bundle: Bundle
    artifacts: Mapping[Variant, Future[StoredArtifact]]
    save: Callable[[Cell], None]
    tell: Callable[[str], None]
    cancelled: threading.Event = field(default_factory=threading.Event)
    current_job: Job | None = None
    started: float = field(default_factory=time.monotonic)
    cooling: Cooling | None = None
    profile: bool = False

    def measure(self, requests: Sequence[CellRequest], earlier: Sequence[Cell], *, seed: int) -> None:
        """Measure all cells; those in `earlier` go on from the processes they have.

        Raises:
            TransportError: the device is gone; what was saved stays.
            Interrupted: `cancelled` was set.
        """
        bundle = deploy_bundle(self.device, self.bundle, self.tell)
        self._job(bundle).stop()
        drafts = [Draft(request, _find_earlier(request, earlier, self.device)) for request in requests]
        rounds = max((most_processes(draft.request.plan) for draft in drafts), default=0)
        rng = random.Random(f"{seed} {self.device.info.name}")
        for round_ in range(rounds):
            for draft in self._in_random_order(drafts, rng):
                if not self._is_finished(draft) and len(draft.processes) <= round_:
                    self._visit(draft, bundle, round_)
        for draft in drafts:
            self._add_passes(draft, bundle)

    def _in_random_order(self, drafts: Sequence[Draft], rng: random.Random) -> Iterator[Draft]:
        """All drafts, shuffled; in the first round only among those whose artifact is ready."""
        waiting = list(drafts)
        while waiting:
            pending = {self.artifacts[draft.request.variant] for draft in waiting}
            if not any(future.done() for future in pending):
                self.tell("waiting for the first variant to be lowered")
                while not wait(pending, timeout=0.2, return_when=FIRST_COMPLETED).done:
                    self._check_cancelled()
            ready = [draft for draft in waiting if self.artifacts[draft.request.variant].done()]
            chosen = rng.choice(ready)
            waiting.remove(chosen)
            if self._take_artifact(chosen):
                yield chosen

    def _take_artifact(self, draft: Draft) -> bool:
        """Whether there is one; a variant that could not be lowered is told by whoever lowered it."""
        if draft.artifact is None:
            try:
                draft.artifact = self.artifacts[draft.request.variant].result()
            except LoweringError:
                return False
            earlier = draft.earlier
            if earlier and earlier.artifact.sha256 == draft.artifact.artifact.sha256:
                draft.processes, draft.parity = earlier.processes, earlier.parity
                self._save(draft, earlier, earlier.stopped_by if is_complete(earlier) else None)
        return True

    def _visit(self, draft: Draft, bundle: DeployedBundle, round_: int) -> None:
        self._check_cancelled()
        stored = draft.artifact
        if stored is None:
            return
        name = f"{stored.artifact.variant.name} t{draft.request.plan.threads}"
        try:
            if draft.deployed is None:
                draft.deployed = deploy_artifact(self.device, stored, self.tell)
            self.tell(f"{name}, process {round_ + 1}")
            self._measure_once(draft, stored, draft.deployed, bundle, round_)
        except (MeasurementError, TimedOut) as error:
            self._check_cancelled()
            draft.failure = Failure(what=error.what)
        cell = build_cell(
            self.device.info,
            stored.artifact,
            draft.request.plan,
            draft.processes,
            draft.parity,
            draft.failure,
        )
        self._save(draft, cell, None if cell.failure else self._reason_to_stop(cell))

    def _is_finished(self, draft: Draft) -> bool:
        """Whether it needs no process any more; time may have run out since its last one."""
        cell = draft.cell
        if cell and not draft.finished and (stopped_by := self._reason_to_stop(cell)):
            self._save(draft, cell, stopped_by)
        return draft.finished

    def _reason_to_stop(self, cell: Cell) -> StoppedBy | None:
        return reason_to_stop(cell, elapsed_s=time.monotonic() - self.started)

    def _save(self, draft: Draft, cell: Cell, stopped_by: StoppedBy | None) -> None:
        draft.cell = msgspec.structs.replace(cell, stopped_by=stopped_by)
        self.save(draft.cell)

    def _measure_once(
        self,
        draft: Draft,
        stored: StoredArtifact,
        deployed: DeployedArtifact,
        bundle: DeployedBundle,
        round_: int,
    ) -> None:
        plan = draft.request.plan
        cooled_seconds = self._cool_down(bundle)
        self.current_job = self._job(bundle)
        try:
            try:
                measured = measure_process(self.current_job, deployed, stored.artifact, plan, round_=round_)
            except JobLost as error:
                self._check_cancelled()
                self.tell(f"{error.what}; measuring it again from its beginning")
                measured = measure_process(self.current_job, deployed, stored.artifact, plan, round_=round_)
        finally:
            self.current_job = None
        self._check_cancelled()
        reference = read_reference(stored.reference_output)
        parity = compare(measured.output, reference, stored.artifact.variant.precision)
        draft.parity = worse_parity(draft.parity, parity)
        process = msgspec.structs.replace(measured.process, cooled_seconds=cooled_seconds)
        draft.processes = (*draft.processes, process)

    def _cool_down(self, bundle: DeployedBundle) -> float | None:
        """Wait until the device is as cool as it was at first; without a real clock heat changes nothing."""
        if self.device.info.clock != "real":
            return None
        if self.cooling is None:
            self.cooling = Cooling(read_conditions(self.device, bundle))

        def pause(seconds: float) -> None:
            self.tell("waiting for it to cool down")
            self.cancelled.wait(seconds)
            self._check_cancelled()

        return self.cooling.wait(lambda: read_conditions(self.device, bundle), pause)

    def _add_passes(self, draft: Draft, bundle: DeployedBundle) -> None:
        """One more process each for what cannot be seen while timing; a pass that fails spoils nothing."""
        cell = draft.cell
        if cell and cell.memory and not cell.memory.detail:
            detail = self._pass(draft, bundle, "memory", measure_memory, no_memory_detail)
            memory = msgspec.structs.replace(cell.memory, detail=detail)
            self._save(draft, msgspec.structs.replace(cell, memory=memory), cell.stopped_by)
        cell = draft.cell
        if cell and self.profile and not cell.failure and not cell.profile:
            profile = self._pass(draft, bundle, "profile", measure_profile, no_profile)
            self._save(draft, msgspec.structs.replace(cell, profile=profile), cell.stopped_by)

    def _pass(
        self,
        draft: Draft,
        bundle: DeployedBundle,
        what: str,
        measure: Callable[[Job, DeployedArtifact, Artifact, Plan], Figures],
        nothing: Callable[[str], Figures],
    ) -> Figures:
        self._check_cancelled()
        stored, plan = self.artifacts[draft.request.variant].result(), draft.request.plan
        self.tell(f"{stored.artifact.variant.name} t{plan.threads}, {what}")
        self.current_job = self._job(bundle)
        try:
            draft.deployed = draft.deployed or deploy_artifact(self.device, stored, self.tell)
            figures = measure(self.current_job, draft.deployed, stored.artifact, plan)
        except (MeasurementError, TimedOut) as error:
            figures = nothing(error.what)
        finally:
            self.current_job = None
        self._check_cancelled()
        return figures

    def _job(self, bundle: DeployedBundle) -> Job:
        """One folder a device: jobs there run one after the other; one left over is found by it."""
        return Job(self.device, bundle, f"{self.device.folder}/jobs/current")

    def _check_cancelled(self) -> None:
        if self.cancelled.is_set():
            raise Interrupted("interrupted", device=self.device.info.name)


def _find_earlier(request: CellRequest, earlier: Sequence[Cell], device: Device) -> Cell | None:
    """The saved cell that is the same measurement on the same device.

    One that is not finished goes on only on the same boot: a restarted device is in another state, and a
    cell is never stitched together from two.
    """
    for cell in earlier:
        weights = msgspec.structs.replace(cell.variant.weights, sha256=request.variant.weights.sha256)
        same_variant = msgspec.structs.replace(cell.variant, weights=weights) == request.variant
        measured_on = cell.device
        if is_complete(cell):
            measured_on = msgspec.structs.replace(measured_on, boot_id=device.info.boot_id)
        if same_variant and cell.plan == request.plan and measured_on == device.info and not cell.failure:
            return cell
    return None
