"""One device's part of both pages, as text and places on axes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.budget import Budget
from harness.analysis.ladder import climb
from harness.records.outcomes import OutcomesByFigures
from reports import conditions
from reports.accuracy import AccuracyRow, accuracy_notes, describe_accuracy, how_evaluated, left_out
from reports.cell_rows import CellTable, list_cells
from reports.energy import EnergyRow, describe_energy
from reports.knobs import Knobs, describe_knobs
from reports.pace import PaceRow, describe_pace
from reports.padding import padding_costs
from reports.pictures import Picture
from reports.predictions import Predicted
from reports.sections import Section
from reports.shares import Shares, share_memory, share_time
from reports.startup import StartupRow, describe_startup
from reports.strips import Distributions, describe_distributions
from reports.sustained import SustainedRow, describe_sustained
from reports.sustained_series import describe_minutes
from reports.timeline import Timeline, describe_timeline
from reports.trust import Trust, weigh
from reports.verdicts import count


@dataclass(frozen=True)
class Part:
    """Everything that is said of one device but the answer, which may be that of a pool."""

    slug: str
    title: str
    emulated: bool
    table: CellTable
    count: str
    trust: Trust
    notes: tuple[str, ...]
    accuracy: tuple[AccuracyRow, ...]
    how_evaluated: tuple[str, ...]
    left_out: tuple[str, ...]
    knobs: Knobs
    time: Shares
    memory: Shares
    pace: tuple[PaceRow, ...]
    sustained: tuple[SustainedRow, ...]
    minutes: Timeline
    energy: tuple[EnergyRow, ...]
    startup: tuple[StartupRow, ...]
    distributions: Distributions
    timeline: Timeline
    conditions: tuple[conditions.ConditionsRow, ...]
    unreadable: tuple[tuple[str, str], ...]
    pictures: tuple[Picture, ...]
    predicted: tuple[Predicted, ...]


def describe_part(
    section: Section,
    budget: Budget,
    outcomes: OutcomesByFigures,
    *,
    first_index: int,
    pictures: Mapping[str, Sequence[Picture]],
) -> Part:
    """Describe a device; `first_index` is the place of its first cell in the page's document."""
    steps = climb(section.cells, budget, outcomes)
    cells = section.cells
    total = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
    counted = f"{total}: {count(cells)}"
    return Part(
        slug=section.slug,
        title=section.title,
        emulated=section.device.emulated,
        table=list_cells(section, first_index),
        count=counted,
        trust=weigh(section, f"{counted}."),
        notes=_notes(section),
        accuracy=describe_accuracy(cells),
        how_evaluated=how_evaluated(cells),
        left_out=left_out(cells),
        knobs=describe_knobs(section),
        time=share_time(section),
        memory=share_memory(section),
        pace=describe_pace(cells),
        sustained=describe_sustained(cells),
        minutes=describe_minutes(cells),
        energy=describe_energy(cells),
        startup=describe_startup(cells),
        distributions=describe_distributions(section, [step.candidate.cell for step in steps]),
        timeline=describe_timeline(section),
        conditions=conditions.describe(cells),
        unreadable=conditions.unreadable(cells),
        pictures=tuple(pictures.get(section.slug, ())),
        predicted=section.predicted,
    )


def _notes(section: Section) -> tuple[str, ...]:
    """What limits the figures of the device, as sentences."""
    notes = []
    if section.device.clock == "emulated":
        notes.append("Peak RSS on an emulated device includes the emulator's own memory.")
    if any(cell.variant.weights.source == "random" for cell in section.cells):
        notes.append("Weights are random: published accuracy is not that of these files.")
    return (*notes, *accuracy_notes(section.cells), *padding_costs(section.cells))
