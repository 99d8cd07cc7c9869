"""A cell and its base: two programs whose processes alternate, in random order within each round.

Compare Kalibera & Jones 2013 and google/benchmark's random interleaving: what changes the device meanwhile
meets both programs alike.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.stopping import is_complete, most_processes
from harness.devices.device import Device
from harness.measuring.cell_state import CellRequest, CellState, find_earlier
from harness.records import Cell


@dataclass(frozen=True)
class Visited:
    """What a round visits together: a cell, and its base where another run's program is beside it."""

    new: CellState
    base: CellState | None = None

    @property
    def states(self) -> tuple[CellState, ...]:
        """The cells, the base first."""
        return (self.new,) if self.base is None else (self.base, self.new)

    @property
    def rounds(self) -> int:
        """The most rounds that the plan allows."""
        return most_processes(self.new.request.plan)

    @property
    def both(self) -> tuple[Cell, Cell] | None:
        """The cells of base and new where they end together: both were measured as often, and none failed."""
        if self.base is None or self.base.cell is None or self.new.cell is None:
            return None
        if self.base.failure or self.new.failure or len(self.base.processes) != len(self.new.processes):
            return None
        return self.base.cell, self.new.cell

    def goes_alone(self, state: CellState) -> bool:
        """Whether the cell ends by its own precision: it has no base, or one that failed."""
        return not state.of_base and (self.base is None or self.base.failure is not None)

    def in_random_order(self, rng: random.Random) -> list[CellState]:
        """The cells, shuffled; a cell without a base draws no number."""
        states = list(self.states)
        if len(states) > 1:
            rng.shuffle(states)
        return states


def visit_together(
    request: CellRequest, earlier: Sequence[Cell], earlier_base: Sequence[Cell], device: Device
) -> Visited:
    """The cells of a request, each continuing its saved one.

    Of a pair either both are continued or none is: rounds of different times are none. But a cell that is
    complete stays as it is beside a base that failed.
    """
    found = find_earlier(request, earlier, device)
    if request.base is None:
        return Visited(CellState(request, earlier=found))
    of_base = CellRequest(request.base.artifact.variant, request.plan)
    sha256 = request.base.artifact.sha256
    found_base = find_earlier(
        of_base, [cell for cell in earlier_base if cell.artifact.sha256 == sha256], device
    )
    if found_base is None and not (found and is_complete(found) and _failed(of_base, earlier_base)):
        found = None
    elif found_base is None:
        return Visited(CellState(request, earlier=found))
    if found is None:
        found_base = None
    return Visited(CellState(request, earlier=found), CellState(of_base, of_base=True, earlier=found_base))


def _failed(request: CellRequest, cells: Sequence[Cell]) -> bool:
    return any(
        cell.failure is not None and (cell.variant, cell.plan) == (request.variant, request.plan)
        for cell in cells
    )
