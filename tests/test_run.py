"""The report that `harness run` ends with."""

from pathlib import Path

import pytest

from builders import make_cell, make_run
from harness.analysis.budget import Budget
from harness.measuring.run_outcome import Outcome
from harness.records.run_folder import write_cell, write_run
from harness.run import write_report_of


@pytest.mark.parametrize(
    ("budget", "line"),
    [
        (Budget(max_latency_ns=20e6), "Budget: latency ≤ 20 ms"),
        # No cell has a figure for it: the command line says so, and the report asks for nothing.
        (Budget(max_instructions=1_000_000), None),
        (None, None),
    ],
)
def test_the_report_answers_for_the_budget_of_the_run(
    tmp_path: Path, budget: Budget | None, line: str | None
) -> None:
    cell = make_cell()
    write_run(tmp_path, make_run((cell,)))
    write_cell(tmp_path, cell)
    outcome = write_report_of(Outcome(tmp_path, (cell,), ()), budget)
    assert outcome.report == tmp_path / "report" / "index.html"
    text = (tmp_path / "report" / "report.md").read_text()
    assert (line in text) if line else ("Budget:" not in text)
