"""The page's script gives the answers that the page has without script, where cells have other accuracies."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser

from browser import CHROMIUM, open_browser, open_page
from builders import make_energy_cell, make_energy_run, make_run, with_accuracy, with_verdict
from harness.analysis.budget import Budget, latency_high_ns
from harness.records import Cell, EnergySource
from reports import report as written_report
from reports.report import write_report
from synthetic import EMULATOR, PHONE, quantized_by, simulate_cells

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written_report, "draw_pictures", lambda *_: ())


def texts_of(
    browser: Browser, folder: Path, cells: list[Cell], selector: str, budget: Budget | None = None
) -> list[str]:
    """The text of a part of the page with script and without."""
    address = write_report([(make_run(tuple(cells)), tuple(cells))], folder, budget=budget).as_uri()
    texts = []
    for script in (True, False):
        with open_page(browser, address, java_script_enabled=script) as page:
            texts.append(page.locator(selector).first.inner_text())
    return texts


def test_the_best_file_for_all_devices_is_ranked_by_what_they_share(browser: Browser, tmp_path: Path) -> None:
    """Only the phone evaluated the files: on the tablet, and so on both, their published accuracy ranks."""
    shapes = simulate_cells(PHONE, widths=(0.5, 0.75), resolutions_px=(128, 192), precisions=("fp32",))
    # 0.5/192 is the larger network, and 0.75/128 the more accurate one.
    cells = [with_accuracy(cell, 0.6) for cell in shapes if cell.variant.shape in ((0.5, 192), (0.75, 128))]
    tablet = replace(PHONE, name="tablet", boot_id="tablet")
    cells += [replace(cell, device=tablet, accuracy=None) for cell in cells]
    scripted, plain = texts_of(browser, tmp_path, cells, ".for-all")
    assert scripted == plain
    assert scripted.startswith(
        "For all 2 devices: 0.75/128 fp32, by published accuracy;"
        " no measured one of the same data is known on all devices: on pixel "
    )


def test_the_script_cautions_where_int8_of_several_quantizers_is_ranked_by_size(
    browser: Browser, tmp_path: Path
) -> None:
    (cell,) = simulate_cells(PHONE, widths=(0.5,), resolutions_px=(128,), precisions=("int8",))
    cells = [
        quantized_by(cell, "onnxruntime", "onnxruntime 1.32.0"),
        quantized_by(cell, "litert", "ai-edge-quantizer 0.10.0"),
        quantized_by(cell, "executorch", "executorch 1.5.1"),
    ]
    scripted, plain = texts_of(browser, tmp_path, cells, ".answer .cautions")
    assert scripted == plain
    assert (
        "each runtime's own quantizer made its int8: ExecuTorch's by executorch 1.5.1, LiteRT's by"
        " ai-edge-quantizer 0.10.0, ONNX Runtime's by onnxruntime 1.32.0; without measured accuracies these"
        " cannot be compared (--accuracy)" in scripted
    )


def test_the_script_cautions_where_energies_of_several_sensors_are_ranked(
    browser: Browser, tmp_path: Path
) -> None:
    cells = list(simulate_cells(PHONE, widths=(0.25, 0.5), resolutions_px=(128,), precisions=("fp32",)))
    battery = EnergySource(kind="battery", name="gauge", covers="the whole device")
    for at, run in enumerate((make_energy_run(), replace(make_energy_run(), source=battery))):
        cells[at] = with_accuracy(replace(cells[at], energy=make_energy_cell(run).energy), 0.6)
    scripted, plain = texts_of(browser, tmp_path, cells, ".answer .cautions", Budget(max_energy_joules=9))
    assert scripted == plain
    assert (
        "the energies were read by sensors that cannot be compared: hwmon: what it is wired to;" in scripted
    )


def test_a_probability_says_what_it_takes_as_it_is(browser: Browser, tmp_path: Path) -> None:
    cells = [*simulate_cells(PHONE, widths=(0.5,), resolutions_px=(128,), precisions=("int8",))]
    budget = Budget(max_latency_ns=1e9, min_accuracy=0.5)
    scripted, plain = texts_of(browser, tmp_path, cells, ".answer .why", budget)
    assert scripted == plain
    assert "with a probability of over 99 %, if its published accuracy holds." in scripted
    disturbed = [with_verdict(cell, "suspect", "throttled", "the clock fell") for cell in cells]
    scripted, plain = texts_of(browser, tmp_path, disturbed, ".answer .why", budget)
    assert scripted == plain
    assert "over 99 %, if its published accuracy and its suspect figures hold." in scripted


def test_an_address_has_the_units_that_the_options_of_pick_take(browser: Browser, tmp_path: Path) -> None:
    cells = simulate_cells(PHONE, widths=(0.25, 0.5), resolutions_px=(128,))
    address = write_report([(make_run(cells), cells)], tmp_path).as_uri()
    read_as = {
        "max-latency=0.02s": "max-latency=20ms",
        "max-latency=800us": "max-latency=0.8ms",
        "max-memory=1GB": "max-memory=1000MB",
        "max-size=1MiB": "max-size=1.048576MB",
        "max-instructions=57691178": "max-instructions=57.691178M",
        "max-energy=0.2J": "max-energy=200mJ",
        "min-accuracy=0.6": "min-accuracy=60%25",
        "min-accuracy=60%25": "min-accuracy=60%25",
        # Neither has the unit of a time: they say nothing, and are not read as milliseconds.
        "max-latency=20": "any",
        "max-latency=20MB": "any",
    }
    with open_page(browser, address) as page:
        for fragment, read in read_as.items():
            page.goto(f"{address}#{fragment}")
            page.wait_for_function("read => toFragment(state.budget) === read", arg=read)
        page.goto(f"{address}#threads=")
        assert page.locator(".answer .ask").inner_text() == "Ship this"


def test_a_limit_is_a_whole_number_of_nanoseconds(browser: Browser, tmp_path: Path) -> None:
    """As on the command line: in binary, 2.01 times a million is less than 2,010,000."""
    cells = simulate_cells(PHONE, widths=(0.25,), resolutions_px=(128,))
    address = write_report([(make_run(cells), cells)], tmp_path).as_uri()
    with open_page(browser, f"{address}#max-latency=2.01ms") as page:
        assert page.evaluate("state.budget.limits[0]") == 2_010_000
        page.fill("input[name=max-latency]", "2.01")
        assert page.evaluate("state.budget.limits[0]") == 2_010_000


def test_two_pinned_cells_are_compared_by_what_they_share(browser: Browser, tmp_path: Path) -> None:
    shape = {"widths": (0.5,), "resolutions_px": (128,)}
    phone = [with_accuracy(cell, 0.6) for cell in simulate_cells(PHONE, threads=(1, 2), **shape)]
    counted = [replace(cell, processes=cell.processes[:2]) for cell in simulate_cells(EMULATOR, **shape)]
    cells = (*phone, *counted)
    address = write_report([(make_run(cells), cells)], tmp_path).as_uri()
    with open_page(browser, address) as page:

        def difference(base: int, other: int) -> str:
            said: str = page.evaluate(
                f"describeDifference(page.cells[{base}], page.cells[{other}]).join('; ')"
            )
            return said

        assert page.evaluate("page.cells.map((cell) => `${cell.precision} ${cell.threads}`)") == [
            *("fp32 1", "fp32 2", "int8 1", "int8 2"),
            *("fp32 1", "int8 1"),
        ]
        # One file in two placements has one accuracy.
        assert "; top-1: the same file; " in difference(0, 1)
        assert "; top-1: +0.0 points (" in difference(0, 2)
        # Counts of one thread repeat: two processes are as sure as ten.
        assert difference(4, 5).startswith("instructions: 0.51759 times; ")
        assert "sure" not in difference(4, 5)
        # Memory beside an emulator has that of the emulator in it.
        assert difference(0, 4) == (
            "cost and peak memory: not compared, they are of two devices;"
            " top-1: +0.0 points, published; file: the same"
        )


def test_of_several_runs_on_a_device_the_script_counts_the_worst_measurement(
    browser: Browser, tmp_path: Path
) -> None:
    shape = {"widths": (0.25, 0.5), "resolutions_px": (128,), "precisions": ("fp32",)}
    measured = [simulate_cells(PHONE, seed=seed, **shape) for seed in (1, 2, 3)]
    runs = [(make_run(cells), cells) for cells in measured]
    highest_ns = max(latency_high_ns(cells[1]) or 0 for cells in measured)
    texts = []
    # Between the best run of 0.5/128 and its worst, and above both.
    for limit_ns in (highest_ns - 1, highest_ns):
        address = write_report(runs, tmp_path, budget=Budget(max_latency_ns=limit_ns)).as_uri()
        for script in (True, False):
            with open_page(browser, address, java_script_enabled=script) as page:
                texts.append(page.locator(".answer").inner_text())
    assert texts[0] == texts[1]
    assert texts[2] == texts[3]
    assert "0.25/128 fp32" in texts[0].split("1 thread")[0]
    assert "0.5/128 fp32" in texts[2].split("1 thread")[0]
    assert "Measured 3 times, from " in texts[2]
    assert ": the costliest valid one counts." in texts[2]
