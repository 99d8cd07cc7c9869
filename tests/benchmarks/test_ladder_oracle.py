"""The ladder names what `pick` names, at each limit where that changes for the better."""

import pytest
from decision_oracle import draw_run

from harness.analysis.budget import Budget
from harness.analysis.ladder import climb
from harness.analysis.selection import pick


@pytest.mark.parametrize("seed", range(4))
def test_at_the_cost_of_each_step_pick_ships_the_same_cell(seed: int) -> None:
    run = draw_run(seed)
    cells = [cell for cell in run.cells if cell.accuracy]
    steps = climb(cells, Budget(), run.outcomes)
    assert len(steps) > 3
    for step in steps:
        (answer,) = pick(cells, Budget(max_latency_ns=step.cost), outcomes=run.outcomes).answers
        assert answer.best is not None
        assert answer.best.cell.name == step.candidate.cell.name
