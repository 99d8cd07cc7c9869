"""How many cells are valid, and those that failed or are suspect or invalid, with their reasons."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import Cell, Status
from harness.system.text import printable
from reports.figures import full_name


@dataclass(frozen=True)
class ReasonGroup:
    """Cells with the same status and reasons; `last_output` is the end of a failed process's output."""

    names: tuple[str, ...]
    status: str
    reasons: tuple[str, ...]
    last_output: tuple[str, ...]


def count(cells: Sequence[Cell]) -> str:
    """`29 valid, 1 suspect, 2 invalid`."""
    found = Counter(cell.verdict.status for cell in cells)
    return ", ".join(f"{found[status]} {status}" for status in _FROM_BEST if found[status])


def group_by_reasons(cells: Sequence[Cell]) -> tuple[ReasonGroup, ...]:
    """Cells with reasons, worst status first; cells with the same status and reasons are grouped."""
    grouped: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for cell in sorted(cells, key=lambda cell: -_FROM_BEST.index(cell.verdict.status)):
        judgement = _judgement(cell)
        if judgement[1]:
            grouped.setdefault(judgement, []).append(full_name(cell))
    return tuple(ReasonGroup(tuple(names), *judgement) for judgement, names in grouped.items())


_FROM_BEST: tuple[Status, ...] = ("valid", "suspect", "invalid")


def _judgement(cell: Cell) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Status, reasons and the end of the output."""
    reasons = tuple(f"{printable(r.code)}: {printable(r.detail)}" for r in cell.verdict.reasons)
    if cell.failure is None:
        return cell.verdict.status, reasons, ()
    code = "" if cell.failure.exit_code is None else f" (exit code {cell.failure.exit_code})"
    output = tuple(printable(line) for line in cell.failure.last_output.splitlines()[-20:])
    return "failed", (printable(cell.failure.what) + code, *reasons), output
