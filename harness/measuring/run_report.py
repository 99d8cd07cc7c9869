"""The report at the end of a run, and what it was compared with."""

import dataclasses

from harness.analysis.askable import answerable
from harness.analysis.budget import Budget
from harness.analysis.margins import Margins
from harness.measuring.base_side import read_comparison
from harness.measuring.run_outcome import Outcome
from harness.records.outcomes import read_outcomes
from harness.records.progress import Log
from harness.records.run_folder import load_runs
from harness.system.text import shell_word

# Of 100 simulated devices a report, with some ten pictures each, took longer than measuring them.
MOST_DEVICES = 32


def report_run(
    outcome: Outcome, log: Log, budget: Budget | None = None, margins: Margins | None = None
) -> Outcome:
    """The outcome with a report of its run folder, if it has cells of few enough devices.

    The report answers first for the budget, if the cells can answer it; a base is compared by the margins.
    """
    devices = len({cell.device.name for cell in outcome.cells})
    if devices > MOST_DEVICES:
        log(
            f"no report was written, because {devices} devices were measured, more than {MOST_DEVICES};"
            f" write it with: harness report {shell_word(outcome.folder)}"
        )
        return outcome
    if not outcome.cells:
        return outcome
    # matplotlib takes a second.
    from reports.report import write_report

    runs, outcomes = load_runs([outcome.folder]), read_outcomes(outcome.folder, outcome.cells)
    answered = budget and answerable(outcome.cells, budget)
    if runs[0][0].base:
        outcome = outcome.followed_by(
            lambda o: dataclasses.replace(o, against=read_comparison(o.folder, margins))
        )
    against = [outcome.against] if outcome.against else []
    place = outcome.folder / "report"
    report = write_report(runs, place, budget=answered, outcomes=outcomes, against=against)
    return dataclasses.replace(outcome, report=report)
