"""Which cells make a run fail: those without figures, those with a wrong output, verdicts on demand."""

import pytest
from msgspec.structs import replace

from builders import failed, make_cell, make_own_cell, with_verdict
from harness.analysis.failures import FailOn, cell_errors, verdict_errors
from harness.records import Energy, Failure, Parity, Stage
from harness.records.requests import EnergyBy

VALID = with_verdict(make_cell(), "valid", "", "")
SUSPECT = with_verdict(make_cell(), "suspect", "busy", "load 3.0")
INVALID = with_verdict(make_cell(), "invalid", "debug_build", "a debug build")


def wrong_output(stage: Stage | None) -> Parity:
    return Parity(
        max_abs_error=0.5,
        tolerance=0.001,
        cosine=0.9,
        top1_agrees=False,
        passed=False,
        first_mismatch_at=stage,
    )


def test_a_cell_with_figures_and_the_right_output_is_no_error() -> None:
    assert list(cell_errors([VALID, SUSPECT, INVALID])) == []


def test_a_failed_cell_is_an_error_of_its_device_and_variant() -> None:
    cell = failed(make_cell())
    (error,) = cell_errors([cell])
    assert cell.failure
    assert (error.what, error.exit_code) == (cell.failure.what, 1)
    assert (error.device, error.variant) == (cell.device.name, cell.variant.name)
    assert "measure it again" in error.hint


def test_a_refused_input_of_an_own_program_is_hinted_at() -> None:
    what = (
        "runner: the inference failed: KernelCall failed at instruction 0:0 in operator aten::embedding.out"
    )
    for cell, hinted in ((make_own_cell("net", 1.0), True), (make_cell(), False)):
        (error,) = cell_errors([replace(cell, failure=Failure(what=what))])
        assert ("give others with --input" in error.hint) == hinted


@pytest.mark.parametrize(
    ("energy_by", "says", "says_not"),
    [
        ("device", "harness doctor names a device's sensors", "--power-command"),
        ("command", "it prints lines of <unix_ns> <watts>", "sensors"),
    ],
)
def test_a_missing_energy_figure_hints_at_what_was_to_be_read(
    energy_by: EnergyBy, says: str, says_not: str
) -> None:
    energy = Energy(run=None, figures=None, unavailable="meter ended")
    (error,) = cell_errors([replace(make_cell(), energy=energy)], energy_by)
    assert error.what == "no energy figure: meter ended"
    assert says in error.hint
    assert says_not not in error.hint


@pytest.mark.parametrize(
    ("stage", "place"),
    [
        ("exported", "; first mismatch: "),
        ("host", "; first mismatch: "),
        ("device", "; first mismatch: on the device"),
        (None, "> tolerance 0.001"),
    ],
)
def test_a_wrong_output_is_an_error_with_its_size_and_first_mismatch(stage: Stage | None, place: str) -> None:
    (error,) = cell_errors([replace(make_cell(), parity=wrong_output(stage))])
    assert error.what.startswith("output differs from the eager model: max abs error 0.5 > tolerance 0.001")
    assert place in error.what
    assert "do not ship" in error.hint


@pytest.mark.parametrize(
    ("fail_on", "refused"), [(None, 0), ("invalid", 1), ("suspect", 2)], ids=["none", "invalid", "suspect"]
)
def test_verdicts_are_errors_only_when_asked_for(fail_on: FailOn | None, refused: int) -> None:
    errors = list(verdict_errors([VALID, SUSPECT, INVALID], fail_on))
    assert len(errors) == bool(refused)
    for error in errors:
        assert error.exit_code == 1
        assert error.what.startswith(f"--fail-on {fail_on}: {refused} of 3 cells: ")
        assert f"{INVALID.name} (invalid)" in error.what
        assert "the report gives the reasons" in error.hint
