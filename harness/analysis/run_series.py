"""The cells of many runs as series: one program on one machine under one placement, in the order of time.

The series' key is `hardware_key`, variant, classes, threads, cores, rate, tuning and task
profile.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from harness.analysis.machines import hardware_key, name_machines_apart
from harness.analysis.variant_labels import label_of, label_variants, labelled_name
from harness.errors import UsageError
from harness.records import Cell, Run

Member = tuple[Run, Cell]


def in_order_of_time(
    runs: Iterable[tuple[Run, Sequence[Cell]]],
) -> list[tuple[Run, Sequence[Cell]]]:
    """The runs by when they started; of copies of one run that with the most cells.

    Raises:
        UsageError: a run has no readable time, or two runs of one id have different cells.
    """
    apart: dict[tuple[str, str], tuple[Run, Sequence[Cell]]] = {}
    for run, cells in runs:
        known = apart.get((run.id, run.started_at))
        if known is None or _covers(run, cells, known[1]):
            apart[run.id, run.started_at] = run, cells
    return sorted(apart.values(), key=lambda one: (_started(one[0]), one[0].id))


def _covers(run: Run, cells: Sequence[Cell], known: Sequence[Cell]) -> bool:
    """Whether the copy has all that is known of its run, and more; refused where neither has all."""
    # Encoded, because a figure that a condensed cell lacks is no number, which equals nothing.
    mine, known_ones = ({msgspec.json.encode(cell): cell for cell in each} for each in (cells, known))
    if mine.keys() <= known_ones.keys() or known_ones.keys() <= mine.keys():
        return len(mine) > len(known_ones)
    odd = next(cell for encoded, cell in mine.items() if encoded not in known_ones)
    raise UsageError(
        f"two runs have the id {run.id} and differ, for example in the cell {odd.name}",
        hint="leave one of their folders out: a run has one id, and a copy of it the same cells",
    )


def _started(run: Run) -> datetime:
    try:
        started = datetime.fromisoformat(run.started_at)
    except ValueError as error:
        raise UsageError(
            f"run {run.id} started at {run.started_at!r}, which is not a time",
            hint="restore run.json from a copy, or leave this run out",
        ) from error
    return started if started.tzinfo else started.replace(tzinfo=UTC)


def collect_series(
    runs: Sequence[tuple[Run, Sequence[Cell]]],
) -> tuple[list[tuple[str, list[Member]]], dict[str, int]]:
    """The usable cells of each trend with their names, in order; and the others by reason."""
    members = [(run, cell) for run, cells in runs for cell in cells]
    apart = any(_differ_only_in_weights(cells) for _, cells in runs)
    cells = name_machines_apart([cell for _, cell in members], hardware_key)
    if apart:
        cells = label_variants(cells)
    series: dict[tuple[object, ...], list[Member]] = {}
    left_out: dict[str, int] = {}
    for (run, _), cell in zip(members, cells, strict=True):
        if cell.verdict.status == "invalid":
            reason = next((one.code for one in cell.verdict.reasons if one.severity == "invalid"), "invalid")
            left_out[reason] = left_out.get(reason, 0) + 1
            continue
        weights = cell.variant.identity if apart else (cell.variant.classes,)
        key = (hardware_key(cell.device), cell.variant.name, weights, *_placement(cell))
        series.setdefault(key, []).append((run, cell))
    return sorted(_named_apart(list(series.values())), key=lambda one: one[0]), left_out


def _differ_only_in_weights(cells: Sequence[Cell]) -> bool:
    return any(label_of(cell.variant) for cell in label_variants(cells))


def _placement(cell: Cell) -> tuple[object, ...]:
    plan = cell.plan
    paced = plan.rate_hz, plan.backend_options
    return plan.threads, plan.cpus, *paced, plan.tune_device, plan.task_profile


def _named_apart(series: Sequence[list[Member]]) -> list[tuple[str, list[Member]]]:
    """Each trend's name: that of its cells, with the placement added where others share it."""
    names = [labelled_name(members[-1][1]) for members in series]
    named = []
    for name, members in zip(names, series, strict=True):
        cell = members[-1][1]
        if names.count(name) > 1:
            tuned = ", tuned" if cell.plan.tune_device else ""
            profile = f", as {cell.plan.task_profile}" if cell.plan.task_profile else ""
            placed = f"cores {cell.plan.cpus or 'not pinned'}{tuned}{profile}"
            name += f" ({placed}, {cell.variant.classes} classes)"
        named.append((name, members))
    return named
