"""The summary table for terminal, HTML and Markdown: plain text, to be escaped where it is shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from harness.analysis.clusters import cores_name
from harness.analysis.flags import deciding_codes
from harness.analysis.runtimes import runtime_title
from harness.records import EXECUTORCH, Cell, MemoryDetail, PairedDrop, Status
from harness.system.text import printable
from reports.energy import energy_text
from reports.figures import clock_mark, cost_of, full_name, short_name, top1_of
from reports.numbers import MISSING, significant, with_interval
from reports.pace import missed_text, rate_text
from reports.sections import Section, arrange
from reports.startup import cold_text, startup_text
from reports.sustained import plateau_text, retained_text
from reports.table_notes import (
    COLD,
    DROP,
    DUMPSYS_PSS,
    ENERGY,
    FRONTIER_MARK,
    MISSED,
    PLATEAU,
    PSS,
    RATE,
    RETAINED,
    STARTUP,
    describe_notes,
)


@dataclass(frozen=True)
class Row:
    """One cell as text, in the order of the table's columns; `name` is that of the cell on its device."""

    name: str
    cells: tuple[str, ...]
    status: Status
    on_frontier: bool


@dataclass(frozen=True)
class Table:
    """`numeric` columns align right; `notes` explain every mark and every missing figure."""

    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Column:
    title: str
    text: Callable[[Cell], str]
    numeric: bool = True


def summarise(cells: Sequence[Cell]) -> Table:
    """All cells: by device, then cheapest first; cells without figures last."""
    sections = arrange(cells)
    columns = _columns(sections)
    rows = [
        _row(cell, columns, frontier) for s in sections for frontier in [_frontier(s)] for cell in _sorted(s)
    ]
    titles = tuple(column.title for column in columns)
    return Table(
        columns=titles,
        numeric=tuple(column.numeric for column in columns),
        rows=tuple(rows),
        notes=describe_notes(sections, titles, on_frontier=any(row.on_frontier for row in rows)),
    )


def _columns(sections: Sequence[Section]) -> tuple[_Column, ...]:
    columns = []
    if len(sections) > 1:
        columns.append(
            _Column("device", lambda c: f"{printable(c.device.name)} {clock_mark(c.device)}".strip(), False)
        )
    columns += [
        _Column("variant", lambda cell: short_name(cell.variant), False),
        _Column("precision", lambda cell: cell.variant.precision, False),
        *(
            (_Column("runtime", lambda cell: runtime_title(cell.variant.runtime), False),)
            if any(cell.variant.runtime != EXECUTORCH for section in sections for cell in section.cells)
            else ()
        ),
        _Column("threads", lambda cell: str(cell.plan.threads)),
    ]
    if len({cores_name(cell) for section in sections for cell in section.cells}) > 1:
        columns.append(_Column("cores", lambda cell: cores_name(cell) or "any", False))
    paced = [cell for section in sections for cell in section.cells if cell.plan.rate_hz is not None]
    if paced:
        columns.append(_Column(RATE, rate_text))
    if any(cell.plan.backend_options for section in sections for cell in section.cells):
        columns.append(_Column("XNNPACK options", lambda cell: cell.plan.backend_options or "default", False))
    if any(not section.device.emulated for section in sections):
        columns += [
            _Column("latency ms", _latency_text),
            _Column("p90 ms", _p90_text),
            *((_Column("p99 ms", _p99_text), _Column(MISSED, missed_text)) if paced else ()),
            _Column(STARTUP, startup_text),
        ]
    if any(section.device.emulated for section in sections):
        columns.append(_Column("instructions M", _instructions_text))
    columns.append(_Column("peak RSS MB", _memory_text))
    cells = [cell for section in sections for cell in section.cells]
    # Figures that few devices report have a column only if a cell has one.
    columns += [
        _Column(title, text) for title, text in _RARE.items() if any(text(cell) != MISSING for cell in cells)
    ]
    columns += [
        _Column("file MB", lambda cell: significant(cell.artifact.size_bytes / 1e6)),
        _Column("MACs M", macs_text),
        _Column("top-1 %", accuracy_text),
    ]
    if any(_drop(cell) for section in sections for cell in section.cells):
        columns.append(_Column(DROP, _drop_text))
    return (*columns, _Column("verdict", _verdict_text, False))


def macs_text(cell: Cell) -> str:
    """Millions of multiply-accumulates; nothing of the user's own program, where nobody counts them."""
    return MISSING if cell.artifact.macs is None else significant(cell.artifact.macs / 1e6, 4)


def _row(cell: Cell, columns: Sequence[_Column], frontier: frozenset[int]) -> Row:
    on_frontier = id(cell) in frontier
    texts = [column.text(cell) for column in columns]
    if on_frontier:
        index = [column.title for column in columns].index("variant")
        texts[index] += f" {FRONTIER_MARK}"
    return Row(full_name(cell), tuple(texts), cell.verdict.status, on_frontier)


def _frontier(section: Section) -> frozenset[int]:
    """Identities of the cells on the frontier: by measured accuracy if there is any, else by published."""
    frontiers = section.frontiers()
    measured = {source: points for source, points in frontiers.items() if source[0] == "measured"}
    return frozenset(id(point.cell) for points in (measured or frontiers).values() for point in points)


def _sorted(section: Section) -> list[Cell]:
    """By cost; cells that failed, are invalid or have no cost come last."""

    def key(cell: Cell) -> tuple[bool, float, str]:
        cost = cost_of(cell)
        return cost is None or not cell.usable, cost.value if cost else 0.0, cell.name

    return sorted(section.cells, key=key)


def _latency_text(cell: Cell) -> str:
    cost = None if cell.device.emulated else cost_of(cell)
    return with_interval(cost.value, cost.low, cost.high) if cost else MISSING


def _instructions_text(cell: Cell) -> str:
    cost = cost_of(cell) if cell.device.emulated else None
    return with_interval(cost.value, cost.low, cost.high) if cost else MISSING


def _p90_text(cell: Cell) -> str:
    if cell.latency is None or cell.device.emulated:
        return MISSING
    return significant(cell.latency.p90_ns / 1e6)


def _p99_text(cell: Cell) -> str:
    if cell.latency is None or cell.device.emulated:
        return MISSING
    return significant(cell.latency.p99_ns / 1e6)


def _memory_text(cell: Cell) -> str:
    peak = cell.memory and cell.memory.peak_rss_bytes
    return significant(peak / 1e6) if peak else MISSING


def _pss_text(cell: Cell) -> str:
    return _megabytes(cell, lambda detail: detail.pss_end_bytes)


def _dumpsys_text(cell: Cell) -> str:
    return _megabytes(cell, lambda detail: detail.dumpsys_pss_bytes)


def _megabytes(cell: Cell, figure: Callable[[MemoryDetail], int | None]) -> str:
    size = figure(cell.memory.detail) if cell.memory and cell.memory.detail else None
    return MISSING if size is None else significant(size / 1e6)


def _cache_misses_text(cell: Cell) -> str:
    return _thousands([process.cache_misses_per_inference for process in cell.processes])


def _branch_misses_text(cell: Cell) -> str:
    return _thousands([process.branch_misses_per_inference for process in cell.processes])


def _thousands(counts: Sequence[int | None]) -> str:
    """The median over processes; missing unless all of them were counted."""
    known = [count for count in counts if count is not None]
    return significant(median(known) / 1e3) if known and len(known) == len(counts) else MISSING


_RARE: dict[str, Callable[[Cell], str]] = {
    PLATEAU: plateau_text,
    RETAINED: retained_text,
    ENERGY: energy_text,
    COLD: cold_text,
    PSS: _pss_text,
    DUMPSYS_PSS: _dumpsys_text,
    "cache misses k": _cache_misses_text,
    "branch misses k": _branch_misses_text,
}


def accuracy_text(cell: Cell) -> str:
    """`61.2 ± 1.3` if measured, else `published 63.3`."""
    top1 = top1_of(cell)
    if top1 is None:
        return MISSING
    if top1.kind == "published":
        return f"published {top1.percent.value:.1f}"
    percent = top1.percent
    if percent.half_width >= min(percent.value, 100 - percent.value):
        return f"{percent.value:.1f} ({percent.low:.1f}–{percent.high:.1f})"  # noqa: RUF001
    return f"{percent.value:.1f} ± {percent.half_width:.1f}"


def _drop(cell: Cell) -> PairedDrop | None:
    return cell.accuracy.drop_from_fp32 if cell.accuracy else None


def _drop_text(cell: Cell) -> str:
    """Percentage points below fp32 ± the wider side of the paired interval."""
    drop = _drop(cell)
    if drop is None:
        return MISSING
    points = drop.drop_pp
    half_width = max(points.high - points.estimate, points.estimate - points.low)
    return f"{points.estimate:z.1f} ± {half_width:.1f}"


def _verdict_text(cell: Cell) -> str:
    if cell.failure is not None:
        return "failed"
    codes = ", ".join(printable(code) for code in deciding_codes(cell))
    return f"{cell.verdict.status}: {codes}" if codes else cell.verdict.status
