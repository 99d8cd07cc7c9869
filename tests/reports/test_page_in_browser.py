"""The page as a reader meets it: in a browser, on a phone, by keyboard, in the dark, and without script."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from msgspec.structs import replace
from playwright.sync_api import Browser, Page

from browser import CHROMIUM, open_browser, open_page
from builders import (
    failed,
    make_energy_cell,
    make_energy_run,
    make_run,
    make_sustained_cell,
    make_sustained_run,
    with_accuracy,
    with_verdict,
)
from harness.analysis.budget import Budget
from harness.records import Cell
from reports import report as written_report
from reports.report import write_report
from synthetic import EMULATOR, HOSTILE_MODEL, PHONE, simulate_cells

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium")
PHONE_PX, DESK_PX = 360, 1440
WCAG_2_2_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A phone with every kind of cell, and an emulated device; a budget of 6 ms is preset."""
    return write_every_kind(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def short_address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same with a quarter of the cells: axe looks at each element for a time of its own."""
    return write_every_kind(tmp_path_factory.mktemp("page"), widths=(0.25, 1.0), resolutions_px=(128, 224))


def write_every_kind(folder: Path, **shapes: tuple[float, ...]) -> str:
    phone = list(simulate_cells(replace(PHONE, model=HOSTILE_MODEL), threads=(1, 2), **shapes))
    phone = [with_accuracy(cell, 0.4 + at / 200) if at % 3 else cell for at, cell in enumerate(phone)]
    phone[2] = with_verdict(phone[2], "suspect", "throttled", "frequency fell from 2802 to 1401 MHz")
    phone[3] = failed(phone[3])
    phone[9] = with_verdict(phone[9], "invalid", "parity_failed", "largest difference 0.31 of 0.0001 allowed")
    emulated = (
        with_verdict(cell, "suspect", "emulated", "its clock is the host's")
        for cell in simulate_cells(EMULATOR, widths=(0.25, 0.5), resolutions_px=(128,))
    )
    return write(folder, (*phone, *emulated), Budget(max_latency_ns=6e6))


def write(folder: Path, cells: tuple[Cell, ...], budget: Budget) -> str:
    with pytest.MonkeyPatch.context() as patch:
        # The page needs no pictures, and they take most of a report's time.
        patch.setattr(written_report, "draw_pictures", lambda *_: ())
        return write_report([(make_run(cells), cells)], folder, budget=budget).as_uri()


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Iterator[Page]:
    with open_page(browser, address) as page:
        yield page


@pytest.fixture(autouse=True)
def untouched(page: Page, address: str) -> None:
    if page.url != address:
        page.goto("about:blank")
        page.goto(address)


def pick_name(page: Page) -> str:
    return page.locator(".answer .name").first.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
def test_the_page_meets_wcag_2_2_aa(browser: Browser, short_address: str, scheme: str, width: int) -> None:
    with open_page(browser, short_address, width=width, color_scheme=scheme, bypass_csp=True) as page:
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG_2_2_AA}})
        assert found.violations_count == 0, found.generate_report()


def test_the_drawer_meets_wcag_2_2_aa(browser: Browser, address: str) -> None:
    with open_page(browser, address, bypass_csp=True) as page:
        page.locator(".cells .open").first.click()
        found = Axe().run(page, context="dialog")
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
def test_the_answer_stands_within_300_pixels(browser: Browser, address: str, width: int) -> None:
    with open_page(browser, address, width=width) as page:
        for part in (".name", ".figures"):
            box = page.locator(f".answer {part}").first.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= 300, part


def test_no_text_is_smaller_than_11_pixels_and_nothing_is_wider_than_a_phone(
    browser: Browser, address: str
) -> None:
    with open_page(browser, address, width=PHONE_PX) as page:
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        smallest = page.evaluate(
            """() => {
              const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
              let smallest = [99, ""];
              for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                const parent = node.parentElement;
                if (!node.data.trim() || parent.closest("script")) continue;
                if (!parent.getClientRects().length) continue;
                const size = Number.parseFloat(getComputedStyle(parent).fontSize);
                if (size < smallest[0]) smallest = [size, node.data.trim()];
              }
              return smallest;
            }"""
        )
        assert smallest[0] >= 11, smallest
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE_PX
        # Nothing in a plot is scaled: what is drawn with a view box has no text.
        assert page.locator("svg[viewBox] text").count() == 0


def test_a_reason_leads_to_its_explanation_and_the_budget_stays(page: Page) -> None:
    page.fill('input[name="max-latency"]', "3")
    chosen = pick_name(page)
    page.locator('#trust a[href="#reason-throttled"]').first.click()
    place = page.locator("#reason-throttled")
    assert place.is_visible()
    place.scroll_into_view_if_needed()
    assert page.input_value('input[name="max-latency"]') == "3"
    assert pick_name(page) == chosen


def test_an_address_with_a_reason_opens_it_and_keeps_the_preset(
    browser: Browser, address: str, page: Page
) -> None:
    preset = pick_name(page)
    with open_page(browser, f"{address}#reason-throttled") as other:
        assert other.locator("#reason-throttled").is_visible()
        assert pick_name(other) == preset


def test_without_script_the_page_gives_the_same_answer(browser: Browser, address: str, page: Page) -> None:
    with open_page(browser, address, java_script_enabled=False) as plain:
        for selector in (".answers", ".ladder >> nth=0", ".cells tbody >> nth=0"):
            assert plain.locator(selector).inner_text() == page.locator(selector).inner_text()
        assert "latency ≤ 6 ms" in plain.locator("#preset").inner_text()
        assert not plain.locator("#budget").is_visible()


def test_the_best_file_for_all_devices_is_said_alike_with_and_without_script(
    browser: Browser, tmp_path: Path
) -> None:
    devices = (PHONE, replace(PHONE, name="tablet", boot_id="tablet"))
    cells = [
        cell
        for device in devices
        for cell in simulate_cells(device, widths=(0.25, 0.5), resolutions_px=(128,), threads=(1, 2))
    ]
    page_address = write(tmp_path, tuple(cells), Budget())
    texts = []
    for script in (True, False):
        with open_page(browser, page_address, java_script_enabled=script) as page:
            if script:  # It answers anew only once a budget is typed.
                page.fill("input[name=max-latency]", "1000")
            texts.append(page.locator(".for-all").inner_text())
    assert texts[0] == texts[1]
    assert texts[0].startswith("For all 2 devices: 0.5/128 ")
    for device in devices:
        assert f"on {device.name} " in texts[0]


def test_a_budget_that_is_typed_changes_the_answer_and_the_address(page: Page, address: str) -> None:
    before = pick_name(page)
    assert page.locator("input[name=max-latency]").input_value() == "6"
    page.fill("input[name=max-latency]", "20")
    assert pick_name(page) != before
    page.wait_for_url(f"{address}#max-latency=20ms")
    page.click("button[type=reset]")
    page.wait_for_url(f"{address}#any")
    assert page.locator(".answer .ask").first.inner_text() == "Ship this"


def in_slots(cell: Cell) -> Cell:
    """The cell at 30/s, each inference in a slot of its own."""
    plan = replace(cell.plan, rate_hz=30.0)
    processes = tuple(
        replace(one, starts_ns=tuple(at * (plan.period_ns or 0) for at in range(len(one.timed_ns))))
        for one in cell.processes
    )
    return replace(cell, plan=plan, processes=processes)


def test_a_page_for_a_rate_asks_it_of_every_budget(browser: Browser, tmp_path: Path) -> None:
    """The rate is no field of the form, and not in the address: the page was written for it."""
    back_to_back = tuple(simulate_cells(PHONE, widths=(0.25, 0.5), resolutions_px=(128,)))
    paced = tuple(map(in_slots, back_to_back))
    address = write(tmp_path, (*back_to_back, *paced), Budget(rate_hz=30.0))
    with open_page(browser, address) as page:
        assert "at 30/s" in page.locator(".answer").first.inner_text()
        page.fill("input[name=max-latency]", "20")
        page.wait_for_url(f"{address}#max-latency=20ms")
        assert "at 30/s" in page.locator(".answer").first.inner_text()
        assert page.locator(".answer .kicker").first.inner_text().casefold() == "ship this"
        paced_cell = "page.cells.find((one) => one.period)"
        slow = f"{{...{paced_cell}, worst: {paced_cell}.worst.map(() => 1e12)}}"
        limits = page.evaluate(f"findMisses({slow}, null, emptyBudget()).map((miss) => miss.limit)")
        assert limits == ["paced p99 latency"]
    with open_page(browser, address, java_script_enabled=False) as plain:
        assert "paced p99 latency ≤ 33.33 ms" in plain.locator("#preset").inner_text()


def test_a_budget_of_energy_is_a_field_and_decides(browser: Browser, tmp_path: Path) -> None:
    cells = simulate_cells(PHONE, widths=(0.25, 0.5), resolutions_px=(128,), precisions=("int8",))
    small, large = cells
    costly = (make_energy_cell(make_energy_run(2.0), small), make_energy_cell(make_energy_run(3.0), large))
    with open_page(browser, write(tmp_path, costly, Budget())) as page:
        answers = {}
        for limit in ("10.5", "20.5"):
            page.fill("input[name=max-energy]", limit)
            answers[limit] = pick_name(page)
        page.wait_for_url("**#max-energy=20.5mJ")
        assert ("0.25" in answers["10.5"], "0.5" in answers["20.5"]) == (True, True)
        text = page.locator(".answer").first.inner_text()
        assert "%" in text
        page.fill("input[name=max-energy]", "5")
        assert "relax --max-energy to" in page.locator(".answer").first.inner_text()
    with open_page(browser, write(tmp_path, (costly[0], large), Budget())) as page:
        page.fill("input[name=max-energy]", "20.5")
        text = page.locator(".answer").first.inner_text()
        assert "mJ) an inference" in text
        assert "1 without a figure for the energy" in text


def hot_cells() -> tuple[Cell, ...]:
    """Two cells whose order of latency is turned round after minutes, and one that did not run for them."""
    small, middle, large = simulate_cells(
        PHONE, widths=(0.25, 0.5, 1.0), resolutions_px=(128,), precisions=("int8",)
    )
    levels = ((small, 1.0, 9.0), (large, 2.0, 12.5))
    hot = [
        make_sustained_cell(make_sustained_run((60, ms), (120, plateau)), cell)
        for cell, ms, plateau in levels
    ]
    return (*hot, middle)


def test_sustained_use_is_a_choice_that_decides_by_the_plateau(browser: Browser, tmp_path: Path) -> None:
    address = write(tmp_path, hot_cells(), Budget())
    with open_page(browser, address, bypass_csp=True) as page:
        page.fill("input[name=max-latency]", "12")
        assert pick_name(page) == "1.0/128 int8"
        page.fill("input[name=max-p99]", "30")
        page.check("input[name=sustained]")
        page.wait_for_url("**#sustained=on&max-latency=12ms")
        assert pick_name(page) == "0.25/128 int8"
        text = page.locator(".answer").first.inner_text()
        assert "9 ms (at most 9." in text
        assert "1 no sustained figure" in text
        assert "1 over the sustained latency limit" in text
        assert page.locator("input[name=max-p99]").is_disabled()
        drawn = page.locator("#tradeoff svg").first
        assert "Sustained latency, ms (log)" in drawn.get_attribute("aria-label")  # type: ignore[operator]
        assert drawn.locator(".point").count() == 2
        page.locator(".canvas").first.focus()
        page.keyboard.press("ArrowRight")
        assert " sustained" in page.locator("#card").inner_text()
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG_2_2_AA}})
        assert found.violations_count == 0, found.generate_report()
        page.uncheck("input[name=sustained]")
        page.wait_for_url("**#max-latency=12ms&max-p99=30ms")
        assert page.locator("#tradeoff svg .point").count() == 3
        assert pick_name(page) == "1.0/128 int8"


def test_a_page_for_sustained_use_says_the_same_with_and_without_script(
    browser: Browser, tmp_path: Path
) -> None:
    address = write(tmp_path, hot_cells(), Budget(max_latency_ns=10e6, sustained=True))
    with (
        open_page(browser, address) as page,
        open_page(browser, address, java_script_enabled=False) as plain,
    ):
        for selector in (".answers", ".ladder >> nth=0"):
            assert plain.locator(selector).inner_text() == page.locator(selector).inner_text()
        assert "sustained latency ≤ 10 ms" in plain.locator("#preset").inner_text()
        assert page.locator("input[name=sustained]").is_checked()
        assert page.locator("input[name=max-latency]").input_value() == "10"
        assert pick_name(page) == "0.25/128 int8"


def test_without_a_sustained_run_there_is_no_such_choice(page: Page, address: str) -> None:
    assert page.locator("input[name=sustained]").count() == 0
    page.goto(f"{address}#sustained=on&max-latency=20ms")
    assert "20" in page.locator("input[name=max-latency]").input_value()
    assert "no sustained figure" not in page.locator(".answer").first.inner_text()


def test_an_address_with_a_budget_answers_for_it(page: Page, address: str) -> None:
    page.goto(f"{address}#max-latency=3ms&precision=fp32&min-accuracy=41%25")
    assert page.locator("input[name=max-latency]").input_value() == "3"
    assert page.locator("input[name=min-accuracy]").input_value() == "41"
    assert page.locator("input[value=fp32]").is_checked()
    assert "fp32" in pick_name(page) or "Nothing" in pick_name(page)


def test_a_budget_that_nothing_fits_names_the_nearest_and_the_limit_to_relax(page: Page) -> None:
    page.fill("input[name=max-latency]", "0.01")
    text = page.locator(".answer").first.inner_text()
    assert "Nothing fits the budget" in text
    assert "relax --max-latency to" in text


def test_the_verdicts_of_an_emulated_device_are_no_warning(page: Page) -> None:
    colours = page.evaluate(
        """() => [".cells", ".trust"].map((table) => [false, true].map((emulated) => {
          const [of] = document.querySelectorAll(`${table}` +
            (emulated ? ".counts-only" : ":not(.counts-only)"));
          return getComputedStyle(of.querySelector("tr.suspect :is(.status, .severity)")).color;
        }))"""
    )
    muted = page.evaluate("getComputedStyle(document.querySelector('.codes')).color")
    for real, emulated in colours:
        assert emulated == muted
        assert real != muted


def test_the_table_sorts_and_filters_by_keyboard(page: Page) -> None:
    head = page.locator(".cells >> nth=0").locator("th[data-key=size]")
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    sizes = [
        float(text)
        for text in page.locator(".cells >> nth=0").locator("tbody tr td:nth-of-type(7)").all_inner_texts()
    ]
    assert sizes == sorted(sizes)
    page.fill("#filter input", "suspect int8 0.25")
    names = page.locator(".cells >> nth=0").locator("tbody tr:visible").all_inner_texts()
    page.fill("#filter input", "")
    assert len(names) == 1
    assert "throttled" in names[0]


def test_every_column_of_the_table_sorts(page: Page) -> None:
    table = page.locator(".cells >> nth=0")
    keys = [head.get_attribute("data-key") for head in table.locator("th[data-key]").all()]
    assert keys[:3] == ["name", "placement", "cost"]
    for key in keys:
        head = table.locator(f"th[data-key={key}]")
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == "ascending"
    table.locator("th[data-key=placement] button").click()
    placements = table.locator("tbody td.text").all_inner_texts()
    assert placements == sorted(placements)
    assert len(set(placements)) == 2


def test_energy_and_minutes_are_columns_that_sort_and_a_missing_one_has_its_reason_in_the_drawer(
    browser: Browser, tmp_path: Path
) -> None:
    cells = simulate_cells(PHONE, widths=(0.25, 0.5, 1.0), resolutions_px=(128,), precisions=("int8",))
    powers, plateaus = (3.0, 2.0), (11.0, 12.5)
    figures = [
        make_energy_cell(
            make_energy_run(watts), make_sustained_cell(make_sustained_run((60, 10.0), (120, ms)), cell)
        )
        for cell, watts, ms in zip(cells, powers, plateaus, strict=False)
    ]
    failed_ones = make_energy_cell("the meter died", make_sustained_cell("the device restarted", cells[2]))
    address = write(tmp_path, (*figures, failed_ones), Budget())
    with open_page(browser, address, width=DESK_PX) as page:
        table = page.locator(".cells")
        headings = [head.get_attribute("data-key") for head in table.locator("thead th").all()]
        expected = {
            "sustained": ["11.0", "12.5"],
            "retained": ["80.0", "90.9"],
            "energy": ["10.0", "20.0"],
        }
        for key, values in expected.items():
            table.locator(f"th[data-key={key}] button").click()
            shown = table.locator(f"tbody td:nth-of-type({headings.index(key)})").all_inner_texts()
            assert [text.startswith(value) for text, value in zip(shown, values, strict=False)] == [
                True,
                True,
            ]
            assert shown[2] == "–"  # noqa: RUF001
        assert page.evaluate("document.documentElement.scrollWidth") <= DESK_PX
        page.locator(".cells .open").last.click()
        drawer = page.locator("dialog").inner_text()
        assert "the meter died" in drawer
        assert "the device restarted" in drawer
    with open_page(browser, address, width=PHONE_PX) as page:
        keys = [head.get_attribute("data-key") for head in page.locator(".cells thead th:visible").all()]
        assert keys == ["name", "cost", "accuracy", "status"]
        assert page.locator(".cells tbody tr >> nth=0").locator("td:visible").count() == 3
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE_PX


def test_on_a_phone_the_placement_stands_below_the_variant(browser: Browser, address: str) -> None:
    with open_page(browser, address, width=PHONE_PX) as page:
        row = page.locator(".cells >> nth=0").locator("tbody tr:visible").first
        assert not row.locator("td.text").is_visible()
        below = row.locator("th").evaluate("(head) => getComputedStyle(head, '::after').content")
        assert below in ('"1 thread"', '"2 threads"')


# Of a table in view that is wider than the phone, the columns on the right are out of sight.
CROPPED = """(tables) => tables
  .filter((one) => one.clientWidth && one.scrollWidth > one.clientWidth)
  .map((one) => `${one.getAttribute("aria-label")}: ${one.scrollWidth} of ${one.clientWidth} px`)"""


def test_on_a_phone_no_table_in_view_is_cropped(browser: Browser, tmp_path: Path) -> None:
    cores = tuple(replace(core, capacity=1024 if core.index > 3 else 300) for core in PHONE.cores)
    (made, other) = simulate_cells(replace(PHONE, cores=cores), widths=(0.25,), resolutions_px=(128,))
    placed = [
        with_accuracy(replace(made, plan=replace(made.plan, cpus=cpus)), 0.4) for cpus in ("0-3", "4-7")
    ]
    suspect = with_verdict(other, "suspect", "conditions_unreadable", "no temperature can be read")
    with open_page(browser, write(tmp_path, (*placed, suspect), Budget()), width=PHONE_PX) as page:
        shown = "#cells .wide, #trust > .wide, #devices .wide"
        assert page.locator(shown).count() == 3
        assert page.eval_on_selector_all(shown, CROPPED) == []


@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
def test_the_head_of_the_table_stays_in_view_as_its_rows_scroll(
    browser: Browser, address: str, width: int
) -> None:
    with open_page(browser, address, width=width) as page:
        page.wait_for_selector("#cells .whole")
        page.locator(".cells >> nth=0").locator("tbody tr:visible").nth(20).evaluate(
            "(row) => window.scrollBy(0, row.getBoundingClientRect().top - 300)"
        )
        box = page.locator(".cells >> nth=0").locator("thead th").first.bounding_box()
        assert box is not None
        assert box["y"] == 0


def test_a_row_opens_everything_that_is_known_of_its_cell(page: Page) -> None:
    page.locator(".cells .open").first.click()
    drawer = page.locator("dialog")
    assert drawer.is_visible()
    for words in ("p99 latency", "RSS at start", "sha256", "processes"):
        assert words in drawer.inner_text()
    page.keyboard.press("Escape")
    assert not drawer.is_visible()


def test_the_arrow_keys_show_a_card_and_two_pinned_cells_are_compared(page: Page) -> None:
    page.locator(".canvas").first.focus()
    page.keyboard.press("ArrowRight")
    first = page.locator("#card").inner_text()
    assert "ms" in first
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    assert page.locator("#card").inner_text() != first
    page.keyboard.press("Enter")
    text = page.locator("#comparison").inner_text()
    assert " against " in text
    assert "times" in text
    assert "(" in text


def test_the_plot_is_drawn_again_at_the_width_of_its_page(page: Page) -> None:
    page.set_viewport_size({"width": PHONE_PX, "height": 800})
    page.wait_for_function("document.querySelector('.canvas svg').clientWidth <= 360")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.wait_for_function("document.querySelector('.canvas svg').clientWidth > 1000")


def test_the_page_of_hostile_cells_runs_nothing_of_theirs(browser: Browser, tmp_path: Path) -> None:
    hostile = "</script><script>window.hacked = 1</script><!--<script>"
    cells = tuple(
        with_verdict(cell, "suspect", hostile, hostile)
        for cell in simulate_cells(
            replace(PHONE, name=hostile, model=hostile), widths=(0.25, 0.5), resolutions_px=(128,)
        )
    )
    with open_page(browser, write(tmp_path, cells, Budget())) as page:
        page.locator(".cells .open").first.click()
        assert page.evaluate("window.hacked") is None
        assert hostile in page.locator("dialog").inner_text()


def test_the_page_prints_without_what_only_a_screen_needs(page: Page) -> None:
    page.emulate_media(media="print")
    assert not page.locator("#budget").is_visible()
    assert page.locator(".answer .name").first.is_visible()
    page.emulate_media(media="screen")


@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
def test_predicted_variants_are_drawn_apart_and_cannot_be_pinned(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    cells = simulate_cells(PHONE, precisions=("int8",))
    cells = (*cells[:5], *cells[6:])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(written_report, "draw_pictures", lambda *_: ())
        index = write_report([(make_run(cells), cells)], tmp_path, include_predicted=True)
    with open_page(browser, index.as_uri(), width=width) as shown:
        assert shown.locator(".point.predicted").count() == 1
        legend = shown.locator("#tradeoff .legend").inner_text().split("\n")
        assert legend[0] == "int8"
        assert "hollow, dotted, ≈: predicted, not measured" in legend
        assert shown.eval_on_selector_all("#predicted .wide", CROPPED) == []
        canvas = shown.locator("#tradeoff .canvas")
        canvas.focus()
        for _ in range(len(cells) + 1):
            shown.keyboard.press("ArrowRight")
            card = shown.locator("#card").inner_text()
            if "predicted" in card:
                break
        assert "0.5/160 int8" in card
        assert "predicted, not measured" in card
        shown.keyboard.press("Enter")
        assert shown.locator("#comparison").inner_text() == ""
        found = Axe().run(shown, options={"runOnly": {"type": "tag", "values": WCAG_2_2_AA}})
        assert found.violations_count == 0, found.generate_report()
