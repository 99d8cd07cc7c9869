"""What the page's script knows: one JSON with the figures that decide, as `analysis.selection` reads them.

The script chooses again for each budget that is typed in, by the same rules; tests compare the two.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from harness.analysis.budget import PACED_P99, QUANTITIES, Budget
from harness.analysis.candidates import FileKey, file_key, measured_by_file, paces_for
from harness.analysis.chance import RESAMPLED_FROM
from harness.analysis.known_accuracy import (
    LARGEST_TIE_PP,
    SIGNIFICANCE,
    KnownAccuracy,
    published_top1,
)
from harness.analysis.paired import Wins, count_wins
from harness.analysis.quantizers import in_order_of_runtimes
from harness.analysis.runtimes import program_file, runtime_title
from harness.records import EXECUTORCH, Cell
from harness.records.outcomes import OutcomesByFigures
from harness.records.requests import LOWEST_RATE_HZ
from harness.system.text import printable
from reports.decisions import group_sections
from reports.page_cells import PageCell, Texts, placements_of, to_page_cell
from reports.page_chances import Medians, medians_of, ratio_depths_of
from reports.page_pools import PageGroup, PooledCell, page_group, pooled_cells, repeated_cells
from reports.sections import Section


class File(msgspec.Struct, frozen=True):
    """A program on one device or pool: its accuracies as fractions of one, and its row in a group of `pairs`.

    `name` is that of its `.pte`, with the digest; `key` is equal for the same program on another device.
    """

    key: int
    name: str
    measured: tuple[float, float, float] | None
    images: int
    data: int | None
    published: float | None
    group: int | None = None
    row: int | None = None


class Machine(msgspec.Struct, frozen=True):
    """A device: `placements` are the names that its cells can be chosen by."""

    title: str
    clock: str
    emulated: bool
    placements: tuple[str, ...]


class LimitedQuantity(msgspec.Struct, frozen=True, rename="camel"):
    """A figure that a budget limits from above; `size` is the unit's in base units.

    Its limit is a `whole` number of these. The `fixed` one is that of paced cells: no budget changes their
    rate.
    """

    name: str
    option: str
    unit: str
    size: float
    is_time: bool
    whole: bool
    fixed: bool


class PageBudget(msgspec.Struct, frozen=True, rename="camel"):
    """`limits` are in the order of the quantities, in base units; with `sustained` that of latency is the
    plateau's."""

    limits: tuple[float | None, ...]
    min_accuracy: float | None
    threads: tuple[int, ...]
    cores: str | None
    precisions: tuple[str, ...]
    sustained: bool


class PredictedPoint(msgspec.Struct, frozen=True):
    """A variant that was not measured: only drawn, never chosen. `cost` is low, estimate and high, in ms
    or millions.

    `published` is a fraction of one; `texts` are what the card says.
    """

    machine: int
    name: str
    precision: str
    placement: str
    macs: int
    cost: tuple[float, float, float]
    published: float | None
    texts: tuple[str, ...]


class Document(msgspec.Struct, frozen=True, rename="camel"):
    """`cells` are arrays in the order of `fields`; `data` names what accuracies are of; `texts` are what
    cells say by number; `runtimes` are the titles of the cells' runtimes and ExecuTorch's, which is first;
    `pooled` are those of pools by their place, `repeats` those that were measured several times."""

    budget: PageBudget
    quantities: tuple[LimitedQuantity, ...]
    machines: tuple[Machine, ...]
    groups: tuple[PageGroup, ...]
    data: tuple[str, ...]
    files: tuple[File, ...]
    pairs: tuple[Wins, ...]
    fields: tuple[str, ...]
    cells: tuple[PageCell, ...]
    pooled: dict[str, PooledCell]
    repeats: dict[str, int]
    texts: tuple[str, ...]
    runtimes: tuple[str, ...]
    predicted: tuple[PredictedPoint, ...]
    medians: dict[str, Medians]
    ratio_depths: dict[str, tuple[int, float]]
    resampled_from: int
    significance: float
    largest_tie_pp: float
    lowest_rate_hz: float


_QUANTITIES = (*QUANTITIES, PACED_P99)


@dataclass(frozen=True)
class _KnownFile:
    key: FileKey
    name: str
    measured: KnownAccuracy | None
    published: KnownAccuracy | None


def make_document(sections: Sequence[Section], budget: Budget, outcomes: OutcomesByFigures) -> Document:
    """Everything that the script needs, for all devices."""
    groups = group_sections(sections)
    known = [_known_files(group.cells.cells, outcomes) for group in groups]
    all_files = [file for files in known for file in files.values()]
    data = tuple(dict.fromkeys(one.measured.data for one in all_files if one.measured))
    keys = {key: index for index, key in enumerate(dict.fromkeys(one.key for one in all_files))}
    pairs, places = _pair(all_files)
    cells: list[PageCell] = []
    texts = Texts()
    group_at = {machine: at for at, group in enumerate(groups) for machine in group.machines}
    for machine, section in enumerate(sections):
        at = group_at[machine]
        decided = groups[at].cells.cells
        first = sum(map(len, known[:at]))
        number = {key: first + index for index, key in enumerate(known[at])}
        names = sorted(cell.name for cell in decided)
        order = {name: index for index, name in enumerate(names)}
        placements = placements_of(decided, budget)
        paces = paces_for(decided, budget)
        cells += [
            to_page_cell(
                cell,
                texts,
                machine=machine,
                file=number[file_key(cell)],
                order=order[cell.name],
                placements=placements,
                paces=paces,
                quantities=_QUANTITIES,
            )
            for cell in section.cells
        ]
    return Document(
        budget=_page_budget(budget),
        quantities=tuple(
            LimitedQuantity(
                one.name, one.option, one.unit, one.unit_size, one.is_time, one.whole, one is PACED_P99
            )
            for one in _QUANTITIES
        ),
        machines=tuple(
            Machine(
                section.title,
                section.device.clock,
                section.device.emulated,
                placements_of(section.cells, budget),
            )
            for section in sections
        ),
        groups=tuple(map(page_group, groups)),
        data=data,
        files=tuple(
            _file(one, keys[one.key], data, places.get(index)) for index, one in enumerate(all_files)
        ),
        pairs=pairs,
        fields=PageCell.__struct_encode_fields__,
        cells=tuple(cells),
        pooled=pooled_cells(groups, sections),
        repeats=repeated_cells(sections),
        texts=texts.in_order(),
        runtimes=_runtimes(sections),
        predicted=tuple(
            PredictedPoint(
                machine=machine,
                name=one.name,
                precision=one.precision,
                placement=one.placement,
                macs=one.macs,
                cost=(one.cost.low, one.cost.value, one.cost.high),
                published=one.top1,
                texts=tuple(text for text in one.texts if text),
            )
            for machine, section in enumerate(sections)
            for one in section.predicted
        ),
        medians=medians_of(cells),
        ratio_depths=ratio_depths_of(cells),
        resampled_from=RESAMPLED_FROM,
        significance=SIGNIFICANCE,
        largest_tie_pp=LARGEST_TIE_PP,
        lowest_rate_hz=LOWEST_RATE_HZ,
    )


def _runtimes(sections: Sequence[Section]) -> tuple[str, ...]:
    """The titles of ExecuTorch and of the other runtimes of the cells, in the order that they are named."""
    names = {EXECUTORCH, *(cell.variant.runtime for section in sections for cell in section.cells)}
    return tuple(map(runtime_title, in_order_of_runtimes(names)))


def encode(document: Document) -> str:
    """The JSON for a script element: no text in it can end the element or begin a comment."""
    text = msgspec.json.encode(document).decode()
    return re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _known_files(cells: Sequence[Cell], outcomes: OutcomesByFigures) -> Mapping[FileKey, _KnownFile]:
    measured = measured_by_file(cells, outcomes)
    return {
        file_key(cell): _KnownFile(
            file_key(cell),
            f"{printable(program_file(cell.variant))}, sha256 {cell.artifact.sha256}",
            measured.get(file_key(cell)),
            published_top1(cell),
        )
        for cell in cells
    }


def _file(known: _KnownFile, key: int, data: Sequence[str], place: tuple[int, int] | None) -> File:
    measured = known.measured
    group, row = place or (None, None)
    return File(
        key,
        known.name,
        (measured.low, measured.estimate, measured.high) if measured else None,
        measured.images if measured else 0,
        data.index(measured.data) if measured else None,
        known.published.estimate if known.published else None,
        group,
        row,
    )


def _pair(files: Sequence[_KnownFile]) -> tuple[tuple[Wins, ...], dict[int, tuple[int, int]]]:
    """Files evaluated on the same images, in groups, and the group and row of each file by its index."""
    groups: list[list[tuple[int, KnownAccuracy]]] = []
    for index, file in enumerate(files):
        found = file.measured
        if found is None or found.outcomes is None:
            continue
        for group in groups:
            first = group[0][1].outcomes
            if first and first.of_same_images(found.outcomes):
                group.append((index, found))
                break
        else:
            groups.append([(index, found)])
    places = {
        index: (number, row) for number, group in enumerate(groups) for row, (index, _) in enumerate(group)
    }
    return tuple(
        count_wins([one.outcomes.outcomes for _, one in group if one.outcomes]) for group in groups
    ), places


def _page_budget(budget: Budget) -> PageBudget:
    cool = replace(budget, sustained=False)  # Of which latency is one of the quantities.
    return PageBudget(
        tuple(quantity.limit(cool) for quantity in _QUANTITIES),
        budget.min_accuracy,
        budget.threads,
        printable(budget.cores) if budget.cores else None,
        budget.precisions,
        budget.sustained,
    )
