"""A report carries, for the reasons that occur, what docs/verdicts.md says of each."""

import re
from pathlib import Path

import pytest
from wheel_layout import arrange

from builders import make_cell, make_run, with_verdict
from harness.analysis.validity.verdict import CHECKS
from reports import explanations
from reports.explanations import Words, explain
from reports.report import write_report

PROJECT = Path(__file__).parents[2]


def test_every_check_is_explained_in_the_words_of_the_docs() -> None:
    found = {one.code: (one.severity, one.affects) for one in explain(check.code for check in CHECKS)}
    assert found == {check.code: (check.severity, check.affects) for check in CHECKS}
    (busy,) = explain(["busy", "of_a_newer_harness"])
    assert busy.rule == (Words("something else ran on the cores", False),)
    assert Words("-icount shift=0", True) in busy.source


def test_no_markdown_is_left_in_the_texts_of_the_page() -> None:
    for one in explain(check.code for check in CHECKS):
        plain = "".join(part.text for part in (*one.rule, *one.threshold, *one.source) if not part.code)
        assert not re.search(r"[`*]|\]\(|\|", plain), one.code


def test_the_page_ends_with_the_reasons_that_its_cells_have_and_links_to_them(tmp_path: Path) -> None:
    cell = with_verdict(make_cell(), "suspect", "busy", "load 9")
    page = write_report([(make_run((cell,)), (cell,))], tmp_path).read_text()
    assert 'href="#reason-busy"' in page
    assert page.count('id="reason-busy"') == 1
    assert "proc(5)" in page.split('id="reason-busy"')[1]
    assert 'id="reason-drifted"' not in page


def test_a_page_without_known_reasons_explains_none(tmp_path: Path) -> None:
    cell = with_verdict(make_cell(), "suspect", "of_a_newer_harness", "why")
    page = write_report([(make_run((cell,)), (cell,))], tmp_path).read_text()
    assert 'id="reasons"' not in page
    assert 'href="#reason-' not in page


def test_the_wheel_carries_the_page_that_the_report_quotes(tmp_path: Path) -> None:
    package = arrange(PROJECT, tmp_path / "harness")
    beside = package / "reports" / explanations._PACKAGED.name
    assert beside.read_bytes() == (PROJECT / "docs" / "verdicts.md").read_bytes()


def test_a_package_without_the_page_explains_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    explanations._explanations.cache_clear()
    monkeypatch.setattr(explanations, "_PACKAGED", tmp_path / "none")
    monkeypatch.setattr(explanations, "_IN_REPOSITORY", tmp_path / "none")
    assert explain(["busy"]) == ()
    explanations._explanations.cache_clear()
