"""The report of devices that shared the variants (--any-of): one answer, and each device's cells apart."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from browser import CHROMIUM, open_browser, open_page
from builders import make_artifact, make_cell, make_device, make_run
from harness.analysis.budget import Budget
from harness.records import Cell, Run, Variant
from reports import report as written_report
from reports.report import write_report

MS = 1_000_000


def on(device: str, width: float, ms: float, **facts: object) -> Cell:
    variant = Variant(width=width, resolution_px=128, precision="fp32")
    artifact = make_artifact(variant=variant, sha256=f"{int(width * 100):064}", macs=int(width * 1e8))
    medians = tuple(int(ms * MS) + step for step in (10_000, -10_000, 0, 20_000, -20_000, 5_000))
    return make_cell(medians, device=make_device(name=device, **facts), artifact=artifact)


CELLS = (
    on("pi-a", 0.25, 10.0),
    on("pi-b", 0.25, 10.2),
    on("pi-c", 0.25, 10.4),
    on("pi-c", 0.5, 20.0),
    on("pi-a", 0.75, 30.0),
)


def pooled_run(cells: tuple[Cell, ...]) -> Run:
    run = make_run(cells)
    return replace(run, request=replace(run.request, any_of=("tag:pi",)))


def write(folder: Path, cells: tuple[Cell, ...] = CELLS) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        # Nothing here is about pictures, and they take most of a report's time.
        patch.setattr(written_report, "draw_pictures", lambda *_: ())
        budget = Budget(max_latency_ns=20.5 * MS)
        return write_report([(pooled_run(cells), cells)], folder, budget=budget)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("pool"))


def texts(page: Path) -> tuple[str, str]:
    """The page without its script, and the Markdown."""
    html = page.read_text(encoding="utf-8").partition('<script type="application/json"')[0]
    return html, (page.parent / "report.md").read_text(encoding="utf-8")


def test_both_pages_have_one_answer_and_one_ladder_for_the_pool(page: Path) -> None:
    html, markdown = texts(page)
    assert (html.count('<article class="answer'), html.count('<ol class="ladder"')) == (1, 1)
    assert "on any of tag:pi (3 devices)" in html
    assert "For all" not in html + markdown
    assert (markdown.count("**Ship this"), markdown.count("<summary>Ladder")) == (1, 1)
    for text in (html, re.sub(r"\\(.)", r"\1", markdown)):
        assert "Measured on pi-c, one of 3 devices." in text
        assert "latency on a further device could be up to 22.06 ms, over 20.5 ms" in text
        assert "0.75/128 fp32 on pi-a" in text


def test_each_device_keeps_its_table_of_cells_and_the_difference_is_shown(page: Path) -> None:
    html, markdown = texts(page)
    assert len(re.findall(r'<table class="cells', html)) == 3
    assert markdown.count("<summary>All cells, pi") == 3
    assert (
        "Between devices: mobilenet_v1_0.25_128_fp32, 1 thread took pi-a 10, pi-b 10.2, pi-c 10.4 ms" in html
    )
    assert markdown.count("Between devices") == 1


def test_devices_of_another_model_are_answered_for_apart_and_that_is_said(tmp_path: Path) -> None:
    cells = (*CELLS, on("zero", 0.25, 40.0, model="Raspberry Pi Zero 2"))
    page = write(tmp_path, cells)
    html, markdown = texts(page)
    assert html.count('<article class="answer') == 2
    assert "on zero</span>" in html
    assert "For all 2 devices and pools: no file is within the budget on each of them." in html
    for text in (html, markdown):
        assert text.replace("\\", "").count("any of tag:pi is not a pool of equal devices") == 1
    # A figure of the other model says nothing about how equal those of this one are.
    assert "zero 40" not in html


@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium")
def test_a_budget_that_is_typed_in_is_answered_for_the_pool(page: Path) -> None:
    with open_browser() as browser, open_page(browser, page.as_uri()) as opened:
        assert opened.locator(".answer .name").all_inner_texts() == ["0.5/128 fp32"]
        # All cells but the largest: also those of the faster devices.
        assert opened.locator("#fitting").inner_text() == "4 of 5 cells fit"
        opened.fill("input[name=max-latency]", "10.3")
        # pi-a and pi-b keep it; pi-c, their equal, does not.
        assert opened.locator(".answer .name").inner_text() == "Nothing fits the budget"
        assert opened.locator("#fitting").inner_text() == "0 of 5 cells fit"
        assert "Nearest: 0.25/128 fp32 on pi-c" in opened.locator(".answer .why").inner_text()
        opened.fill("input[name=max-latency]", "60")
        assert "Measured on pi-a, one of 3 devices." in opened.locator(".answer .why").inner_text()
        assert "further device" not in opened.locator(".answer .cautions").inner_text()
        assert opened.locator(".ladder li.shipped .step-name").inner_text() == "0.75/128 fp32 on pi-a"
