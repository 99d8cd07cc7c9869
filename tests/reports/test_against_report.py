"""The result of a run against its base, on both pages."""

from pathlib import Path

from msgspec.structs import replace

from builders import STEADY_MEDIANS, make_artifact, make_cell, make_run
from harness.analysis.interleaved import compare_interleaved
from harness.records import BaseRun
from reports.report import write_report

BASE = BaseRun(id="<main>", started_at="2026-01-01T00:00:00Z", versions={})


def test_both_pages_have_the_result_and_how_it_was_measured(tmp_path: Path) -> None:
    cell = make_cell(tuple(int(1.1 * median) for median in STEADY_MEDIANS))
    base = make_cell(artifact=make_artifact(sha256="f" * 64))
    run = replace(make_run((cell,)), base=BASE)
    compared = compare_interleaved(run, [base], [cell])
    page = write_report([(run, (cell,))], tmp_path / "report", against=[compared])
    html, markdown = page.read_text(), (tmp_path / "report" / "report.md").read_text()
    for text in (html, markdown):
        assert "Against the base" in text
        assert "10.002 → 11.003 ms, +10 %" in text
        assert "Worse (margins" in text
    assert "programs of run &lt;main&gt; of" in html
    assert "run <main>" not in html
    assert "\n| worse | " in markdown


def test_other_pages_have_no_such_section(tmp_path: Path) -> None:
    cell = make_cell()
    page = write_report([(make_run((cell,)), (cell,))], tmp_path / "report")
    assert "Against the base" not in page.read_text()
