"""The result of `run --against BASE`: a run's cells beside the base's programs, of the same rounds."""

from collections.abc import Sequence

import msgspec

from harness.analysis.comparison import Comparison, compare
from harness.analysis.margins import Margins
from harness.errors import UsageError
from harness.records import Cell, Run


def compare_interleaved(
    run: Run, base_cells: Sequence[Cell], cells: Sequence[Cell], *, margins: Margins | None = None
) -> Comparison:
    """Judge each pair of cells; what the base's program was made with may differ, and is named.

    Raises:
        UsageError: the run was measured against no other, or no pair was measured; or a margin is out of
            range.
    """
    if run.base is None:
        raise UsageError(
            f"the run {run.id} was measured against no other",
            hint="name two run folders, or measure with harness run --against BASE",
        )
    comparison = compare(base_cells, cells, margins=margins, across=True, paired=True)
    return msgspec.structs.replace(comparison, notes=_notes(run))


def _notes(run: Run) -> tuple[str, ...]:
    base = run.base
    if base is None:
        return ()
    runner = run.versions.get("executorch", "unknown version")
    notes = [
        f"Measured in the same rounds as the programs of run {base.id} of {base.started_at}, in random order;"
        f" the runner of both is this run's, ExecuTorch {runner}: the programs are compared, not the runners"
    ]
    if base.not_asked:
        notes.append(f"In the base, but not asked for: {', '.join(base.not_asked)}")
    return tuple(notes)
