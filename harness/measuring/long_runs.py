"""The processes of a cell that run for minutes, after all others: its energy, and its sustained run."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from harness.analysis.cells import add_energy, add_sustained
from harness.analysis.energy import summarize_energy
from harness.analysis.sustained import summarize_sustained
from harness.errors import ConnectionLost, MeasurementError
from harness.lowering.artifact_store import StoredArtifact
from harness.measuring.cell_state import CellState
from harness.measuring.device_processes import DeviceProcesses
from harness.measuring.sustaining import (
    OUT_OF_TIME,
    CountDown,
    SustainPlan,
    fits,
    lacks_energy,
    lacks_sustained,
)
from harness.records import Cell, Energy, EnergyRun, Sustained, SustainedRun
from harness.runner.energy import EnergyPlan
from harness.system.foreign_errors import of_one_item
from harness.transports.reconnecting import DeviceRestarted


@dataclass(frozen=True)
class LongRuns:
    """Adds them to cells; None of `energy` and `sustain` is not asked for.

    `save(state, cell)` runs after each. One that fails leaves the cell's other figures and the reason. A
    device that restarts, as a phone that overheats does, is not heated a second time. `started` is when the
    device's time began, on the monotonic clock: what would end after a time limit is not begun.
    """

    processes: DeviceProcesses
    energy: EnergyPlan | None
    sustain: SustainPlan | None
    count_down: CountDown
    log: Callable[[str], None]
    started: float
    save: Callable[[CellState, Cell], None]

    def add_energy(self, state: CellState) -> None:
        """Measure the energy of a cell that lacks it; a lost connection is not its end.

        Raises:
            DeviceError: the device restarted, or is gone.
        """
        cell, energy = state.cell, self.energy
        if cell is None or energy is None or cell.failure:
            return
        if not lacks_energy(cell, by_command=bool(energy.command)):
            return
        if not self._fits(cell, energy.seconds):
            self.save_energy(state, cell, OUT_OF_TIME)
            return
        try:
            run = self.processes.measure_energy(
                _program_of(state), state.request.plan, energy, self.count_down
            )
            self.save_energy(state, cell, run)
        except DeviceRestarted as error:
            self.save_energy(state, cell, error.what)
            raise
        except ConnectionLost:
            self.log(
                f"the connection was lost while the energy of {state.request.variant.name} was measured;"
                " --resume measures it again"
            )
            raise
        except Exception as error:
            self.save_energy(state, cell, of_one_item(error).what)

    def save_energy(self, state: CellState, cell: Cell, found: EnergyRun | str) -> None:
        """`found` is the run, or why there is none.

        Raises:
            MeasurementError: the run cannot be summarized.
        """
        if isinstance(found, str):
            energy = Energy(run=None, figures=None, unavailable=found)
        else:
            energy = Energy(run=found, figures=summarize_energy(found, seed=cell.plan.seed))
        self.save(state, add_energy(cell, energy))

    def lacks_sustained(self, cell: Cell) -> bool:
        """Whether a sustained run is asked for and neither measured nor known to be impossible."""
        return self.sustain is not None and not cell.failure and lacks_sustained(cell)

    def add_sustained(self, state: CellState) -> None:
        """Run a cell for minutes that lacks it; raises as `add_energy` does."""
        cell, sustain = state.cell, self.sustain
        if cell is None or sustain is None or not self.lacks_sustained(cell):
            return
        if not self._fits(cell, sustain.seconds):
            self.save_sustained(state, cell, OUT_OF_TIME)
            return
        try:
            run = self.processes.sustain(_program_of(state), state.request.plan, sustain, self.count_down)
            self.save_sustained(state, cell, run)
        except DeviceRestarted as error:
            self.save_sustained(state, cell, error.what)
            raise
        except ConnectionLost:
            self.log(
                f"the connection was lost in the sustained run of {state.request.variant.name}, which goes on"
                " if the device does; --resume takes its result, or runs it again"
            )
            raise
        except Exception as error:
            self.save_sustained(state, cell, of_one_item(error).what)

    def save_sustained(self, state: CellState, cell: Cell, found: SustainedRun | str) -> None:
        """`found` is the run, or why there is none; raises as `save_energy` does."""
        seconds = self.sustain.seconds if self.sustain else 0
        if isinstance(found, str):
            sustained = Sustained(seconds=seconds, run=None, figures=None, unavailable=found)
        else:
            figures = summarize_sustained(found, self.processes.device.info, seed=cell.plan.seed)
            sustained = Sustained(seconds=seconds, run=found, figures=figures)
        self.save(state, add_sustained(cell, sustained))

    def _fits(self, cell: Cell, seconds: float) -> bool:
        elapsed_s, clock = time.monotonic() - self.started, self.processes.device.info.clock
        return fits(seconds, clock, elapsed_s=elapsed_s, max_minutes=cell.plan.max_minutes)


def _program_of(state: CellState) -> StoredArtifact:
    if state.artifact is None:
        raise MeasurementError("the program was not lowered")
    return state.artifact
