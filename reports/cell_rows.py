"""The table of all cells of a device, cheapest first; columns that do not vary are its caption."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.analysis.cell_text import placement
from harness.analysis.flags import deciding_codes, is_flagged
from harness.records import Cell
from harness.system.text import printable
from reports.bars import Bar, place_bars
from reports.cell_figures import cell_name
from reports.energy import energy_ends
from reports.figures import cost_of, top1_of
from reports.numbers import MISSING, significant, with_ends
from reports.sections import Section
from reports.sustained import plateau_ends, retained_text


@dataclass(frozen=True)
class Column:
    """`key` is what the script sorts by; a `wide` column is left out on a phone."""

    key: str
    title: str
    wide: bool = True


@dataclass(frozen=True)
class CellRow:
    """One cell: `index` is its place in the document, `texts` are in the order of the columns.

    `placement` is None where the caption says it of all cells.
    """

    index: int
    name: str
    placement: str | None
    precision: str
    status: str
    flagged: bool
    texts: tuple[str, ...]
    verdict: str
    codes: tuple[str, ...]
    bar: Bar | None


@dataclass(frozen=True)
class CellTable:
    """`constant` are the columns in which all cells agree, in words; `cost` is the column that has a bar."""

    columns: tuple[Column, ...]
    rows: tuple[CellRow, ...]
    constant: tuple[str, ...]
    published: bool


_Text = Callable[[Cell], str]


def list_cells(section: Section, first_index: int) -> CellTable:
    """All cells of a device; `first_index` is that of its first cell in the document."""
    named = [(column, text, words) for column, text, words in _columns(section)]
    shown, constant = [], []
    for column, text, words in named:
        texts = {text(cell) for cell in section.cells}
        if texts == {MISSING}:
            continue
        if len(texts) == 1 and words and len(section.cells) > 1:
            constant.append(words.format(*texts))
        else:
            shown.append((column, text))
    placed = any(column.key == "placement" for column, _ in shown)
    costs = [cost_of(cell) if cell.usable else None for cell in section.cells]
    bars = place_bars(costs)
    rows = [
        CellRow(
            index=first_index + index,
            name=cell_name(cell),
            placement=placement(cell) if placed else None,
            precision=printable(cell.variant.precision),
            status="failed" if cell.failure else cell.verdict.status,
            flagged=is_flagged(cell),
            texts=tuple(text(cell) for _, text in shown),
            verdict="failed" if cell.failure else cell.verdict.status,
            codes=tuple(map(printable, deciding_codes(cell))),
            bar=bar,
        )
        for index, (cell, bar) in enumerate(zip(section.cells, bars, strict=True))
    ]

    def order(row: CellRow) -> tuple[bool, float, str]:
        cost = costs[row.index - first_index]
        return cost is None, cost.value if cost else 0.0, row.name

    published = any(top1 and top1.kind == "published" for top1 in map(top1_of, section.cells))
    columns = tuple(column for column, _ in shown)
    return CellTable(columns, tuple(sorted(rows, key=order)), tuple(constant), published)


def _macs(cell: Cell) -> str:
    return MISSING if cell.artifact.macs is None else significant(cell.artifact.macs / 1e6, 4)


def _columns(section: Section) -> list[tuple[Column, _Text, str]]:
    """With how a column is said in words where all cells agree; one that has no words always stays.

    A figure that no cell has is no column.
    """
    emulated = section.device.emulated
    columns: list[tuple[Column, _Text, str]] = [
        (Column("placement", "placement"), placement, "{}"),
        (Column("cost", "instructions, M" if emulated else "latency, ms", wide=False), _cost, ""),
    ]
    if not emulated:
        columns.append((Column("p90", "p90, ms"), _p90, ""))
        columns.append((Column("startup", "start-up, ms"), _startup, ""))
    columns += [
        (Column("memory", "peak, MB"), _memory, "peak memory {} MB"),
        (Column("size", "file, MB"), lambda cell: significant(cell.artifact.size_bytes / 1e6), "file {} MB"),
        (Column("macs", "MACs, M"), _macs, "{} M MACs"),
        (Column("accuracy", "top-1, %", wide=False), _accuracy, ""),
    ]
    # Last, so that what every run has stays in view where the table is wider than the window.
    if not emulated:
        columns += [
            (Column("cold", "cold start-up, ms"), _cold, "cold start-up {} ms"),
            (Column("sustained", "sustained, ms"), plateau_ends, "{} ms sustained"),
            (Column("retained", "retained, %"), retained_text, "{} % of the first speed retained"),
        ]
    return [*columns, (Column("energy", "energy, mJ"), energy_ends, "{} mJ an inference")]


def _cost(cell: Cell) -> str:
    cost = cost_of(cell)
    return with_ends(cost.value, cost.low, cost.high) if cost else MISSING


def _p90(cell: Cell) -> str:
    return significant(cell.latency.p90_ns / 1e6) if cell.latency else MISSING


def _startup(cell: Cell) -> str:
    return significant(cell.startup.total_ns.estimate / 1e6) if cell.startup else MISSING


def _cold(cell: Cell) -> str:
    startup = cell.cold and cell.cold.startup
    return significant(startup.total_ns.estimate / 1e6) if startup else MISSING


def _memory(cell: Cell) -> str:
    peak = cell.memory.peak_rss_bytes if cell.memory else None
    return significant(peak / 1e6) if peak else MISSING


def _accuracy(cell: Cell) -> str:
    top1 = top1_of(cell)
    if top1 is None:
        return MISSING
    percent = top1.percent
    if top1.kind == "published":
        return f"{percent.value:.1f}ᵖ"
    return f"{percent.value:.1f} ({percent.low:.1f}–{percent.high:.1f})"  # noqa: RUF001
