"""The page's script decides as `analysis.selection` does: over random budgets, in a headless browser."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from decision_oracle import Run, draw_run
from playwright.sync_api import Browser, Page

from browser import CHROMIUM, open_browser, open_page
from builders import failed, make_run, make_sustained_run, with_accuracy, with_verdict
from harness.analysis.budget import Budget
from harness.analysis.cell_groups import group_of
from harness.analysis.device_pools import NO_POOLS, find_pools
from harness.analysis.ladder import climb
from harness.analysis.selection import find_for_all
from harness.analysis.sustained import summarize_sustained
from harness.records import Cell, Interval, Sustained
from harness.records.schedule import summarize_pace
from reports.answers import describe_for_all, ship
from reports.decisions import decide, group_sections
from reports.document import make_document
from reports.pages import Page as Content
from reports.pages import describe_parts, render_html
from reports.sections import Section, arrange
from reports.steps import describe_step
from synthetic import EMULATOR, PHONE, simulate_cells

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium")
BUDGETS = 25
FIGURES = summarize_sustained(make_sustained_run((120, 10.0)), PHONE, seed=0)
_DECIDE = """([group, budget]) => {
  const answer = decide(group, budget);
  return {
    text: describeAnswer(group, answer, budget),
    ladder: climb(group, budget).map((step) => describeStep(group, step)),
    probability: answer && answer.probability,
  };
}"""
_JOINT = (
    """(budget) => describeJoint(page.groups.map((_, at) => decide(at, budget)).filter(Boolean), budget)"""
)
UNITS = ("phone-a", "phone-b", "phone-c")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


def with_plateaus(cells: tuple[Cell, ...], random: np.random.Generator) -> Iterator[Cell]:
    """Most cells with a plateau that is up to twice as slow, so that it orders them otherwise."""
    for cell in cells:
        if cell.latency is None or random.random() < 0.2:
            yield cell
            continue
        plateau = cell.latency.median_ns.estimate * float(random.uniform(1, 2))
        ends = Interval(estimate=plateau, low=0.99 * plateau, high=plateau * float(random.uniform(1, 1.02)))
        figures = msgspec.structs.replace(FIGURES, plateau_ns=ends)
        sustained = Sustained(seconds=120, run=None, figures=figures)
        yield msgspec.structs.replace(cell, sustained=sustained)


def on_schedule(cell: Cell) -> Cell:
    """The cell as if its inferences had begun in their slots, each in the first one that is left."""
    period_ns = cell.plan.period_ns
    if period_ns is None or cell.latency is None:
        return cell
    processes = []
    for one in cell.processes:
        starts, due_ns = [], 0
        for latency_ns in one.timed_ns:
            starts.append(due_ns)
            due_ns += max(1, -(-latency_ns // period_ns)) * period_ns
        processes.append(msgspec.structs.replace(one, starts_ns=tuple(starts)))
    pace = summarize_pace(processes, period_ns)
    return msgspec.structs.replace(cell, processes=tuple(processes), pace=pace)


def paced(cells: Sequence[Cell]) -> Iterator[Cell]:
    """At 30/s, 100 inferences a process; of every other cell 0 to 3 in each are held up for six periods."""
    for number, cell in enumerate(cells):
        processes = tuple(
            msgspec.structs.replace(
                one,
                latencies_ns=one.latencies_ns[:1] * 100 + (200_000_000,) * (number // 2 % 4 * (number % 2)),
            )
            for one in cell.processes
        )
        plan = msgspec.structs.replace(cell.plan, rate_hz=30.0)
        yield on_schedule(msgspec.structs.replace(cell, plan=plan, processes=processes))


def open_run(
    folder: Path, run: Run, rate_hz: float | None, *, pooled: bool = False, only_paced: bool = False
) -> tuple[Section, ...]:
    emulated = simulate_cells(EMULATOR, widths=(0.25, 0.5), resolutions_px=(128, 224))
    measured = () if only_paced else with_plateaus(run.cells[1:], np.random.default_rng(len(run.cells)))
    cells = (failed(run.cells[0]), *measured, *paced(run.cells[1:13]), *emulated)
    pools = NO_POOLS
    if pooled:
        cells = share_out(cells)
        made = make_run(cells)
        request = msgspec.structs.replace(made.request, any_of=UNITS)
        pools = find_pools([(msgspec.structs.replace(made, request=request), cells)])
    sections = arrange(cells, pools=pools)
    content = Content((make_run(cells),), sections, replace(run.budget, rate_hz=rate_hz), run.outcomes)
    (folder / "index.html").write_text(render_html(content, describe_parts(content)), encoding="utf-8")
    return sections


def share_out(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """The phone's cells on three units in turns; each fourth on all of them, which are not equally fast."""
    shared: list[Cell] = []
    for at, cell in enumerate(cells):
        if cell.device.emulated:
            shared.append(cell)
        elif at % 4:
            shared.append(on_unit(cell, UNITS[at % 3], 1.0))
        else:
            shared += [on_unit(cell, name, 1 + 0.03 * ((at + unit) % 3)) for unit, name in enumerate(UNITS)]
    return tuple(shared)


def on_unit(cell: Cell, name: str, factor: float) -> Cell:
    device = msgspec.structs.replace(cell.device, name=name)
    if cell.latency is None:
        return msgspec.structs.replace(cell, device=device)
    median = cell.latency.median_ns
    scaled = msgspec.structs.replace(
        median, low=median.low * factor, estimate=median.estimate * factor, high=median.high * factor
    )
    processes = tuple(
        msgspec.structs.replace(one, latencies_ns=tuple(int(ns * factor) for ns in one.latencies_ns))
        for one in cell.processes
    )
    latency = msgspec.structs.replace(cell.latency, median_ns=scaled)
    return on_schedule(msgspec.structs.replace(cell, device=device, latency=latency, processes=processes))


def draw_budget(run: Run, random: np.random.Generator, rate_hz: float | None) -> Budget:
    """One or a few limits at once, some of them beyond what any cell keeps."""
    drawn = draw_run(int(random.integers(1 << 30))).budget if random.random() < 0.1 else run.budget
    assert drawn.max_latency_ns is not None
    scale = float(np.exp(random.normal(0, 0.8)))
    choices: dict[str, object] = {
        "max_latency_ns": drawn.max_latency_ns * scale,
        "max_p90_ns": drawn.max_latency_ns * scale * 1.05,
        "max_p99_ns": drawn.max_latency_ns * scale * 1.2,
        "max_startup_ns": drawn.max_latency_ns * scale + 20e6,
        "max_memory_bytes": int(random.uniform(8e6, 36e6)),
        "max_size_bytes": int(random.uniform(0.5e6, 18e6)),
        "max_instructions": int(random.uniform(5e6, 200e6)),
        "min_accuracy": float(random.uniform(0.35, 0.75)),
        "threads": (int(random.integers(1, 3)),),
        "precisions": (str(random.choice(["fp32", "int8"])),),
        "cores": "all",
    }
    changes = {name: value for name, value in choices.items() if random.random() < 0.25}
    # Refused together, as on the command line.
    changes["sustained"] = rate_hz is None and bool(random.random() < 0.4)
    if changes["sustained"]:
        changes.pop("max_p90_ns", None)
        changes.pop("max_p99_ns", None)
    return replace(Budget(rate_hz=rate_hz), **changes)  # type: ignore[arg-type]


def ask(page: Page, group: int, sections: tuple[Section, ...], budget: Budget) -> dict[str, object]:
    document = make_document(sections, budget, {})
    decided: dict[str, object] = page.evaluate(
        _DECIDE, [group, msgspec.json.decode(msgspec.json.encode(document.budget))]
    )
    return decided


@pytest.mark.parametrize(
    ("seed", "rate_hz", "only_paced"),
    [
        *((0, None, False), (1, None, False), (5, None, False)),
        *((2, 30.0, False), (3, 30.0, False), (6, None, True)),
    ],
)
def test_script_and_python_give_the_same_answers(
    browser: Browser, tmp_path: Path, seed: int, rate_hz: float | None, only_paced: bool
) -> None:
    run = draw_run(seed)
    sections = open_run(tmp_path, run, rate_hz, only_paced=only_paced)
    random = np.random.default_rng(seed)
    with open_page(browser, (tmp_path / "index.html").as_uri()) as page:
        for _ in range(BUDGETS):
            budget = draw_budget(run, random, rate_hz)
            for machine, section in enumerate(sections):
                decided = ask(page, machine, sections, budget)
                shipped = ship(group_of(section.cells), budget, run.outcomes)
                expected = msgspec.json.decode(msgspec.json.encode(asdict(shipped.text)))
                assert decided["text"] == expected, budget
                steps = [asdict(describe_step(step)) for step in climb(section.cells, budget, run.outcomes)]
                assert decided["ladder"] == steps, budget
                probability = shipped.answer.probability if shipped.answer else None
                assert decided["probability"] == (
                    None if probability is None else pytest.approx(probability, abs=1e-9)
                )


@pytest.mark.parametrize(("seed", "rate_hz"), [(0, None), (4, None), (2, 30.0)])
def test_script_and_python_give_the_same_answers_for_a_pool(
    browser: Browser, tmp_path: Path, seed: int, rate_hz: float | None
) -> None:
    run = draw_run(seed)
    sections = open_run(tmp_path, run, rate_hz, pooled=True)
    groups = group_sections(sections)
    assert [len(group.machines) for group in groups] == [3, 1]
    random = np.random.default_rng(seed)
    cautioned = 0
    limits = [
        cell.latency.median_ns.high
        for cell in groups[0].cells.cells
        if cell.latency and cell.usable and cell.plan.rate_hz == rate_hz
    ]
    with open_page(browser, (tmp_path / "index.html").as_uri()) as page:
        for number in range(BUDGETS):
            budget = draw_budget(run, random, rate_hz)
            if number % 2:
                # Just above what a cell needs: a further device may not keep it.
                limit_ns = float(random.choice(limits)) * float(random.uniform(1, 1.05))
                budget = replace(Budget(rate_hz=rate_hz), max_latency_ns=limit_ns)
            for at, group in enumerate(groups):
                decided = ask(page, at, sections, budget)
                expected = decide(group, budget, run.outcomes)
                text = msgspec.json.decode(msgspec.json.encode(asdict(expected.shipped.text)))
                assert decided["text"] == text, budget
                assert decided["ladder"] == [asdict(step) for step in expected.ladder], budget
                cautioned += any("further device" in one for one in expected.shipped.text.cautions)
            decisions = [decide(group, budget, run.outcomes) for group in groups]
            answered = [(one.title, one.shipped.answer) for one in decisions if one.shipped.answer]
            joint = ""
            if len(answered) > 1:
                titles, answers = zip(*answered, strict=True)
                joint = describe_for_all(find_for_all(answers, budget), titles, budget, pooled=True)
            asked = msgspec.json.decode(msgspec.json.encode(make_document(sections, budget, {}).budget))
            assert page.evaluate(_JOINT, asked) == joint
    assert cautioned


def measured_thrice(random: np.random.Generator) -> Iterator[Cell]:
    """Three runs of a phone, a tablet and an emulator, with gaps; some suspect, some with an accuracy."""
    for device in (PHONE, msgspec.structs.replace(PHONE, name="tablet", boot_id="tablet"), EMULATOR):
        for seed in range(3):
            shapes = {"widths": (0.25, 0.5, 0.75), "resolutions_px": (128,)}
            for cell in simulate_cells(device, seed=seed, threads=(1, 2), **shapes):
                drawn = random.random(3)
                if drawn[0] < 0.3:
                    continue
                trained = with_accuracy(cell, 0.5 + (cell.artifact.macs or 0) / 1e9)
                if drawn[1] < 0.5 and device.name == "tablet":
                    trained = msgspec.structs.replace(trained, accuracy=None)
                chosen = trained if drawn[1] < 0.7 else cell
                disturbed = drawn[2] < 0.3 and not device.emulated
                yield with_verdict(chosen, "suspect", "throttled", "it fell") if disturbed else chosen


def test_script_and_python_give_the_same_answers_for_several_runs_of_several_devices(
    browser: Browser, tmp_path: Path
) -> None:
    random = np.random.default_rng(7)
    cells = tuple(measured_thrice(random))
    sections = arrange(cells)
    content = Content((make_run(cells),), sections, Budget(), {})
    (tmp_path / "index.html").write_text(render_html(content, describe_parts(content)), encoding="utf-8")
    groups = group_sections(sections)
    repeated = 0
    with open_page(browser, (tmp_path / "index.html").as_uri()) as page:
        for number in range(BUDGETS):
            latency_ns = float(np.exp(random.uniform(np.log(1e6), np.log(3e7)))) if number % 3 else None
            accuracy = float(random.uniform(0.4, 0.65)) if number % 2 else None
            budget = Budget(max_latency_ns=latency_ns, min_accuracy=accuracy)
            decisions = [decide(group, budget, {}) for group in groups]
            for at, expected in enumerate(decisions):
                decided = ask(page, at, sections, budget)
                text = msgspec.json.decode(msgspec.json.encode(asdict(expected.shipped.text)))
                assert decided["text"] == text, budget
                assert decided["ladder"] == [asdict(step) for step in expected.ladder], budget
                repeated += any(one.startswith("Measured ") for one in expected.shipped.text.why)
            answered = [(one.title, one.shipped.answer) for one in decisions if one.shipped.answer]
            joint = ""
            if len(answered) > 1:
                titles, answers = zip(*answered, strict=True)
                joint = describe_for_all(find_for_all(answers, budget), titles, budget)
            asked = msgspec.json.decode(msgspec.json.encode(make_document(sections, budget, {}).budget))
            assert page.evaluate(_JOINT, asked) == joint
    assert repeated
