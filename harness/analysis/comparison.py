"""Two runs side by side: which cells can be compared, and the result.

Runs are refused when something besides the program differs (`differences.py`); each pair of cells is judged
in `cell_comparison.py`.
"""

from collections.abc import Iterable, Sequence

from harness.analysis.cell_comparison import ComparedCell, compare_cell
from harness.analysis.clusters import cores_name
from harness.analysis.comparison_rule import WEIGHTIEST_FIRST, ComparisonResult, overall
from harness.analysis.differences import find_differences
from harness.analysis.machines import machine_key
from harness.analysis.margins import Margins
from harness.analysis.variant_labels import label_of, label_variants, labelled_name
from harness.errors import UsageError
from harness.records import Cell, Record
from harness.records.outcomes import OutcomesByFigures

Key = tuple[str | None, str, int | None, tuple[object, ...], tuple[object, ...]]
EXIT_CODES: dict[ComparisonResult, int] = {"no worse": 0, "better": 0, "worse": 1, "inconclusive": 3}


class Comparison(Record, frozen=True, kw_only=True):
    """Two runs side by side, worst cells first; `differences` names what else changed (see `across`).

    `paired` cells were measured in the same rounds; `notes` are sentences on how.
    """

    result: ComparisonResult
    margins: Margins
    cells: tuple[ComparedCell, ...]
    only_in_base: tuple[str, ...]
    only_in_new: tuple[str, ...]
    differences: tuple[str, ...]
    paired: bool = False
    notes: tuple[str, ...] = ()


def compare(
    base: Sequence[Cell],
    new: Sequence[Cell],
    *,
    margins: Margins | None = None,
    across: bool = False,
    paired: bool = False,
    base_outcomes: OutcomesByFigures | None = None,
    new_outcomes: OutcomesByFigures | None = None,
) -> Comparison:
    """Compare the cells that both runs have: same variant, device, threads, cores and rate.

    `across` allows other devices, plans and versions; `paired` says that both were measured in the same
    rounds. The outcomes pair accuracies image by image.

    Raises:
        UsageError: a margin is out of range, the runs have nothing in common, or are not alike.
    """
    margins = margins or Margins()
    margins.check()
    before, after = _index_both(base, new, across=across)
    pairs, differences = _pair(before, after, across=across)
    timed = sum(not (old.device.emulated or young.device.emulated) for old, young in pairs)
    cells = [
        compare_cell(
            old,
            young,
            margins=margins,
            timed_cells=timed,
            base_outcomes=base_outcomes or {},
            new_outcomes=new_outcomes or {},
            paired=paired,
        )
        for old, young in pairs
    ]
    vanished = tuple(labelled_name(cell) for key, cell in before.items() if key not in after)
    results = [cell.result for cell in cells]
    if vanished:  # what was not measured again may have become worse
        results.append("inconclusive")
    return Comparison(
        result=overall(results),
        margins=margins,
        cells=tuple(sorted(cells, key=lambda cell: WEIGHTIEST_FIRST.index(cell.result))),
        only_in_base=vanished,
        only_in_new=tuple(labelled_name(cell) for key, cell in after.items() if key not in before),
        differences=differences,
        paired=paired,
        notes=_describe_moved(before, after),
    )


def _describe_moved(before: dict[Key, Cell], after: dict[Key, Cell]) -> tuple[str, ...]:
    """Cells that are on another device now, as where the devices of a pool share the variants."""
    elsewhere = {key[1:]: cell for key, cell in after.items() if key not in before}
    moved = [
        (cell, elsewhere[key[1:]])
        for key, cell in before.items()
        if key not in after and key[1:] in elsewhere
    ]
    if not moved:
        return ()
    old, new = moved[0]
    cells = "1 cell of base is" if len(moved) == 1 else f"{len(moved)} cells of base are"
    return (
        f"{cells} in new on another device ({old.variant.name} on {new.device.name}, in base on"
        f" {old.device.name}), and no other device's cell is compared: measure both on the same --device",
    )


def can_compare(base: Sequence[Cell], new: Sequence[Cell]) -> bool:
    """Whether `compare` would compare the two runs without `across`."""
    try:
        _pair(*_index_both(base, new, across=False), across=False)
    except UsageError:
        return False
    return True


def _index_both(
    base: Sequence[Cell], new: Sequence[Cell], *, across: bool
) -> tuple[dict[Key, Cell], dict[Key, Cell]]:
    base, new = label_variants(base), label_variants(new)
    apart = any(label_of(cell.variant) for cell in (*base, *new))
    placed = any(map(_has_several_placements, (base, new)))
    return (
        _index(base, "base", across, apart=apart, placed=placed),
        _index(new, "new", across, apart=apart, placed=placed),
    )


def _has_several_placements(cells: Sequence[Cell]) -> bool:
    placements = {(cell.device.name, cores_name(cell)) for cell in cells}
    return len(placements) > len({device for device, _ in placements})


def _pair(
    before: dict[Key, Cell], after: dict[Key, Cell], *, across: bool
) -> tuple[list[tuple[Cell, Cell]], tuple[str, ...]]:
    """The cells that both runs have, and what else changed."""
    common = [key for key in before if key in after]
    if not common:
        hint = "compare runs of the same variants, classes, devices, threads, cores and rates"
        counted = len({cell.variant.classes for side in (before, after) for cell in side.values()}) > 1
        raise UsageError(
            f"the runs have no cell in common: base has {_names(before.values(), counted=counted)};"
            f" new has {_names(after.values(), counted=counted)}",
            hint=f"{hint}, or add --across" if not across and _differ_in_device(before, after) else hint,
        )
    pairs = [(before[key], after[key]) for key in common]
    differences = tuple(dict.fromkeys(text for pair in pairs for text in find_differences(*pair)))
    if differences and not across:
        raise UsageError(
            "the runs are not alike: " + "; ".join(differences),
            hint="measure both in the same way, or add --across to compare them all the same",
        )
    return pairs, differences


def _differ_in_device(before: dict[Key, Cell], after: dict[Key, Cell]) -> bool:
    """Whether cells would be the same but for the one device of each run, which `across` leaves out."""
    one_each = all(len({machine_key(cell.device) for cell in side.values()}) == 1 for side in (before, after))
    return one_each and any(old[1:] == new[1:] for old in before for new in after)


def _index(cells: Sequence[Cell], side: str, across: bool, *, apart: bool, placed: bool) -> dict[Key, Cell]:
    """Cells by what makes them the same point; across devices when the run has just one.

    `apart` tells cells that differ only in weights from each other, `placed` those that differ in cores. Of
    runs with one placement each, other cores are a difference (`find_differences`).
    """
    if not cells:
        raise UsageError(f"the {side} run has no cells", hint="name a folder that `harness run` wrote")
    indexed: dict[Key, Cell] = {}
    one_device = len({machine_key(cell.device) for cell in cells}) == 1
    for cell in cells:
        device = None if across and one_device else cell.device.name
        weights = cell.variant.identity if apart else ()
        cores = cores_name(cell) if placed else ""
        plan = cell.plan
        run_as = plan.threads, plan.rate_hz, plan.backend_options, cores
        key = (device, cell.variant.name, cell.variant.classes, run_as, weights)
        if key in indexed:
            raise UsageError(f"{side} has two cells {cell.name}", hint="compare one run at a time")
        indexed[key] = cell
    return indexed


def _names(cells: Iterable[Cell], *, counted: bool) -> str:
    """The first few; `counted` with their numbers of classes, which no name has."""
    names = list(
        dict.fromkeys(
            cell.name + (f" of {cell.variant.classes} classes" if counted else "") for cell in cells
        )
    )
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
