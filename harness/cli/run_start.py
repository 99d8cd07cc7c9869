"""What `harness run` does before it measures: shows the plan, and asks about devices that are not fit."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.cli.application import console_for, log, print_json, show
from harness.cli.output_places import check_empty
from harness.cli.plan_text import cell_table, describe_plan
from harness.cli.tables import print_table
from harness.errors import DeviceUnfit
from harness.measuring.planned import RunPlan
from harness.measuring.run_plan import make_run_plan
from harness.measuring.targets import refuse_unanswerable
from harness.records.run_folder import read_cells

if TYPE_CHECKING:
    from harness.accuracy.workplace import LookAt
    from harness.analysis.budget import Budget
    from harness.analysis.failures import FailOn
    from harness.devices.places import Group
    from harness.devices.target import Target
    from harness.lowering.inputs import Inputs
    from harness.measuring.base_side import BaseSide
    from harness.measuring.doctor.diagnosis import Diagnosis
    from harness.measuring.preflight import Survey
    from harness.records import RunRequest

# A longer run is announced with its plan.
ANNOUNCED_SECONDS = 60


@dataclass(frozen=True)
class Start:
    """The options that decide how a run begins."""

    resume: Path | None
    out: Path | None
    dry_run: bool
    yes: bool
    fail_on: "FailOn | None"
    search: bool
    budget: "Budget"
    json: bool
    quiet: bool
    survey: "LookAt"
    group: "Group"

    def begin(
        self,
        request: "RunRequest",
        targets: "Sequence[Target]",
        inputs: "Inputs | None",
        base: "BaseSide | None" = None,
    ) -> None:
        """Show the plan; with `dry_run` end the command there, else ask about devices that are not fit.

        Raises:
            TransportError, DeviceUnfit: no device can be opened. Where others can, measuring tries such a
                device again.
            DeviceUnfit: no device can run what is asked for, or one is not fit and not to be measured.
            UsageError: `out` holds something already, or no cell could have a figure that the budget limits.
        """
        from harness.lowering.lower import asked_for

        if not self.resume:
            refuse_unanswerable(self.budget, request, asked_for(request, inputs), targets)
        # A dry run reads this machine alone.
        asked = [target for target in targets if target.kind == "host"] if self.dry_run else targets
        found = self.survey(asked, log, energy=request.energy == "device")
        if targets and len(found.unreachable) == len(targets):
            raise next(iter(found.unreachable.values()))
        earlier = read_cells(self.resume) if self.resume else ()
        plan = make_run_plan(
            request,
            asked_for(request, inputs),
            inputs,
            targets,
            found.infos,
            earlier,
            beside_base=base.programs if base else (),
            group=self.group,
        )
        if all(device.error for device in plan.devices):
            first = plan.devices[0]
            raise DeviceUnfit(first.error or "", device=first.name, hint=first.hint)
        if self.dry_run:
            self._show(plan, found)
            raise typer.Exit
        if plan.most_seconds > ANNOUNCED_SECONDS and not self.quiet:
            for line in describe_plan(plan, search=self.search).splitlines():
                log(line)
        if not all(
            cell.measured and not cell.long_seconds for device in plan.devices for cell in device.cells
        ):
            self._settle(found)

    def _show(self, plan: RunPlan, found: "Survey") -> None:
        if self.out:
            check_empty(self.out)
        if self.json:
            print_json({"plan": plan, "problems": found.problems, "cautions": found.cautions})
            return
        columns, rows = cell_table(plan)
        print_table(console_for(), "", columns, rows, identity=columns.index("processes"))
        show(describe_plan(plan, search=self.search))
        for line in _lines((*found.problems, *found.cautions)):
            show(line)

    def _settle(self, found: "Survey") -> None:
        """Go on, or raise DeviceUnfit; nothing has been made, lowered or measured yet."""
        for line in _lines(found.cautions):
            log(f"caution: {line}")
        if not found.problems:
            return
        for line in _lines(found.problems):
            log(f"warning: {line}")
        if self.yes:
            return
        first = found.problems[0]
        refusal = DeviceUnfit(
            f"not measured: {first.detail}",
            device=first.subject,
            hint=f"{first.fix}; or measure all the same with --yes",
        )
        if self.fail_on == "suspect" or (_in_terminal() and not _confirmed()):
            raise refusal


def _in_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _confirmed() -> bool:
    return typer.confirm("Measure all the same? Cells may become suspect", default=False, err=True)


def _lines(found: Iterable["Diagnosis"]) -> list[str]:
    return [f"{one.subject}: {one.what}: {one.detail}; {one.fix}" for one in found]
