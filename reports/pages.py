"""The pages, HTML and Markdown: the run, the answer, verdicts, plots, conditions, how to read the numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.records import Core, DeviceInfo, Run
from harness.system.text import markdown, printable
from reports import accuracy, conditions, startup
from reports.accuracy import AccuracyRow, describe_accuracy, how_evaluated, left_out
from reports.clocks import held_clocks_of
from reports.numbers import significant
from reports.pictures import Picture
from reports.sections import Section, weights_text
from reports.startup import StartupRow, describe_startup
from reports.style import Omitted
from reports.tables import Table, summarise
from reports.verdicts import ReasonGroup, answer, count, group_by_reasons


@dataclass(frozen=True)
class Page:
    """The content of both pages; `pictures` by the section's slug."""

    runs: tuple[Run, ...]
    sections: tuple[Section, ...]
    pictures: Mapping[str, Sequence[Picture | Omitted]]


@dataclass(frozen=True)
class Part:
    """One device's part of the page, as text."""

    slug: str
    title: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    answer: tuple[str, ...]
    table: Table
    reasons: tuple[ReasonGroup, ...]
    count: str
    pictures: tuple[Picture, ...]
    omitted: tuple[Omitted, ...]
    startup: tuple[StartupRow, ...]
    accuracy: tuple[AccuracyRow, ...]
    how_evaluated: tuple[str, ...]
    left_out: tuple[str, ...]
    conditions: tuple[conditions.ConditionsRow, ...]
    unreadable: tuple[tuple[str, str], ...]
    clock: str


def render_html(page: Page) -> str:
    """One self-contained file; all text is escaped."""
    return _render("index.html.j2", page, autoescape=True)


def render_markdown(page: Page) -> str:
    """For a pull request; pictures are linked by relative paths."""
    return _render("report.md.j2", page, autoescape=False)


def _render(template: str, page: Page, *, autoescape: bool) -> str:
    parts = [_part(section, page.pictures[section.slug]) for section in page.sections]
    return render(
        template,
        autoescape=autoescape,
        title=_title(page.sections),
        run_facts=[_run_facts(run) for run in page.runs],
        parts=parts,
        clocks={part.clock for part in parts},
        held_clocks=any(cell.held_clocks for section in page.sections for cell in section.cells),
        startup_columns=startup.COLUMNS,
        accuracy_columns=accuracy.COLUMNS,
        condition_columns=conditions.COLUMNS,
    )


def render(template: str, *, autoescape: bool, **values: object) -> str:
    """Fill in a template of `reports/templates`; an unknown name in it is an error."""
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = markdown
    return environment.get_template(template).render(values)


def _title(sections: Sequence[Section]) -> str:
    return "MobileNetV1 on " + ", ".join(section.title for section in sections)


def _part(section: Section, pictures: Sequence[Picture | Omitted]) -> Part:
    return Part(
        slug=section.slug,
        title=section.title,
        summary=_summary(section.device),
        facts=_device_facts(section),
        answer=answer(section),
        table=summarise(section.cells),
        reasons=group_by_reasons(section.cells),
        count=count(section.cells),
        pictures=tuple(picture for picture in pictures if isinstance(picture, Picture)),
        omitted=tuple(picture for picture in pictures if isinstance(picture, Omitted)),
        startup=describe_startup(section.cells),
        accuracy=describe_accuracy(section.cells),
        how_evaluated=how_evaluated(section.cells),
        left_out=left_out(section.cells),
        conditions=conditions.describe(section.cells),
        unreadable=conditions.unreadable(section.cells),
        clock=section.device.clock,
    )


def _summary(device: DeviceInfo) -> str:
    """The device in one line, for the head of the page."""
    parts = (device.model, device.soc, device.os, _cores(device.cores), f"{device.clock} clock")
    return ", ".join(printable(part) for part in parts if part)


def _device_facts(section: Section) -> tuple[tuple[str, str], ...]:
    device = section.device
    memory = device.memory_total_bytes
    plans = [cell.plan for cell in section.cells]
    facts = (
        ("Device", device.model),
        ("SoC", device.soc),
        ("OS", device.os),
        ("Kernel", device.kernel),
        ("C library", device.libc),
        ("Cores", _cores(device.cores)),
        ("Memory", f"{significant(memory / 1e9)} GB" if memory else None),
        ("Connection", f"{device.kind}, {device.transport}, {device.abi}"),
        ("Clock", _CLOCKS[device.clock]),
        ("Pinned to CPUs", ", ".join(sorted({plan.cpus for plan in plans if plan.cpus})) or "not pinned"),
        ("Tuned", conditions.tuning(section.cells)),
        ("Clock held while measuring", held_clocks_of(section.cells)),
        ("Weights", ", ".join(sorted({weights_text(cell.variant.weights) for cell in section.cells}))),
        ("Calibration", _calibration(section)),
    )
    return tuple((name, printable(text)) for name, text in facts if text)


_CLOCKS = {
    "real": "real",
    "emulated": "emulated (wall-clock time of the emulator)",
    "virtual": "virtual (one instruction is one nanosecond)",
}


def _cores(cores: Sequence[Core]) -> str:
    """`4 × Cortex-A55 at 1.80 GHz, 4 × Cortex-A78 at 2.40 GHz`."""  # noqa: RUF002
    counted: dict[str, int] = {}
    for core in cores:
        speed = f" at {significant(core.max_frequency_khz / 1e6)} GHz" if core.max_frequency_khz else ""
        text = f"{core.name or 'core'}{speed}"
        counted[text] = counted.get(text, 0) + 1
    return ", ".join(f"{count} × {text}" for text, count in counted.items())  # noqa: RUF001


def _calibration(section: Section) -> str:
    found = [cell.artifact.calibration for cell in section.cells if cell.artifact.calibration]
    ways = {f"{c.source}, {c.images} images" + (f", {c.observer}" if c.observer else "") for c in found}
    return ", ".join(sorted(ways))


def _run_facts(run: Run) -> tuple[tuple[str, str], ...]:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(run.versions.items()))
    facts = (
        ("Run", run.id),
        ("Started", run.started_at),
        ("Finished", run.finished_at or "not finished: cells may be missing"),
        ("Versions", versions),
        ("Git revision", run.git_revision),
        ("Measured from", run.host),
        ("Seed", str(run.request.seed)),
    )
    return tuple((name, printable(text)) for name, text in facts if text)
