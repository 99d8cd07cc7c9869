"""How a run ends: the answer within the budget, or what each budget buys, and the commands to go on with."""

import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from harness.analysis.budget import Budget
    from harness.analysis.commands import Words
    from harness.cli.answers import Answers
    from harness.measuring.run_outcome import Outcome
    from harness.records import Cell

# Of the runs beside this one only the newest are tried, and none that takes seconds to read.
COMPARED_RUNS = 3
LARGEST_COMPARED_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Ending:
    """What a run tells after its table; `no_answer` says why nothing could be chosen."""

    answers: "Answers | None" = None
    next_commands: "tuple[Words, ...]" = ()
    no_answer: HarnessError | None = None

    @property
    def text(self) -> str:
        """The answer where there is a budget, else the ladder of each device; then the commands."""
        from harness.analysis.selection_text import explain_ladders

        blocks = []
        if self.answers and self._asked:
            blocks = [self.answers.explain()]
        elif self.answers:
            blocks = [explain_ladders(self.answers.ladders)]
        blocks.append("\n".join(f"next: {shlex.join(words)}" for words in self.next_commands))
        return "\n\n".join(block for block in blocks if block)

    @property
    def document(self) -> dict[str, object]:
        """The same for `--json`."""
        return {
            "answer": self.answers and self.answers.document,
            "next": [shlex.join(words) for words in self.next_commands],
        }

    @property
    def exit_code(self) -> int:
        """As that of `harness pick`: 1 where a device has no variant within the budget that was given."""
        if self.answers and self._asked and not self.answers.selection.complete:
            return 1
        return self.no_answer.exit_code if self.no_answer else 0

    @property
    def _asked(self) -> bool:
        return bool(self.answers and self.answers.selection.budget.limits_anything)


def conclude(outcome: "Outcome", budget: "Budget") -> Ending:
    """The ending of a run that may have failed cells, or none at all."""
    if not outcome.cells:
        return Ending()
    from harness.cli.answers import choose
    from harness.records.run_folder import read_run

    try:
        runs = {outcome.folder: (read_run(outcome.folder), outcome.cells)}
        answers = choose(runs, budget)
    except UsageError as error:
        # Without a budget nobody asked, and the errors of the cells say what happened.
        no_answer = HarnessError(f"no answer: {error.what}", hint=error.hint)
        return Ending(
            next_commands=_next_commands(outcome, None),
            no_answer=no_answer if budget.limits_anything else None,
        )
    return Ending(answers, _next_commands(outcome, answers))


def _next_commands(outcome: "Outcome", answers: "Answers | None") -> "tuple[Words, ...]":
    from harness.analysis import commands

    return (
        *((_resume_command(outcome),) if _lacks_something(outcome) else ()),
        *((commands.pick_command(outcome.folder, _limits(answers)),) if answers else ()),
        commands.report_command(outcome.folder, _asked_limits(answers)),
        *(
            [commands.compare_with_base_command(outcome.folder)]
            if outcome.against
            else [commands.compare_command(other, outcome.folder) for other in _earlier_run(outcome)]
        ),
    )


def _lacks_something(outcome: "Outcome") -> bool:
    """Whether an error is of what --resume measures: not of a figure that is known to be missing."""
    from harness.analysis.failures import cell_errors, verdict_errors
    from harness.measuring.sustaining import lacks_energy, lacks_sustained

    measured = [cell for cell in outcome.cells if not cell.failure]
    if any(
        (cell.energy and lacks_energy(cell, by_command=_is_by_command(outcome)))
        or (cell.sustained and lacks_sustained(cell))
        for cell in measured
    ):
        return True
    verdicts = (*verdict_errors(outcome.cells, "suspect"), *verdict_errors(outcome.cells, "invalid"))
    known = {(error.what, error.device, error.variant) for error in (*cell_errors(measured), *verdicts)}
    return any((error.what, error.device, error.variant) not in known for error in outcome.errors)


def _resume_command(outcome: "Outcome") -> "Words":
    """With the place of a --power-command, which is not saved and whose run is not continued without it."""
    from harness.analysis.commands import resume_command

    meter = ("--power-command", "COMMAND") if _is_by_command(outcome) else ()
    return (*resume_command(outcome.folder), *meter)


def _is_by_command(outcome: "Outcome") -> bool:
    from harness.records.run_folder import read_run

    return read_run(outcome.folder).request.energy == "command"


def _limits(answers: "Answers") -> "Words":
    """The budget that was asked for, else one that the middle step of each device's ladder keeps."""
    from harness.analysis.ladder_text import limit_of

    if asked := _asked_limits(answers):
        return asked
    middle = [steps[len(steps) // 2] for steps in answers.ladders.values() if steps]
    # Instructions are those of one kind of device: a limit on time comes first.
    timed = [step for step in middle if not step.candidate.cell.device.emulated]
    if not middle:
        return ()
    largest = max(timed or middle, key=lambda step: step.cost)
    return ("--max-latency" if timed else "--max-instructions", limit_of(largest))


def _asked_limits(answers: "Answers | None") -> "Words":
    """The options of the budget that was asked for; of one that has no answer, none."""
    from harness.analysis.commands import budget_options

    asked = answers and answers.selection.budget.limits_anything
    return budget_options(answers.selection.budget) if answers and asked else ()


def _earlier_run(outcome: "Outcome") -> Iterator[Path]:
    """The newest run beside this one that can be compared with it, if there is one."""
    from harness.analysis.comparison import can_compare
    from harness.records.run_folder import RUN_FILE

    beside: list[tuple[float, Path]] = []
    with suppress(OSError):
        for other in outcome.folder.parent.iterdir():
            with suppress(OSError):
                if not other.samefile(outcome.folder):
                    beside.append(((other / RUN_FILE).stat().st_mtime, other))
    for _, other in sorted(beside, reverse=True)[:COMPARED_RUNS]:
        if (cells := _read_small(other)) and can_compare(cells, outcome.cells):
            yield other
            return


def _read_small(folder: Path) -> "tuple[Cell, ...]":
    from harness.records.cell_files import CELLS_FOLDER
    from harness.records.run_folder import load_run

    with suppress(OSError, UsageError):
        size = sum(file.stat().st_size for file in (folder / CELLS_FOLDER).iterdir())
        return load_run(folder)[1] if size <= LARGEST_COMPARED_BYTES else ()
    return ()
