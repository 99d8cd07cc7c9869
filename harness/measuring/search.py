"""The best variant within a budget, by measuring only what decides it: batch by batch on each device."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.analysis.budget import Budget
from harness.analysis.search import Choice, check_clock, choose_next, is_by_limits_alone
from harness.devices.target import Target
from harness.errors import HarnessError, UsageError
from harness.records import Cell, Variant
from harness.records.progress import Event, Listener
from harness.records.run_folder import read_cells
from harness.system.text import printable

# Lowers and measures these variants on these devices, and returns what went wrong.
MeasureSome = Callable[[Sequence[Target], Sequence[Variant]], list[HarnessError]]


@dataclass(frozen=True)
class Search:
    """How a search on one device ended: variants that were measured, and those that need no measurement.

    It is `decided` when all others are ruled out; else `open_count` are left, because something failed.
    `best` is the most accurate one that was measured within the budget; None with `limits_alone`, where
    accuracies are measured later and only limits ruled variants out.
    """

    device: str
    measured: tuple[Variant, ...]
    ruled_out: tuple[Variant, ...]
    decided: bool
    open_count: int
    best: Variant | None
    limits_alone: bool = False


def search_each(
    targets: Sequence[Target],
    variants: Sequence[Variant],
    budget: Budget,
    folder: Path,
    measure_some: MeasureSome,
    listen: Listener,
) -> tuple[tuple[Search, ...], list[HarnessError]]:
    """Search on one device after the other, since each decides for itself what is next."""
    errors: list[HarnessError] = []
    searches = [_search(target, variants, budget, folder, measure_some, listen, errors) for target in targets]
    return tuple(searches), errors


def _search(
    target: Target,
    variants: Sequence[Variant],
    budget: Budget,
    folder: Path,
    measure_some: MeasureSome,
    listen: Listener,
    errors: list[HarnessError],
) -> Search:
    """Measure until nothing is open; a variant that gives no cell is tried once, and a device that gives
    none ends."""
    given_up: set[Variant] = set()
    while True:
        cells = [cell for cell in read_cells(folder) if cell.device.name == target.name]
        choice = choose_next([one for one in variants if one not in given_up], cells, budget)
        if not choice.next:
            return _ended(target, variants, cells, choice)
        try:
            check_clock(cells, budget)
        except UsageError as error:
            errors.append(error)
            return _ended(target, variants, cells, choice)
        names = ", ".join(variant.name for variant in choice.next)
        listen(Event(target.name, f"searching: {len(choice.ruled_out)} variants ruled out, next: {names}"))
        errors += measure_some((target,), choice.next)
        after = {_identity(cell.variant) for cell in read_cells(folder) if cell.device.name == target.name}
        missing = [one for one in choice.next if _identity(one) not in after]
        given_up.update(missing)
        if len(missing) == len(choice.next):
            return _ended(target, variants, cells, choice)


def _ended(target: Target, variants: Sequence[Variant], cells: Sequence[Cell], choice: Choice) -> Search:
    names = {_identity(cell.variant) for cell in cells}
    measured = tuple(variant for variant in variants if _identity(variant) in names)
    open_count = len(variants) - len(measured) - len(choice.ruled_out)
    return Search(
        device=target.name,
        measured=measured,
        ruled_out=choice.ruled_out,
        decided=not open_count,
        open_count=open_count,
        best=choice.best,
        limits_alone=is_by_limits_alone(variants),
    )


def _identity(variant: Variant) -> tuple[object, ...]:
    """Files of one shape and precision have one name."""
    return variant.name, *variant.identity


def describe_search(search: Search) -> str:
    """`pixel: measured 8 of 32 variants; 24 were ruled out, none of which can be better`."""
    count = len(search.measured) + len(search.ruled_out) + search.open_count
    text = f"{printable(search.device)}: searched by measuring {len(search.measured)} of {count} variants"
    if not search.decided:
        return f"{text}; not decided: {search.open_count} of them could still be better"
    why = "are over the budget" if search.limits_alone else "cannot be better within the budget"
    return f"{text}; saved {len(search.ruled_out)}, which {why}"
