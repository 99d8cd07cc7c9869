"""The story of `harness run`: resolve, lower, measure, localize mismatches, evaluate, report."""

from collections.abc import Callable, Sequence
from pathlib import Path

from harness.accuracy.localization import localize_mismatches
from harness.accuracy.request_inputs import prepare_inputs
from harness.accuracy.workplace import THIS_HOST, Workplace
from harness.analysis.budget import Budget
from harness.analysis.failures import FailOn, cell_errors, verdict_errors
from harness.analysis.margins import Margins
from harness.analysis.units import spread_between_units
from harness.devices.target import Target
from harness.errors import HarnessError
from harness.lowering.inputs import Inputs
from harness.lowering.lower import asked_for, lowering_errors
from harness.lowering.stored_programs import keep_programs
from harness.measuring.base_side import BaseSide, find_base
from harness.measuring.first_session import FirstSession
from harness.measuring.own_programs import prepare_programs
from harness.measuring.run_outcome import Outcome, resumable
from harness.measuring.run_record import finish_record, start_record
from harness.measuring.run_report import report_run
from harness.measuring.search import Search, search_each
from harness.measuring.targets import refuse_without_real_time, resolve_devices
from harness.records import RunRequest, Variant
from harness.records.progress import Listener, Log
from harness.records.run_folder import read_cells
from harness.system.extras import require_extra
from harness.system.folder_lock import only_writer


def run(
    request: RunRequest,
    make_folder: Callable[[], Path],
    listen: Listener,
    log: Log,
    *,
    classes: int | None = None,
    fail_on: FailOn | None = None,
    budget: Budget | None = None,
    search: bool = False,
    margins: Margins | None = None,
    power_command: tuple[str, ...] = (),
    begin: Callable[[RunRequest, Sequence[Target], Inputs | None, BaseSide | None], None] = lambda *_: None,
    workplace: Workplace = THIS_HOST,
) -> Outcome:
    """Measure all that is asked for, in a new folder or continuing in one that has cells of this request.

    `classes` is what weights files must have; `fail_on` turns verdicts into errors. The report answers for
    the `budget`; with `search` only what decides the best variant within it is measured. A base is compared
    by `margins`. `begin` gets the request, the devices, the variants of weights files and the base, once
    these are known to be right and before the folder is made; what it raises ends the run. `power_command`
    is the user's meter. The devices are those of the `workplace`, which does the work.

    Raises:
        UsageError: a device, weights file, data set or base that cannot be used, and no folder has been made;
            or another process writes to the folder, or made it for another request or other weights.
        Interrupted: Ctrl-C; what was measured is saved.
    """
    targets = workplace.resolve(request.devices, log)
    refuse_without_real_time(request, targets)
    if request.accuracy_on_host:
        resolve_devices(("host",))
    if not request.programs and workplace.lowers_here:
        require_extra("lower", "lowering a network")
    request, prepared = prepare_inputs(request, log, classes=classes)
    inputs = prepared.inputs if prepared else prepare_programs(request, log)
    base = find_base(request.against, asked_for(request, inputs), log)
    begin(request, targets, inputs, base)
    folder = make_folder()
    searched = budget if search else None
    with only_writer(folder), resumable(folder):
        outcome = measure(
            request,
            targets,
            folder,
            listen,
            inputs=inputs,
            budget=searched,
            base=base,
            power_command=power_command,
            workplace=workplace,
        )
        if prepared:
            # It imports torch, which takes seconds.
            from harness.accuracy.evaluate import evaluate

            on_host = request.accuracy_on_host
            outcome = outcome.followed_by(
                lambda o: evaluate(o, prepared, targets, listen, on_host=on_host, workplace=workplace)
            )
        outcome = outcome.with_errors(verdict_errors(outcome.cells, fail_on))
        return outcome.followed_by(lambda o: report_run(o, log, budget, margins))


def measure(
    request: RunRequest,
    targets: Sequence[Target],
    folder: Path,
    listen: Listener,
    *,
    inputs: Inputs | None = None,
    budget: Budget | None = None,
    base: BaseSide | None = None,
    power_command: tuple[str, ...] = (),
    workplace: Workplace = THIS_HOST,
) -> Outcome:
    """Lower and measure what is not in the folder yet; without `inputs` the weights are random.

    With a `budget`, only what decides the best variant within it; with a `base`, beside its programs.
    """
    record = start_record(request, folder, inputs or (), base.run if base else None)
    base_errors = base.start(record, folder) if base else []
    # A search measures several times on each device.
    first_sessions: dict[str, FirstSession] = {}

    def measure_some(targets: Sequence[Target], variants: Sequence[Variant]) -> list[HarnessError]:
        with workplace.lower(variants, request, listen, inputs) as artifacts:
            errors = workplace.measure(
                targets,
                request,
                artifacts,
                folder,
                listen,
                base=base,
                power_command=power_command,
                first_sessions=first_sessions,
            )
            errors.extend(lowering_errors(artifacts))
            lowered = [future.result() for future in artifacts.values() if not future.exception()]
        errors.extend(keep_programs(lowered, folder))
        return [*errors, *localize_mismatches(folder, lowered, inputs, listen)]

    variants = asked_for(request, inputs)
    searches: tuple[Search, ...] = ()
    if budget is None:
        errors = measure_some(targets, variants)
    else:
        searches, errors = search_each(targets, variants, budget, folder, measure_some, listen)
    cells = read_cells(folder)
    finish_record(record, folder, cells)
    errors = [*errors, *base_errors, *cell_errors(cells, request.energy or "device")]
    units = spread_between_units(cells) if request.any_of else ()
    return Outcome(folder, cells, tuple(errors), searches=searches, units=units)
