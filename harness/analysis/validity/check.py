"""What a validity check is.

A check is one function: it returns a sentence with the figures when its reason holds, else None. `check`
gives it a severity, what it affects and what to do about it, so that nothing else lists the codes.
`verdict.CHECKS` collects the checks of each module; docs/verdicts.md explains each, which a test compares.
"""

from collections.abc import Callable
from dataclasses import dataclass

from harness.analysis.validity.evidence import Evidence
from harness.records import Affects, Reason, Severity

Find = Callable[[Evidence], str | None]


@dataclass(frozen=True)
class Check:
    """One validity check; `code` is its function's name and stands in saved cells.

    `threshold` says in words what makes it find its reason, `fix` what to do about it: for the page.
    """

    code: str
    severity: Severity
    affects: Affects
    threshold: str
    fix: str
    find: Find

    def reason(self, evidence: Evidence) -> Reason | None:
        """The reason with its figures, or None where it does not hold."""
        detail = self.find(evidence)
        if detail is None:
            return None
        return Reason(code=self.code, severity=self.severity, affects=self.affects, detail=detail)


def check(severity: Severity, *, affects: Affects, threshold: str, fix: str) -> Callable[[Find], Check]:
    """Turn a function into a check of that severity."""
    return lambda find: Check(find.__name__, severity, affects, threshold, fix, find)
