"""The page of a history: one file that needs no script, with every change as text."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import with_verdict
from harness.analysis.history import trace
from past_runs import COUNTED, counted, nights, past_run, timed
from reports.history_page import render_history, write_history
from reports.templating import digest
from synthetic import HOSTILE_MODEL

STEP = trace(nights([counted(7_600_000)] * 3 + [counted(7_980_000)] * 2))


def test_the_page_names_the_change_its_run_and_its_revisions() -> None:
    page = render_history(STEP)
    row = re.search(r"<tbody>\n<tr>(.*)</tr>", page)
    assert row
    assert re.findall(r"<td[^>]*>(.*?)</td>", row[1]) == [
        "worse",
        "emulator-mobilenet_v1_0.5_128_fp32-t1",
        "instructions",
        "+5 % (7.6 M → 7.98 M)",
        "at run night-03 (0000002..0000003)",
    ]


def test_each_trend_is_a_picture_with_a_mark_for_each_run_and_a_line_for_each_change() -> None:
    page = render_history(STEP)
    assert page.count("<svg ") == 3
    first = page[page.index("<svg ") : page.index("</svg>")]
    assert first.count("<circle ") == 5
    assert first.count('class="change worse"') == 1
    assert first.count('class="level"') == 2
    assert "2026-01-04T03:00:00Z night-03, 0000003aaaaa: 7.98 M" in first
    assert "<text" not in page


def test_of_a_year_only_marks_that_matter_have_a_text_and_the_others_are_one_path() -> None:
    disturbed = with_verdict(timed(10e6), "suspect", "throttled", "slower")
    cells = [timed(10e6 if night < 200 else 12e6) for night in range(300)]
    page = render_history(trace(nights([*cells[:50], disturbed, *cells[51:]])))
    latency = page[page.index("<strong>latency") :].partition("</svg>")[0]
    titled = re.findall(r"night-\d+", latency)
    assert titled == ["night-50", "night-199", "night-200", "night-299"]
    (dots,) = re.findall(r'class="dots" d="([^"]*)"', latency)
    assert dots.count("M") == 300 - len(titled)
    (intervals,) = re.findall(r'class="interval" d="([^"]*)"', latency)
    assert intervals.count("V") == 300 - len(titled)
    assert len(page) < 40_000


def test_a_history_without_changes_is_described_as_such() -> None:
    assert "No figure changed for good." in render_history(trace(nights([COUNTED] * 2)))


def test_marks_of_disturbed_runs_are_hollow() -> None:
    disturbed = with_verdict(timed(10e6), "suspect", "throttled", "slower")
    page = render_history(trace(nights([timed(10e6), disturbed])))
    assert page.count('class="mark hollow"') == 2  # Latency and start-up.
    assert "does not count: throttled" in page


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    page = render_history(STEP)
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)
    assert style
    assert f"default-src 'none'; style-src '{digest(style[1])}'" in page
    assert not re.search(r"<script|<link|<img|https?:|\son\w+=|url\(", page)


def test_text_of_devices_and_files_is_escaped() -> None:
    hostile = replace(COUNTED, device=replace(COUNTED.device, name=HOSTILE_MODEL))
    runs = [past_run(0, hostile, git_revision="<b>"), past_run(1, hostile, id="<i>")]
    page = render_history(trace(runs))
    assert "<script" not in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert "\x1b" not in page


def test_the_same_history_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write_history(STEP, tmp_path / name / "page.html") for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_a_page_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(IsADirectoryError):
        write_history(STEP, tmp_path / "page.html")
