"""A validity check is one function and its registration: a made-up one shows wherever reasons are shown."""

import pytest

from builders import make_cell, make_device
from harness.analysis.cautions import cautions
from harness.analysis.comparison import compare
from harness.analysis.flags import deciding_codes, is_flagged
from harness.analysis.selection import pick
from harness.analysis.validity import verdict
from harness.analysis.validity.check import check
from harness.analysis.validity.evidence import Evidence
from harness.records import Affects, Reason, Severity
from reports.sections import arrange
from reports.tables import summarise
from reports.trust import weigh
from reports.verdicts import group_by_reasons


def register(monkeypatch: pytest.MonkeyPatch, severity: Severity, affects: Affects) -> None:
    """Add a check that finds its reason in every cell."""

    @check(severity, affects=affects, threshold="any noise", fix="use a device without a fan")
    def too_loud(evidence: Evidence) -> str | None:
        """The fan of the device was audible."""
        return f"{evidence.device.name} made 40 dB of noise"

    monkeypatch.setattr(verdict, "CHECKS", (*verdict.CHECKS, too_loud))
    monkeypatch.setattr("builders.BUILT", {})  # Those were judged without it.


@pytest.mark.parametrize("severity", ["suspect", "invalid"])
def test_a_check_that_is_added_in_one_place_shows_in_verdict_flags_table_and_list(
    monkeypatch: pytest.MonkeyPatch, severity: Severity
) -> None:
    register(monkeypatch, severity, "time")
    cell = make_cell()
    assert cell.verdict.status == severity
    assert cell.verdict.reasons == (
        Reason(code="too_loud", severity=severity, affects="time", detail="pi4 made 40 dB of noise"),
    )
    assert deciding_codes(cell) == ("too_loud",)
    assert is_flagged(cell) == (severity == "suspect")
    table = summarise([cell])
    assert table.rows[0].cells[-1] == f"{severity}: too_loud"
    assert group_by_reasons([cell])[0].reasons == ("too_loud: pi4 made 40 dB of noise",)
    (row,) = weigh(arrange([cell])[0], "").rows
    assert (row.code, row.threshold, row.fix) == ("too_loud", "any noise", "use a device without a fan")


def test_every_check_says_what_makes_it_find_its_reason_and_what_to_do() -> None:
    assert all(check.threshold and check.fix for check in verdict.CHECKS)
    assert verdict.find_check("too_loud") is None


def test_what_a_check_affects_decides_where_its_reason_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = make_cell()
    register(monkeypatch, "suspect", "time")
    disturbed = make_cell()
    (compared,) = compare([sound], [disturbed]).cells
    assert compared.why.endswith("new was disturbed: too_loud")
    assert not is_flagged(make_cell(device=make_device(clock="virtual")))
    register(monkeypatch, "invalid", "result")
    (compared,) = compare([sound], [make_cell()]).cells
    assert compared.why == "works in base, fails in new: pi4 made 40 dB of noise"


def test_a_check_that_only_informs_leaves_the_cell_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, "info", "time")
    cell = make_cell()
    assert (cell.verdict.status, deciding_codes(cell), is_flagged(cell)) == ("valid", (), False)
    (answer,) = pick([cell]).answers
    assert "pi4 made 40 dB of noise" not in cautions(cell, answer.basis)
