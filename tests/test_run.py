"""What `harness run` refuses once it knows the devices, and the report that it ends with."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import make_cell, make_run
from harness.analysis.budget import Budget
from harness.devices.target import Target
from harness.errors import UsageError
from harness.measuring.run_outcome import Outcome
from harness.measuring.run_report import MOST_DEVICES, report_run
from harness.measuring.targets import refuse_without_real_time
from harness.records import RunRequest
from harness.records.run_folder import write_cell, write_run

HOST = Target(name="host", kind="host", transport="local")
EMULATOR = Target(name="emulator:cortex-a53", kind="emulator", transport="local", address="cortex-a53")
REQUEST = RunRequest(
    devices=(), widths=(0.25,), resolutions_px=(128,), precisions=("fp32",), threads=(1,), rates_hz=(30.0,)
)


def test_a_rate_is_refused_where_seconds_are_not_the_devices() -> None:
    refuse_without_real_time(REQUEST, [HOST])
    refuse_without_real_time(replace(REQUEST, rates_hz=()), [HOST, EMULATOR])
    with pytest.raises(UsageError, match="that of emulator:cortex-a53 is this machine's") as refused:
        refuse_without_real_time(REQUEST, [HOST, EMULATOR])
    assert refused.value.exit_code == 2
    assert refused.value.hint == "measure it on a real device, or leave out --rate"


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
    outcome = report_run(Outcome(tmp_path, (cell,), ()), print, budget)
    assert outcome.report == tmp_path / "report" / "index.html"
    text = (tmp_path / "report" / "report.md").read_text()
    assert (line in text) if line else ("Budget:" not in text)


def test_no_report_of_many_devices_is_written_and_how_to_write_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = make_cell()
    cells = tuple(
        replace(cell, device=replace(cell.device, name=f"phone-{number}"))
        for number in range(MOST_DEVICES + 1)
    )
    folder = tmp_path / "a run"
    assert report_run(Outcome(folder, cells, ()), print).report is None
    assert f"because 33 devices were measured, more than 32; write it with: harness report '{folder}'" in (
        capsys.readouterr().out
    )
    assert report_run(Outcome(tmp_path, (), ()), print).report is None
