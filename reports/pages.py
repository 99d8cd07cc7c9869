"""The pages, HTML and Markdown: what to ship, then everything that shows why, and how sure it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.analysis.budget import QUANTITIES, Budget, plateau_high_ns
from harness.analysis.comparison import Comparison
from harness.analysis.comparison_text import summarize, to_markdown, to_table
from harness.analysis.precisions import in_order
from harness.analysis.selection import find_for_all
from harness.analysis.units import describe_units
from harness.records import Cell, DeviceInfo, Run
from harness.records.outcomes import OutcomesByFigures
from harness.system.text import printable
from reports import accuracy, conditions, energy, pace, predictions, startup, sustained
from reports.answers import describe_budget, describe_for_all
from reports.decisions import Decision, decide, group_sections, pool_spreads
from reports.device_table import compare_devices, run_facts
from reports.document import encode, make_document
from reports.explanations import explain
from reports.page_cells import placements_of
from reports.parts import Part, describe_part
from reports.pictures import Picture
from reports.sections import Section
from reports.tables import summarise
from reports.templating import digest, find_template, page_script, page_style
from reports.trust import explained_at
from reports.verdicts import group_by_reasons


@dataclass(frozen=True)
class Link:
    """A file that lies beside the page."""

    address: str
    name: str
    what: str


@dataclass(frozen=True)
class Page:
    """The content of both pages; `pictures` and `runs_of` by the section's slug.

    `remarks` are sentences on devices that are no pool, and on copies of cells.
    """

    runs: tuple[Run, ...]
    sections: tuple[Section, ...]
    budget: Budget = field(default_factory=Budget)
    outcomes: OutcomesByFigures = field(default_factory=dict)
    pictures: Mapping[str, Sequence[Picture]] = field(default_factory=dict)
    runs_of: Mapping[str, Sequence[Run]] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    include_predicted: bool = False
    against: tuple[Comparison, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parts:
    """What both pages say: the answers for devices and pools, and a part for each device."""

    decisions: tuple[Decision, ...]
    devices: tuple[Part, ...]


@dataclass(frozen=True)
class Field:
    """A number of the budget's form; a `rare` one is shown once asked for."""

    name: str
    label: str
    rare: bool


def describe_parts(page: Page) -> Parts:
    """All answers and devices, for both pages: computed once."""
    parts, first = [], 0
    for section in page.sections:
        parts.append(
            describe_part(section, page.budget, page.outcomes, first_index=first, pictures=page.pictures)
        )
        first += len(section.cells)
    groups = group_sections(page.sections)
    return Parts(tuple(decide(group, page.budget, page.outcomes) for group in groups), tuple(parts))


def render_html(page: Page, parts: Parts) -> str:
    """One self-contained file; all text is escaped."""
    cells = [cell for section in page.sections for cell in section.cells]
    style, script = page_style(), page_script()
    return find_template("index.html.j2").render(
        **_common(page, parts),
        style=style,
        script=script,
        style_hash=digest(style),
        script_hash=digest(script),
        document=encode(make_document(page.sections, page.budget, page.outcomes)),
        sub="h4" if len(parts.devices) > 1 else "h3",
        budget_fields=_budget_fields(page),
        thread_choices=sorted({cell.plan.threads for cell in cells} | set(page.budget.threads)),
        precision_choices=in_order({cell.variant.precision for cell in cells} | set(page.budget.precisions)),
        core_choices=_core_choices(page),
        offers_sustained=_offers_sustained(page),
        device_rows=compare_devices(page.sections, page.runs_of),
        links=page.links,
        explanations=[(one, explained_at(one.code)) for one in explain(_codes(cells))],
    )


def render_markdown(page: Page, parts: Parts) -> str:
    """For a pull request: the answer, and the rest folded; pictures are linked by relative paths."""
    tables = [(summarise(section.cells), group_by_reasons(section.cells)) for section in page.sections]
    return find_template("report.md.j2").render(
        **_common(page, parts), tables=tables, device_rows=compare_devices(page.sections, page.runs_of)
    )


def _codes(cells: Iterable[Cell]) -> set[str]:
    return {reason.code for cell in cells for reason in cell.verdict.reasons}


def _common(page: Page, parts: Parts) -> dict[str, object]:
    cells = [cell for section in page.sections for cell in section.cells]
    return {
        "title": _title(page.sections),
        "when": _when(page.runs, len(cells)),
        "parts": parts.devices,
        "decisions": parts.decisions,
        "budget_texts": describe_budget(page.budget),
        "for_all": _for_all(page, parts.decisions),
        "remarks": page.remarks,
        "unit_lines": describe_units(pool_spreads(page.sections)),
        "clocks": {section.device.clock for section in page.sections},
        "held_clocks": any(cell.held_clocks for cell in cells),
        "run_facts": [run_facts(run) for run in page.runs],
        "against": [(to_table(one), summarize(one), to_markdown(one)) for one in page.against],
        "pace_columns": pace.COLUMNS,
        "sustained_columns": sustained.COLUMNS,
        "energy_columns": energy.COLUMNS,
        "startup_columns": startup.COLUMNS,
        "accuracy_columns": accuracy.COLUMNS,
        "condition_columns": conditions.COLUMNS,
        "predicted_hint": predictions.HINT if page.include_predicted else "",
        "predicted_columns": ("cost of an inference", "peak memory", "file", "top-1"),
    }


def _title(sections: Sequence[Section]) -> str:
    """`MobileNetV1 on pixel (Pixel 6), emulator (QEMU 7.2.22 user-mode cortex-a76, emulated)`."""
    own = any(cell.variant.is_own_program for section in sections for cell in section.cells)
    network = any(not cell.variant.is_own_program for section in sections for cell in section.cells)
    subject = " and ".join(["MobileNetV1"] * (network or not own) + ["Own programs"] * own)
    return f"{subject} on " + ", ".join(_titled(section.device) for section in sections)


def _titled(device: DeviceInfo) -> str:
    # Machines of one name have the model in it.
    notes = [] if device.model in device.name else [device.model]
    notes += [device.clock] if device.clock != "real" else []
    return printable(f"{device.name} ({', '.join(notes)})" if notes else device.name)


def _when(runs: Sequence[Run], cells: int) -> str:
    days = sorted({printable(run.started_at)[:10] for run in runs})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    counted = f"{len(runs)} run" + ("s" if len(runs) > 1 else "")
    return f"{counted}, {cells} cell{'s' if cells > 1 else ''}, measured {span}"


def _for_all(page: Page, decisions: Sequence[Decision]) -> str:
    answered = [(one.title, one.shipped.answer) for one in decisions if one.shipped.answer]
    if len(answered) < 2:
        return ""
    titles, answers = zip(*answered, strict=True)
    pooled = any(answer.pool for answer in answers)
    return describe_for_all(find_for_all(answers, page.budget), titles, page.budget, pooled=pooled)


def _budget_fields(page: Page) -> tuple[Field, ...]:
    """A field for each quantity that some cell has a figure for on a clock that can keep it, and accuracy."""
    fields, cool = [], replace(page.budget, sustained=False)
    for quantity in QUANTITIES:
        known = any(
            quantity.worst(cell) is not None
            for section in page.sections
            if not (quantity.is_time and section.device.emulated)
            for cell in section.measured
        )
        if known or quantity.limit(cool) is not None:
            label = f"{quantity.name.capitalize()} ≤ {quantity.unit}"
            rare = quantity.name in ("p90 latency", "p99 latency", "start-up")
            fields.append(Field(quantity.option[2:], label, rare))
    return (*fields, Field("min-accuracy", "Top-1 ≥ %", rare=False))


def _offers_sustained(page: Page) -> bool:
    """Whether the budget can be of sustained runs: those of a page for a rate run back to back."""
    cells = [cell for section in page.sections if not section.device.emulated for cell in section.measured]
    known = any(plateau_high_ns(cell) is not None for cell in cells)
    return page.budget.rate_hz is None and (known or page.budget.sustained)


def _core_choices(page: Page) -> tuple[str, ...]:
    names = (name for section in page.sections for name in placements_of(section.cells, page.budget))
    return tuple(dict.fromkeys(names))
