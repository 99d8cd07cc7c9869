"""A step of a run that fails adds its error and takes nothing from the steps before it."""

from pathlib import Path

import pytest

from builders import make_cell
from harness.errors import Interrupted, LoweringError
from harness.measuring.run_outcome import Outcome, resumable

MEASURED = Outcome(Path("run"), (make_cell(),), (LoweringError("earlier"),))


def test_a_failed_step_is_an_error_beside_what_was_measured() -> None:
    def report(outcome: Outcome) -> Outcome:
        raise ValueError("no font")

    ended = MEASURED.followed_by(report)
    assert (ended.cells, ended.report, ended.exit_code) == (MEASURED.cells, None, 1)
    first, second = ended.errors
    assert first.what == "earlier"
    assert second.what.startswith("the harness has a defect: ValueError: no font")


def test_a_step_that_went_well_gives_its_own_outcome() -> None:
    ended = MEASURED.followed_by(lambda outcome: outcome.with_errors([LoweringError("later")]))
    assert [error.what for error in ended.errors] == ["earlier", "later"]


def test_ctrl_c_in_a_step_ends_the_run() -> None:
    def evaluate(outcome: Outcome) -> Outcome:
        raise Interrupted("interrupted")

    with pytest.raises(Interrupted):
        MEASURED.followed_by(evaluate)


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), Interrupted("interrupted")])
def test_ctrl_c_at_any_time_says_what_is_saved_and_how_to_continue(raised: BaseException) -> None:
    with pytest.raises(Interrupted) as ended, resumable(Path("my run")):
        raise raised
    assert ended.value.what == "interrupted; what was measured is saved"
    assert ended.value.hint == "continue with: harness run --resume 'my run'"


def test_ctrl_c_with_a_hint_of_its_own_keeps_it() -> None:
    with pytest.raises(Interrupted) as ended, resumable(Path("run")):
        raise Interrupted("interrupted", hint="go on with: harness evaluate run")
    assert ended.value.hint == "go on with: harness evaluate run"
