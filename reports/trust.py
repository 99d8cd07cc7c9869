"""Can I trust it: which reasons the verdicts of a device's cells have, and what to do about each."""

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from harness.analysis.validity.verdict import find_check
from harness.records import Cell, Severity
from harness.system.text import printable
from reports.explanations import explain
from reports.figures import cost_of, full_name
from reports.sections import Section

_GRAVEST_FIRST: tuple[Severity, ...] = ("invalid", "suspect", "info")
SHOWN_CELLS = 12
DISTRIBUTION = "mobilenet-harness"


@dataclass(frozen=True)
class ReasonRow:
    """One reason: `marks` are the places of its cells in percent of the row, cheapest cell left.

    `examples` are some of its cells with their sentences; `explained`: the page's end has the code.
    """

    code: str
    severity: str
    affects: str
    count: int
    marks: tuple[float, ...]
    threshold: str
    fix: str
    examples: tuple[tuple[str, str], ...]
    explained: bool

    @property
    def more(self) -> int:
        """Cells beyond the examples."""
        return self.count - len(self.examples)


@dataclass(frozen=True)
class Trust:
    """`tick` is the width of a cell in percent of a row; `outputs` are the last lines of failed programs."""

    rows: tuple[ReasonRow, ...]
    tick: float
    summary: str
    outputs: tuple[tuple[str, tuple[str, ...]], ...]


def weigh(section: Section, summary: str) -> Trust:
    """The matrix of reasons and cells."""
    cells = sorted(section.cells, key=_by_cost)
    found: dict[tuple[int, str], list[int]] = {}
    for index, cell in enumerate(cells):
        for reason in cell.verdict.reasons:
            key = (_GRAVEST_FIRST.index(reason.severity), printable(reason.code))
            members = found.setdefault(key, [])
            if not members or members[-1] != index:
                members.append(index)
    rows = tuple(_row(cells, key, members) for key, members in sorted(found.items()))
    outputs = tuple((full_name(cell), _last_output(cell)) for cell in cells if cell.failure)
    return Trust(rows, round(100 / len(cells), 4), summary, outputs[:SHOWN_CELLS])


def _row(cells: Sequence[Cell], key: tuple[int, str], members: Sequence[int]) -> ReasonRow:
    severity, code = _GRAVEST_FIRST[key[0]], key[1]
    reasons = [_reason(cells[index], code, severity) for index in members]
    check = find_check(code)
    shown = zip(members[:SHOWN_CELLS], reasons, strict=False)
    return ReasonRow(
        code=code,
        severity=severity,
        affects=reasons[0][0],
        count=len(members),
        marks=tuple(round(100 * index / len(cells), 3) for index in members),
        threshold=check.threshold if check else "",
        fix=check.fix if check else "read the reason's sentence",
        examples=tuple((full_name(cells[index]), detail) for index, (_, detail) in shown),
        explained=bool(explain([code])),
    )


def explained_at(code: str) -> str | None:
    """The code's anchor in the published docs/verdicts.md; None while the project names no public address."""
    site = published_site()
    return None if site is None else f"{site}/docs/verdicts/#{code}"


@cache
def published_site() -> str | None:
    """The address that the package's metadata give for its documentation (`make docs` builds the site)."""
    try:
        urls = importlib.metadata.metadata(DISTRIBUTION).get_all("Project-URL") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    named = dict(url.split(", ", 1) for url in urls if ", " in url)
    address = named.get("Documentation", "")
    return address.rstrip("/") if address.startswith("https://") else None


def _reason(cell: Cell, code: str, severity: str) -> tuple[str, str]:
    """What the reason affects, and its sentence."""
    for reason in cell.verdict.reasons:
        if printable(reason.code) == code and reason.severity == severity:
            return reason.affects, printable(reason.detail)
    return "", ""


def _by_cost(cell: Cell) -> tuple[bool, float, str]:
    cost = cost_of(cell)
    return cost is None, cost.value if cost else 0.0, cell.name


def _last_output(cell: Cell) -> tuple[str, ...]:
    failure = cell.failure
    if failure is None:
        return ()
    code = "" if failure.exit_code is None else f" (exit code {failure.exit_code})"
    return (printable(failure.what) + code, *map(printable, failure.last_output.splitlines()[-20:]))
