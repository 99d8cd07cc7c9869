"""Each check that can find a reason has a threshold in words and a fix on the page."""

from harness.analysis.validity.verdict import CHECKS
from reports.remedies import REMEDIES


def test_every_check_has_a_remedy_and_no_remedy_is_of_another_check() -> None:
    assert set(REMEDIES) == {check.code for check in CHECKS}
    assert all(remedy.threshold and remedy.fix for remedy in REMEDIES.values())
