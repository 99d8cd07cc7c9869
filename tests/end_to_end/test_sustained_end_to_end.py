"""A sustained run on this machine with the real runner: below the command line, which asks for a minute."""

from pathlib import Path

import pytest

from harness.devices.inventory import resolve
from harness.measuring.run_outcome import Outcome
from harness.measuring.run_report import report_run
from harness.records import RunRequest
from harness.records.progress import Event
from harness.records.run_folder import read_cells
from harness.run import measure

pytestmark = pytest.mark.slow


def test_a_cell_runs_for_seconds_and_its_figures_and_report_are_saved(tmp_path: Path) -> None:
    request = RunRequest(
        devices=("host",),
        widths=(0.25,),
        resolutions_px=(32,),
        precisions=("int8",),
        threads=(1,),
        processes=2,
        max_rounds=2,
        min_seconds=0.1,
        max_seconds=0.1,
        sustain_seconds=12,
    )
    events: list[Event] = []
    outcome = measure(request, resolve(("host",)), tmp_path, events.append)
    assert outcome.errors == ()
    (cell,) = read_cells(tmp_path)
    assert cell.latency is not None
    assert [process.round for process in cell.processes] == [0, 1]
    sustained = cell.sustained
    assert sustained is not None
    assert sustained.run is not None
    assert sustained.figures is not None
    assert len(sustained.run.inferences) == 12
    assert all(sustained.run.inferences)
    assert sustained.run.sampled is not None
    # The cool latency and the minutes' are of one program on one machine.
    assert 0.2 < sustained.figures.initial_ns / cell.latency.median_ns.estimate < 5
    left = [event.left_s for event in events if event.left_s is not None]
    assert left == sorted(left, reverse=True)
    assert any("sustained, 0:12 of 0:12 left" in event.text for event in events)
    written = report_run(Outcome(tmp_path, (cell,), ()), print)
    assert written.errors == ()
    assert "Over minutes" in (tmp_path / "report" / "report.md").read_text()
    assert list((tmp_path / "report").glob("*-sustained.png"))
