"""One device measuring its cells: rounds over all of them in random order, each visit a fresh process.

A cell with a base (`pairs.py`) is visited together with it.

Interleaving spreads slow drifts (heat, other load) over all cells instead of onto the last one; compare
google/benchmark's `--benchmark_enable_random_interleaving`.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from harness.analysis.stopping import is_complete, reason_to_stop, reason_to_stop_both
from harness.devices.device import Device
from harness.errors import MeasurementError, TimedOut
from harness.lowering.artifact_store import StoredArtifact
from harness.measuring.cell_state import CellRequest, CellState
from harness.measuring.cold_starts import measure_cold, no_cold_startup
from harness.measuring.device_processes import DeviceProcesses, ExtraPass
from harness.measuring.first_session import FirstSession
from harness.measuring.long_runs import LongRuns
from harness.measuring.pairs import Visited, visit_together
from harness.measuring.passes import measure_memory, measure_profile, no_memory_detail, no_profile
from harness.measuring.sustaining import CountDown, SustainPlan
from harness.records import Cell, StoppedBy, TunedSetting, Variant
from harness.runner.bundle import Bundle
from harness.runner.deploy import deploy_bundle
from harness.runner.energy import EnergyPlan
from harness.runner.orphan import Request, is_of, runs_program
from harness.system.foreign_errors import of_one_item
from harness.system.threads import Cancellation

Figures = TypeVar("Figures")


@dataclass(frozen=True)
class Session:
    """Measures cells on an open device.

    `save(cell)` runs after each process, `save_base(cell)` after one of a base. `progress` gets transient
    messages, `log` those worth keeping. `run` names the run folder, so that a process which an earlier
    session of it left on the device is taken over. With `profile`, operators are timed, and with `cold`,
    cold starts; with `energy` and `sustain`, a process of each cell but a base's runs for minutes after all
    the others, and `count_down` gets the time left; the rounds leave these `reserved_s` of a time limit.
    `tuning` is recorded in each cell. `first_session` is of this run on the device.
    """

    device: Device
    bundle: Bundle
    artifacts: Mapping[Variant, Future[StoredArtifact]]
    save: Callable[[Cell], None]
    progress: Callable[[str], None]
    log: Callable[[str], None]
    run: str = ""
    profile: bool = False
    cold: bool = False
    energy: EnergyPlan | None = None
    sustain: SustainPlan | None = None
    reserved_s: float = 0.0
    count_down: CountDown = lambda *_: None
    tuning: tuple[TunedSetting, ...] | None = None
    save_base: Callable[[Cell], None] = lambda cell: None
    cancellation: Cancellation = field(default_factory=Cancellation)
    first_session: FirstSession = field(default_factory=FirstSession)

    def measure(
        self,
        requests: Sequence[CellRequest],
        earlier: Sequence[Cell],
        *,
        seed: int,
        earlier_base: Sequence[Cell] = (),
    ) -> None:
        """Measure all cells; those found in `earlier`, and their bases in `earlier_base`, are continued.

        Raises:
            DeviceError: the device restarted, is gone or cannot be used; what was saved stays.
            Interrupted: `cancellation` was used.
        """
        processes = self._deploy()
        visited = [visit_together(request, earlier, earlier_base, self.device) for request in requests]
        orphan = processes.find_orphan()
        if orphan and orphan.energy:
            # The meter of a command ended with the harness, and two minutes are soon measured again.
            processes.end_orphan()
        elif orphan:
            take = self._reattach_sustained if orphan.sustain_seconds else self._reattach
            take(orphan, visited, processes)
        rng = random.Random(f"{seed} {self.device.info.name}")
        for round_ in range(max((one.rounds for one in visited), default=0)):
            for one in self._in_random_order(visited, rng):
                if self._is_finished(one):
                    continue
                for state in one.in_random_order(rng):
                    if not state.finished and len(state.processes) <= round_:
                        self._visit(one, state, processes, round_)
                self._is_finished(one)
        for one in visited:
            for state in one.states:
                self._add_passes(state, processes)
        # Last: the heat of one is in the way of everything else.
        long_runs = self._long_runs(processes)
        for add in (long_runs.add_energy, long_runs.add_sustained):
            for one in visited:
                add(one.new)
        processes.clean_up()

    def _long_runs(self, processes: DeviceProcesses) -> LongRuns:
        return LongRuns(
            processes,
            energy=self.energy,
            sustain=self.sustain,
            count_down=self.count_down,
            log=self.log,
            started=self.first_session.started,
            save=lambda state, cell: self._save(state, cell, cell.stopped_by),
        )

    def _deploy(self) -> DeviceProcesses:
        return DeviceProcesses(
            self.device,
            deploy_bundle(self.device, self.bundle, self.progress),
            progress=self.progress,
            log=self.log,
            cancellation=self.cancellation,
            run=self.run,
            first_session=self.first_session,
        )

    def _reattach(self, orphan: Request, visited: Sequence[Visited], processes: DeviceProcesses) -> None:
        """Take the report of the process that kept running when this run was killed, or end that process."""
        for one, state in ((pair, state) for pair in visited for state in pair.states):
            if not is_of(orphan, state.request.variant, state.request.plan) or not self._start(one):
                continue
            artifact = state.artifact
            if artifact is None or state.finished or len(state.processes) != orphan.round:
                continue
            if one.base and not runs_program(orphan, artifact.artifact):
                continue
            self.log("taking the result of the process that kept running on the device")
            try:
                measured = processes.reattach(orphan, artifact, state.request.plan)
            except (MeasurementError, TimedOut) as error:
                self.log(f"{error.what}; measuring this process again")
            else:
                state.add(measured, artifact)
                self._save_progress(one, state, artifact)
                return
        processes.end_orphan()

    def _reattach_sustained(
        self, orphan: Request, visited: Sequence[Visited], processes: DeviceProcesses
    ) -> None:
        """The same of a sustained run, which only a cell that lacks nothing else has."""
        long_runs = self._long_runs(processes)
        for one in visited:
            state = one.new
            if self.sustain is None or not is_of(orphan, state.request.variant, state.request.plan):
                continue
            artifact = state.artifact if self._start(one) else None
            if artifact is None or state.cell is None or not long_runs.lacks_sustained(state.cell):
                continue
            self.log("taking the result of the sustained run that kept running on the device")
            try:
                run = processes.reattach_sustained(orphan, artifact, state.request.plan, self.sustain)
                long_runs.save_sustained(state, state.cell, run)
            except (MeasurementError, TimedOut) as error:
                self.log(f"{error.what}; running it again")
            else:
                return
        processes.end_orphan()

    def _in_random_order(self, visited: Sequence[Visited], rng: random.Random) -> Iterator[Visited]:
        """All of them, shuffled; in the first round only among those whose artifact is ready."""
        waiting = list(visited)
        while waiting:
            pending = {self.artifacts[one.new.request.variant] for one in waiting}
            if not any(future.done() for future in pending):
                self.progress("waiting for the first variant to be lowered")
                while not wait(pending, timeout=0.2, return_when=FIRST_COMPLETED).done:
                    self.cancellation.check(self.device.info.name)
            ready = [one for one in waiting if self.artifacts[one.new.request.variant].done()]
            chosen = rng.choice(ready)
            waiting.remove(chosen)
            if self._start(chosen):
                yield chosen

    def _start(self, one: Visited) -> bool:
        """Take what was lowered; False if lowering failed, which is reported where it was lowered."""
        new, base = one.new, one.new.request.base
        if new.artifact is not None:
            return True
        try:
            artifact = self.artifacts[new.request.variant].result()
        except Exception:
            return False
        self._continue(new, artifact)
        if one.base and base:
            self._continue(one.base, base.beside(artifact))
        return True

    def _continue(self, state: CellState, artifact: StoredArtifact) -> None:
        if earlier := state.start(artifact):
            self._save(state, earlier, earlier.stopped_by if is_complete(earlier) else None)

    def _visit(self, one: Visited, state: CellState, processes: DeviceProcesses, round_: int) -> None:
        artifact = state.artifact
        if artifact is None:
            return
        try:
            state.add(processes.measure(artifact, state.request.plan, round_), artifact)
        except Exception as error:
            state.fail(of_one_item(error).what)
        self._save_progress(one, state, artifact)

    def _save_progress(self, one: Visited, state: CellState, artifact: StoredArtifact) -> None:
        """Save what was measured until now; a cell whose figures cannot be summarised or saved has failed."""
        try:
            cell = state.build(artifact, self.device.info)
            ended = one.goes_alone(state) and not cell.failure
            self._save(state, cell, self._reason_to_stop(cell) if ended else None)
        except OSError:
            raise
        except Exception as error:
            state.discard(of_one_item(error).what)
            self._save(state, state.build(artifact, self.device.info), None)

    def _is_finished(self, one: Visited) -> bool:
        """Whether no further process is needed; time may have run out since the last one."""
        cell = one.new.cell
        if one.new.finished:
            return True
        if one.both and (stopped_by := self._reason_to_stop(*one.both)):
            for state, cell in zip(one.states, one.both, strict=True):
                self._save(state, cell, stopped_by)
        elif cell and one.goes_alone(one.new) and (stopped_by := self._reason_to_stop(cell)):
            self._save(one.new, cell, stopped_by)
        return one.new.finished

    def _reason_to_stop(self, cell: Cell, new: Cell | None = None) -> StoppedBy | None:
        elapsed_s = time.monotonic() - self.first_session.started + self.reserved_s
        if new:
            return reason_to_stop_both(cell, new, elapsed_s=elapsed_s)
        return reason_to_stop(cell, elapsed_s=elapsed_s)

    def _save(self, state: CellState, cell: Cell, stopped_by: StoppedBy | None) -> None:
        save = self.save_base if state.of_base else self.save
        save(state.record(cell, stopped_by, self.tuning))

    def _add_passes(self, state: CellState, processes: DeviceProcesses) -> None:
        """One more process each for what cannot be seen while timing; a failed pass leaves the cell valid."""
        cell = state.cell
        if cell and cell.memory and not cell.memory.detail:
            detail = self._pass(state, processes, "memory", measure_memory, no_memory_detail)
            memory = msgspec.structs.replace(cell.memory, detail=detail)
            self._save(state, msgspec.structs.replace(cell, memory=memory), cell.stopped_by)
        cell = state.cell
        if cell and self.profile and not cell.failure and not cell.profile:
            profile = self._pass(state, processes, "profile", measure_profile, no_profile)
            self._save(state, msgspec.structs.replace(cell, profile=profile), cell.stopped_by)
        cell = state.cell
        if cell and self.cold and not cell.failure and not cell.cold:
            cold = self._pass(state, processes, "cold starts", measure_cold, no_cold_startup)
            self._save(state, msgspec.structs.replace(cell, cold=cold), cell.stopped_by)

    def _pass(
        self,
        state: CellState,
        processes: DeviceProcesses,
        name: str,
        extra_pass: ExtraPass[Figures],
        unavailable: Callable[[str], Figures],
    ) -> Figures:
        artifact = state.artifact
        try:
            if artifact is None:
                raise MeasurementError("the program was not lowered")
            return processes.run_pass(extra_pass, artifact, state.request.plan, name)
        except Exception as error:
            return unavailable(of_one_item(error).what)
