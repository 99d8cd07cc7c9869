"""The devices of a run at work: each external one in its own thread, those on this machine in turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol, Self

from harness.analysis.placements import CellKey, cell_key
from harness.analysis.stopping import expected_processes
from harness.devices.acquire import acquire
from harness.devices.kinds import KINDS
from harness.devices.places import group_by_place
from harness.devices.target import Target
from harness.devices.tuning import tuned
from harness.errors import HarnessError, Interrupted
from harness.lowering.background import Artifacts
from harness.measuring.base_side import BaseSide
from harness.measuring.cell_state import CellRequest
from harness.measuring.first_session import FirstSession
from harness.measuring.plans import (
    energy_plan,
    plan_cells,
    refuse_uncomputable,
    seconds_for_long_runs,
    sustain_plan,
)
from harness.measuring.run_outcome import resumable
from harness.measuring.session import Session
from harness.records import Abi, Cell, RunRequest
from harness.records.base_cells import base_folder, read_base_cells
from harness.records.progress import Event, Listener
from harness.records.run_folder import read_cells, run_identity, write_cell
from harness.runner.bundle import Bundle, ensure_bundle
from harness.system.foreign_errors import as_harness_error
from harness.system.threads import ENDING, Cancellation, work_at_once
from harness.transports.reconnecting import DeviceRestarted

# A device that restarts more often is not fit for measuring.
RESTARTS = 2

FindBundle = Callable[[Abi], Bundle]


class MeasureOn(Protocol):
    """Measures on devices and saves their cells in the run folder."""

    def __call__(
        self,
        targets: Sequence[Target],
        request: RunRequest,
        artifacts: Artifacts,
        folder: Path,
        listen: Listener,
        *,
        base: BaseSide | None = None,
        power_command: tuple[str, ...] = (),
        first_sessions: dict[str, FirstSession] | None = None,
    ) -> list[HarnessError]:
        """The errors, each with its device; raises Interrupted on Ctrl-C."""


def measure_on(
    targets: Sequence[Target],
    request: RunRequest,
    artifacts: Artifacts,
    folder: Path,
    listen: Listener,
    find_bundle: FindBundle = ensure_bundle,
    base: BaseSide | None = None,
    power_command: tuple[str, ...] = (),
    first_sessions: dict[str, FirstSession] | None = None,
) -> list[HarnessError]:
    """Measure on all devices at once; cells are saved in the folder, errors are returned with their device.

    The programs of `base` are measured in the same rounds. `power_command` is the user's meter.
    `first_sessions` has those devices on which this run has measured before, and gets the others.

    Raises:
        Interrupted: Ctrl-C; the processes being measured have been ended.
    """
    known = {} if first_sessions is None else first_sessions
    workers = [
        DeviceGroup(group, request, artifacts, folder, listen, find_bundle, base, power_command, known)
        for group in group_by_place(targets)
    ]
    with resumable(folder):
        work_at_once([(worker.work, worker.cancellation.cancel) for worker in workers])
    return [error for worker in workers for error in worker.errors]


@dataclass
class DeviceGroup:
    """Measures a group of devices, one after the other; `errors` has what went wrong.

    `first_sessions` has those devices on which this run has measured before, and gets the others.
    """

    targets: Sequence[Target]
    request: RunRequest
    artifacts: Artifacts
    folder: Path
    listen: Listener
    find_bundle: FindBundle
    base: BaseSide | None
    power_command: tuple[str, ...] = ()
    first_sessions: dict[str, FirstSession] = field(default_factory=dict)
    errors: list[HarnessError] = field(default_factory=list)
    cancellation: Cancellation = field(default_factory=Cancellation)

    def work(self) -> None:
        """Measure on each device; one that fails, with whatever error, does not stop the others."""
        for target in self.targets:
            try:
                with self.cancellation.stopping(partial(self.listen, Event(target.name, ENDING))):
                    self._measure_over_restarts(target)
            except Interrupted:
                return
            except Exception as error:
                known = as_harness_error(error)
                known.add_subject(device=target.name)
                self.errors.append(known)

    def _measure_over_restarts(self, target: Target) -> None:
        """Measure again what a restart of the device interrupted; finished cells stay."""
        for restarts_left in reversed(range(RESTARTS + 1)):
            try:
                self._measure(target)
                return
            except DeviceRestarted as error:
                if not restarts_left:
                    raise
                self.listen(Event(target.name, f"{error.what}; continuing with the unfinished cells"))

    def _measure(self, target: Target) -> None:
        if KINDS[target.kind].runs_on_host:
            self._wait_for_lowering(target)

        def log(text: str) -> None:
            self.listen(Event(target.name, text))

        log("connecting")
        with (
            acquire(target, log, self.cancellation.event) as device,
            self.cancellation.stopping(device.transport.give_up, target.name),
            tuned(device, log, wanted=self.request.tune_device) as tuning,
        ):
            refused = refuse_uncomputable(self.artifacts, device)
            if refused:
                log(refused.what)
            placements = self.request.placements or ((target.cores,) if target.cores else ())
            cells = plan_cells(self.request, self.artifacts, device.info, placements, log)
            if refused and not cells:
                raise refused
            if self.base:
                programs = self.base.programs
                cells = [replace(cell, base=programs.get(cell.variant)) for cell in cells]
            progress = _Progress.of(cells, target.name, self.folder, self.listen)
            earlier, sustain = read_cells(self.folder), sustain_plan(self.request, device.info.clock)
            energy = energy_plan(self.request, self.power_command)
            session = Session(
                device,
                self.find_bundle(device.info.abi),
                self.artifacts,
                save=progress.save,
                progress=progress.show,
                log=log,
                run=run_identity(self.folder),
                profile=self.request.profile,
                cold=self.request.cold,
                energy=energy,
                sustain=sustain,
                reserved_s=seconds_for_long_runs(cells, earlier, sustain, energy, device.info.clock),
                count_down=progress.count_down,
                tuning=tuning,
                save_base=progress.save_base,
                cancellation=self.cancellation,
                first_session=self.first_sessions.setdefault(target.name, FirstSession()),
            )
            session.measure(
                cells,
                earlier,
                seed=self.request.seed,
                earlier_base=read_base_cells(self.folder),
            )
            if refused:
                raise refused

    def _wait_for_lowering(self, target: Target) -> None:
        """Nothing is timed on this machine while it lowers."""
        for future in self.artifacts.values():
            while not future.done():
                self.cancellation.event.wait(0.1)
                self.cancellation.check(target.name)


@dataclass
class _Progress:
    """Saves cells after each process; counts the processes measured and those expected in the end."""

    device: str
    folder: Path
    listen: Listener
    processes: dict[tuple[CellKey, bool], tuple[int, int]]

    @classmethod
    def of(cls, cells: Sequence[CellRequest], device: str, folder: Path, listen: Listener) -> Self:
        """Nothing is measured yet; each cell needs at least its plan's number of processes."""
        expected = {
            (cell_key(cell.variant, cell.plan), of_base): (0, cell.plan.processes)
            for cell in cells
            for of_base in ((False, True) if cell.base else (False,))
        }
        return cls(device, folder, listen, expected)

    def show(self, text: str) -> None:
        """Pass on what a device is doing now."""
        self._send(text)

    def count_down(self, text: str, left_s: float) -> None:
        """Pass on how many seconds a long process still takes."""
        self._send(text, left_s=left_s)

    def save(self, cell: Cell) -> None:
        """Write the cell to the run folder."""
        write_cell(self.folder, cell)
        self._count(cell, of_base=False)
        self._send("", cell)

    def save_base(self, cell: Cell) -> None:
        """Write a cell of the base beside them; a listener gets no cell, because it is none of this run's."""
        write_cell(base_folder(self.folder), cell)
        self._count(cell, of_base=True)
        self._send(f"base of {cell.variant.name}")

    def _count(self, cell: Cell, *, of_base: bool) -> None:
        key = cell_key(cell.variant, cell.plan), of_base
        self.processes[key] = (len(cell.processes), expected_processes(cell))

    def _send(self, text: str, cell: Cell | None = None, *, left_s: float | None = None) -> None:
        done, expected = map(sum, zip(*self.processes.values(), strict=True))
        self.listen(Event(self.device, text, cell, step=done, steps=expected, left_s=left_s))
