"""What a validity check is.

A check is one function: it returns a sentence with the figures when its reason holds, else None. Decorated
with `check`, it has a severity and what it affects, so that nothing else lists the codes. `verdict.CHECKS`
collects the checks of each module; docs/verdicts.md explains each, and a test compares the two.
"""

from collections.abc import Callable
from dataclasses import dataclass

from harness.analysis.validity.evidence import Evidence
from harness.records import Affects, Reason, Severity

Find = Callable[[Evidence], str | None]


@dataclass(frozen=True)
class Check:
    """One validity check; `code` is its function's name and stands in saved cells."""

    code: str
    severity: Severity
    affects: Affects
    find: Find

    def reason(self, evidence: Evidence) -> Reason | None:
        """The reason with its figures, or None where it does not hold."""
        detail = self.find(evidence)
        if detail is None:
            return None
        return Reason(code=self.code, severity=self.severity, affects=self.affects, detail=detail)


def check(severity: Severity, *, affects: Affects) -> Callable[[Find], Check]:
    """Turn a function into a check of that severity."""
    return lambda find: Check(find.__name__, severity, affects, find)
