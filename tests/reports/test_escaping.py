"""What a spreadsheet would run, and what Markdown and GitHub would make of a text: all of it stays text."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import make_cell, make_device, make_run
from harness.records import Cell
from harness.system.text import markdown
from reports.cells_csv import write_csv
from reports.escaping import spreadsheet

FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r\n=1", "\uff1d1", "\u202e=1"])
def test_what_a_spreadsheet_would_run_becomes_text(text: str) -> None:
    assert spreadsheet(text).startswith("'")


def test_ordinary_text_reaches_the_spreadsheet_unchanged() -> None:
    assert spreadsheet("Pixel 6 Pro") == "Pixel 6 Pro"
    assert spreadsheet("cores 0-3: 1; cores 4-7: 2") == "cores 0-3: 1; cores 4-7: 2"


@given(st.text(alphabet='=+-@;, "\tab\uff1d'))
def test_no_cell_is_a_formula_where_a_semicolon_separates(text: str) -> None:
    for cell in spreadsheet(text).split(";"):
        assert not cell.strip(' "').startswith(FORMULA_STARTS)


def test_the_csv_holds_where_a_semicolon_separates(tmp_path: Path) -> None:
    cells: Sequence[Cell] = [make_cell(device=make_device(model='a;=HYPERLINK("x")\n;@b, "c"'))]
    write_csv([(make_run(tuple(cells)), cells)], tmp_path / "cells.csv")
    text = (tmp_path / "cells.csv").read_text()
    for separator in ",;":
        rows = list(csv.reader(text.splitlines(), delimiter=separator))
        assert len(rows) == 2
        assert not [one for row in rows for one in row if one.strip(' "').startswith(FORMULA_STARTS)]


@given(st.text())
def test_markdown_never_opens_a_tag_a_table_cell_or_a_line(text: str) -> None:
    escaped = markdown(text)
    assert "<" not in escaped
    assert "\n" not in escaped
    assert "|" not in escaped.replace("\\|", "").replace("\\\\", "")


def test_markdown_shows_emphasis_links_and_mentions_literally() -> None:
    assert markdown("*a* [b](c) `d` @e") == r"\*a\* \[b\](c) \`d\` @&#8203;e"
    assert markdown("0.5/160 int8") == "0.5/160 int8"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see http://evil.example/a", "see http:&#8203;//evil.example/a"),
        ("HTTPS://evil.example", "HTTPS:&#8203;//evil.example"),
        ("www.evil.example", "www&#8203;.evil.example"),
        ("me@evil.example", "me@&#8203;evil.example"),
        ("fixes #12", r"fixes \#&#8203;12"),
        ("other/project#12", r"other/project\#&#8203;12"),
        ("GH-12", "GH-&#8203;12"),
        ("&#64;all", r"&amp;\#&#8203;64;all"),
        ("1. first", r"1\. first"),
        ("=====", r"\====="),
        ("~~~", r"\~\~\~"),
    ],
)
def test_markdown_links_no_address_no_person_and_no_issue_by_itself(text: str, shown: str) -> None:
    assert markdown(text) == shown
