"""How a run ended, step by step: a step that fails takes nothing from those before it."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.analysis.comparison import Comparison
from harness.analysis.units import UnitSpread
from harness.errors import HarnessError, Interrupted
from harness.measuring.search import Search
from harness.records import Cell
from harness.system.foreign_errors import as_harness_error
from harness.system.text import shell_word


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its cells and report, and what went wrong with which device or variant.

    `searches` has what each device measured and left out, where only the best variant was searched for;
    `against` is the result of a run that was measured against another, `units` how equal the devices of a
    pool are.
    """

    folder: Path
    cells: tuple[Cell, ...]
    errors: tuple[HarnessError, ...]
    report: Path | None = None
    searches: tuple[Search, ...] = ()
    against: Comparison | None = None
    units: tuple[UnitSpread, ...] = ()

    def __repr__(self) -> str:
        """Short, without the cells: what a notebook shows."""
        found = f"{len(self.cells)} cells, {len(self.errors)} errors, report={str(self.report)!r}"
        return f"Outcome({str(self.folder)!r}, {found})"

    @property
    def exit_code(self) -> int:
        """That of the first error; 0 without one."""
        return self.errors[0].exit_code if self.errors else 0

    def with_errors(self, errors: Iterable[HarnessError]) -> "Outcome":
        """The same outcome with more errors."""
        return dataclasses.replace(self, errors=(*self.errors, *errors))

    def followed_by(self, step: Callable[["Outcome"], "Outcome"]) -> "Outcome":
        """The outcome of a further step, or this one with its error; only Ctrl-C ends the run."""
        try:
            return step(self)
        except Interrupted:
            raise
        except Exception as error:
            return self.with_errors([as_harness_error(error)])


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Ctrl-C in the block, whatever it was doing, ends with what is saved and the command that continues."""
    try:
        yield
    except (KeyboardInterrupt, Interrupted) as error:
        if isinstance(error, Interrupted) and error.hint:
            raise
        raise Interrupted(
            "interrupted; what was measured is saved",
            hint=f"continue with: harness run --resume {shell_word(folder)}",
        ) from None
