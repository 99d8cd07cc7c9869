"""The story of `harness evaluate`: run each timed program over a data set, add its accuracy to its cells."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from harness.accuracy.device_evaluation import DeviceEvaluation, EvaluationRun, TimedProgram
from harness.accuracy.divergence import mismatch_errors
from harness.accuracy.evaluation import Evaluation
from harness.accuracy.image_runner import OpenImageRunner, open_image_runner
from harness.accuracy.preparation import Prepared
from harness.accuracy.store import find_evaluation, pair_with_fp32, save_evaluation
from harness.accuracy.workplace import THIS_HOST, Workplace
from harness.devices.places import group_by_place
from harness.devices.target import Target
from harness.errors import HarnessError, Interrupted, UsageError
from harness.measuring.run_outcome import Outcome
from harness.measuring.targets import resolve_devices
from harness.records import Cell, Variant
from harness.records.progress import Event, Listener
from harness.records.run_folder import read_cells
from harness.system.foreign_errors import as_harness_error
from harness.system.text import shell_word
from harness.system.threads import ENDING, work_at_once


def evaluate(
    outcome: Outcome,
    prepared: Prepared,
    targets: Sequence[Target],
    listen: Listener,
    *,
    on_host: bool,
    workplace: Workplace = THIS_HOST,
) -> Outcome:
    """Add accuracy to the cells of a run folder, measured on its devices, or all of it on this machine."""
    place = THIS_HOST if on_host else workplace
    places = resolve_devices(("host",)) if on_host else targets
    errors = evaluate_run(
        outcome.folder, prepared, places, listen, on_host=on_host, open_runner=place.open_runner
    )
    return dataclasses.replace(outcome, cells=read_cells(outcome.folder)).with_errors(errors)


def evaluate_run(
    folder: Path,
    prepared: Prepared,
    targets: Sequence[Target],
    listen: Listener,
    *,
    on_host: bool,
    open_runner: OpenImageRunner = open_image_runner,
) -> tuple[HarnessError, ...]:
    """Evaluate the programs of a run folder and return the errors, each with its device and variant.

    Each program runs on the devices that timed it, opened by `open_runner`, or, with `on_host`, all of them
    on this machine.
    Devices work at the same time, except those on this machine, which take turns.

    Raises:
        UsageError: the weights of a cell are not given.
        Interrupted: Ctrl-C; finished evaluations are saved, and so are the logits fetched until then.
    """
    if prepared.dataset is None:
        return ()
    run = EvaluationRun(folder, prepared, prepared.dataset, listen, open_runner=open_runner)
    cells = [cell for cell in read_cells(folder) if not cell.failure]
    devices: dict[Target, DeviceEvaluation] = {}
    errors: list[HarnessError] = []
    for target in targets:
        own = [cell for cell in cells if on_host or cell.device.name == target.name]
        unfinished = []
        for program in _timed_programs(own, prepared):
            saved = _reuse_saved(run, program, target)
            if saved is None:
                unfinished.append(program)
            else:
                errors += mismatch_errors(saved, program.variant, target.name)
        if unfinished:
            devices[target] = DeviceEvaluation(run, target, unfinished)
    _evaluate_at_once(run, devices)
    errors += [error for device in devices.values() for error in device.errors]
    try:
        pair_with_fp32(folder)
    except Exception as error:
        errors.append(as_harness_error(error))
    return tuple(errors)


def _timed_programs(cells: Iterable[Cell], prepared: Prepared) -> Iterator[TimedProgram]:
    by_sha256: defaultdict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_sha256[cell.artifact.sha256].append(cell)
    for group in by_sha256.values():
        yield TimedProgram(_find_variant(group[0], prepared), tuple(group))


def _find_variant(cell: Cell, prepared: Prepared) -> Variant:
    for variant in prepared.weights:
        if variant.name == cell.variant.name:
            return variant
    raise UsageError(
        f"no weights file is given for {cell.variant.name}",
        hint="name the file with --weights; random weights have no meaningful accuracy",
    )


def _reuse_saved(run: EvaluationRun, program: TimedProgram, target: Target) -> Evaluation | None:
    """A saved evaluation of the same program, images and device; its accuracy goes into all of the cells."""
    subject = run.prepared.subject(program.variant)
    saved = find_evaluation(run.folder, program.cells, subject, run.dataset, target.name)
    if saved is not None:
        save_evaluation(run.folder, saved, program.cells)
    return saved


def _evaluate_at_once(run: EvaluationRun, devices: dict[Target, DeviceEvaluation]) -> None:
    groups = [[devices[target] for target in group] for group in group_by_place(tuple(devices))]
    try:
        work_at_once([(partial(_evaluate_in_turn, group), partial(_cancel, run, group)) for group in groups])
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted; finished evaluations are saved",
            hint=f"go on with: harness evaluate {shell_word(run.folder)}, and the same options",
        ) from None


def _evaluate_in_turn(group: Sequence[DeviceEvaluation]) -> None:
    for device in group:
        device.evaluate()


def _cancel(run: EvaluationRun, group: Sequence[DeviceEvaluation]) -> None:
    """Called from another thread than the one that evaluates."""
    run.cancelled.set()
    run.listen(Event(group[0].target.name, ENDING))
    for device in group:
        device.cancel()
