import base64
import csv
import hashlib
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from builders import make_cell, make_device, make_run
from harness.analysis import intervals
from harness.errors import UsageError
from harness.records import Cell
from harness.records.student import STUDENT_T
from reports.report import write_report
from synthetic import HOSTILE_MODEL, HOSTILE_NAME, Written, simulate_cells

PLOT_NAMES = {"tradeoff", "cost_by_width", "cost_by_resolution", "cost_by_macs", "memory", "samples"}


class Page(HTMLParser):
    """The tags, the addresses they load from or link to, and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "data", "action") and value is not None:
                (self.linked if tag == "a" else self.loaded).append(value)
            if name == "id" and value is not None:
                self.ids.append(value)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page(written: Written) -> Page:
    return Page(written.read("index.html"))


def test_the_page_loads_nothing_from_anywhere(page: Page, written: Written) -> None:
    assert [address for address in page.loaded if not address.startswith("#")] == ["data:,"]
    assert not {"iframe", "object", "img"} & set(page.tags)
    text = written.read("index.html")
    assert "@import" not in text
    assert "url(" not in text
    assert not re.search(r"\bfetch\(|XMLHttpRequest|\bimport\(", text)


def test_the_policy_lets_a_browser_run_only_this_script_and_this_style(written: Written) -> None:
    text = written.read("index.html")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    for name, (element,) in (
        ("script-src", re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)),
        ("style-src", re.findall(r"<style>(.*?)</style>", text, flags=re.DOTALL)),
    ):
        sha256 = base64.b64encode(hashlib.sha256(element.encode()).digest()).decode()
        assert f"{name} 'sha256-{sha256}'" in policy
    assert "unsafe" not in policy
    assert not re.search(
        r"<[^>]* (?:style|on[a-z]+)=", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    )


def test_every_link_leads_to_a_file_of_the_report_or_a_place_in_the_page(
    page: Page, written: Written
) -> None:
    for address in page.linked:
        assert address[1:] in page.ids if address.startswith("#") else (written.folder / address).is_file()


def test_ids_are_unique_though_many_pictures_share_the_page(page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))


def test_each_device_has_its_pictures_in_the_size_of_a_slide(written: Written) -> None:
    names = {path.name for path in written.folder.iterdir()}
    for slug in ("cmd-c-calc-a0", "emulator-cortex-a76"):
        assert {f"{slug}-{plot}.png" for plot in PLOT_NAMES} <= names
    assert {"index.html", "report.md", "cells.csv"} <= names
    for path in written.folder.glob("*.png"):
        with Image.open(path) as image:
            assert image.size == (1920, 1080), path.name


def test_hostile_names_are_shown_as_text_in_the_page(page: Page, written: Written) -> None:
    assert HOSTILE_NAME in page.text
    assert "<script>alert(1)</script> [31m $\\frac$" in page.text
    assert "\x1b" not in written.read("index.html")
    assert "\u202e" not in written.read("index.html")


def test_hostile_names_are_shown_as_text_in_markdown(written: Written) -> None:
    text = written.read("report.md")
    assert "&lt;script&gt;" in text
    assert "<script" not in text
    assert "@everyone" not in text
    assert not set(text) & {"\x1b", "\u202e"}


def test_hostile_names_are_no_formula_in_the_table_of_cells(written: Written) -> None:
    rows = list(csv.DictReader(io.StringIO(written.read("cells.csv"))))
    assert rows[0]["device"] == "'" + HOSTILE_NAME
    assert not any(value.startswith(("=", "+", "@")) for row in rows for value in row.values())
    assert HOSTILE_MODEL.split("\x1b")[0] in rows[0]["device_model"]


def test_the_title_names_the_model_of_machines_of_one_name_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.report.draw_pictures", lambda *_: ())

    def title(*boots: str) -> str:
        machines = [make_device(name="pi", model="Pi 4", boot_id=boot) for boot in boots]
        runs = [(make_run((cell,)), (cell,)) for cell in (make_cell(device=one) for one in machines)]
        write_report(runs, tmp_path)
        return (tmp_path / "report.md").read_text().split("\n")[0]

    assert title("a") == "# MobileNetV1 on pi (Pi 4)"
    assert re.sub(r"[0-9a-f]{8}", "ID", title("a", "b")) == "# MobileNetV1 on pi (Pi 4, ID), pi (Pi 4, ID)"


def test_the_csv_tells_machines_of_one_name_apart(written: Written) -> None:
    rows = list(csv.DictReader(io.StringIO(written.read("cells.csv"))))
    assert (rows[0]["kernel"], rows[0]["boot_id"]) == ("5.10.157", "")
    assert {row["page_size_bytes"] for row in rows} == {"4096", ""}


def test_the_csv_has_how_processes_were_scheduled(written: Written) -> None:
    row, *_ = csv.DictReader(io.StringIO(written.read("cells.csv")))
    assert (row["nice"], row["timer_slack_ns"], row["oom_score_adj"]) == ("0", "50000", "0")
    assert (row["cgroup"], row["cpuset"], row["uclamp_max_per_1024"]) == ("0::/user.slice", "/", "1024")
    assert "nice 0, cpuset /, cgroup 0::/user.slice, uclamp 0 to 1024 of 1024" in written.read("index.html")


def test_the_csv_has_a_line_a_cell_raw_figures_and_units_in_its_columns(written: Written) -> None:
    rows = list(csv.DictReader(io.StringIO(written.read("cells.csv"))))
    assert len(rows) == len(written.cells)
    for row, cell in zip(rows, written.cells, strict=True):
        assert (row["artifact_size_bytes"], row["macs"]) == (
            str(cell.artifact.size_bytes),
            str(cell.artifact.macs),
        )
        assert row["status"] == cell.verdict.status
        counted = cell.instructions_per_inference
        assert row["instructions_per_inference"] == ("" if counted is None else str(counted))
        if cell.latency is None:
            assert row["latency_median_ns"] == row["peak_rss_bytes"] == ""
        else:
            assert float(row["latency_median_ns"]) == pytest.approx(cell.latency.median_ns.estimate)
            assert row["latency_max_ns"] == str(cell.latency.max_ns)
    assert {row["run_id"] for row in rows} == {"first", "second"}
    assert {row["clock"] for row in rows} == {"real", "emulated", "virtual"}


def test_every_cell_that_is_not_valid_is_listed_with_its_reasons(page: Page) -> None:
    assert "32 cells: 29 valid, 1 suspect, 2 invalid." in page.text
    for words in (
        "the runner was killed by signal 9 (exit code 137)",
        "<b>out of memory</b>",
        "frequency fell from 2802 to 1401 MHz",
        "largest difference 0.31 of 0.0001 allowed",
    ):
        assert words in page.text


def test_the_page_shows_what_was_run_and_what_its_figures_are_not(page: Page) -> None:
    for words in (
        "4 × Cortex-A55 at 1.80 GHz",  # noqa: RUF001
        "executorch 1.5.1",
        "Weights are random: published accuracy is not that of these files.",
        "not measured here",
        "temperatures could not be read: no thermal zone",
        "sched_pixel",
    ):
        assert words in page.text


def test_devices_whose_clock_is_not_real_come_last_and_show_counts_only(written: Written) -> None:
    articles = re.findall(r"<article.*?</article>", written.read("index.html"), flags=re.DOTALL)
    assert len(articles) == 3
    assert re.search(r"\d ms", articles[0])
    for article in articles[1:]:
        assert "by instruction counts only" in article
        assert re.search(r"[\d.]+ M instructions", article)
        assert not re.search(r"\d\s?ms\b", article)


def test_markdown_links_only_pictures_that_are_there(written: Written) -> None:
    linked = re.findall(r"!\[[^\n]*\]\(([^)]*)\)", written.read("report.md"))
    assert len(linked) == len(list(written.folder.glob("*.png")))
    assert all((written.folder / name).is_file() for name in linked)


def test_markdown_tables_have_the_same_number_of_cells_in_every_line(written: Written) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", written.read("report.md"), flags=re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


def test_the_same_cells_give_the_same_files(written: Written, tmp_path: Path) -> None:
    cells = [cell for cell in written.cells if cell.device.name == "arm-vm"]
    for name in ("one", "other"):
        write_report([(make_run(tuple(cells)), cells)], tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes(), path.name


def test_no_cells_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no measured cell"):
        write_report([], tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_the_page_names_the_interval_that_is_computed_for_each_number_of_processes(page: Page) -> None:
    (latency,) = re.findall(r"Latency is the median of the medians.*", page.text)
    (percentiles,) = re.findall(r"p90 and p99 are percentiles.*", page.text)
    assert "from six processes on it comes from their order statistics" in latency
    assert "with two to five it is Student's t on their logarithms" in latency
    assert "With a single process it is a block bootstrap" in latency
    assert latency.count("bootstrap") == 1
    assert "a bootstrap that draws processes first" in percentiles
    assert (intervals.ORDER_STATISTICS_FROM, sorted(STUDENT_T)) == (6, [2, 3, 4, 5])


def test_both_pages_explain_the_numbers_in_the_same_words(page: Page, written: Written) -> None:
    reading = re.findall(r"^(?:Latency|p90|Peak RSS|Published) .*\.$", page.text, flags=re.MULTILINE)
    assert len(reading) >= 5
    text = written.read("report.md")
    assert all(f"- {sentence}" in text for sentence in reading if "<" not in sentence)


def test_cells_of_a_precision_that_this_version_does_not_know_are_reported(tmp_path: Path) -> None:
    known = simulate_cells(widths=(0.25, 1.0), precisions=("fp32",))
    cells = (*known, *simulate_cells(widths=(0.25, 1.0), precisions=("fp4",)))
    saved = msgspec.json.decode(msgspec.json.encode(cells), type=tuple[Cell, ...])
    write_report([(make_run(cells), saved)], tmp_path)
    assert "fp4" in (tmp_path / "index.html").read_text()
    assert ",fp4," in (tmp_path / "cells.csv").read_text()
