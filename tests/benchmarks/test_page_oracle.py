"""The page's script decides as `analysis.selection` does: over random budgets, in a headless browser."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from decision_oracle import Run, draw_run
from playwright.sync_api import Browser, Page

from browser import CHROMIUM, open_browser, open_page
from builders import failed, make_run
from harness.analysis.budget import Budget
from harness.analysis.ladder import climb
from reports.answers import ship
from reports.document import make_document
from reports.pages import Page as Content
from reports.pages import describe_parts, render_html
from reports.sections import Section, arrange
from reports.steps import describe_step
from synthetic import EMULATOR, simulate_cells

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium")
BUDGETS = 25
_DECIDE = """([machine, budget]) => {
  const answer = decide(machine, budget);
  return {
    text: describeAnswer(machine, answer, budget),
    ladder: climb(machine, budget).map((step) => describeStep(machine, step)),
    probability: answer && answer.probability,
  };
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


def open_run(folder: Path, run: Run, rate_hz: float | None) -> tuple[Section, ...]:
    emulated = simulate_cells(EMULATOR, widths=(0.25, 0.5), resolutions_px=(128, 224))
    paced = (
        msgspec.structs.replace(cell, plan=msgspec.structs.replace(cell.plan, rate_hz=30.0))
        for cell in run.cells[1:4]
    )
    cells = (failed(run.cells[0]), *run.cells[1:], *paced, *emulated)
    sections = arrange(cells)
    content = Content((make_run(cells),), sections, replace(run.budget, rate_hz=rate_hz), run.outcomes)
    (folder / "index.html").write_text(render_html(content, describe_parts(content)), encoding="utf-8")
    return sections


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
    return replace(Budget(rate_hz=rate_hz), **changes)  # type: ignore[arg-type]


def ask(page: Page, machine: int, sections: tuple[Section, ...], budget: Budget) -> dict[str, object]:
    document = make_document(sections, budget, {})
    decided: dict[str, object] = page.evaluate(
        _DECIDE, [machine, msgspec.json.decode(msgspec.json.encode(document.budget))]
    )
    return decided


@pytest.mark.parametrize(("seed", "rate_hz"), [(0, None), (1, None), (5, None), (2, 30.0), (3, 30.0)])
def test_script_and_python_give_the_same_answers(
    browser: Browser, tmp_path: Path, seed: int, rate_hz: float | None
) -> None:
    run = draw_run(seed)
    sections = open_run(tmp_path, run, rate_hz)
    random = np.random.default_rng(seed)
    with open_page(browser, (tmp_path / "index.html").as_uri()) as page:
        for _ in range(BUDGETS):
            budget = draw_budget(run, random, rate_hz)
            for machine, section in enumerate(sections):
                decided = ask(page, machine, sections, budget)
                shipped = ship(section, budget, run.outcomes)
                expected = msgspec.json.decode(msgspec.json.encode(asdict(shipped.text)))
                assert decided["text"] == expected, budget
                steps = [asdict(describe_step(step)) for step in climb(section.cells, budget, run.outcomes)]
                assert decided["ladder"] == steps, budget
                probability = shipped.answer.probability if shipped.answer else None
                assert decided["probability"] == (
                    None if probability is None else pytest.approx(probability, abs=1e-9)
                )
