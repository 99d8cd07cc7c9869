"""JUnit XML, as Jenkins, GitLab and GitHub's reporters read it: a suite a device, a case a cell.

A cell that could not be measured is an error and an invalid one a failure. One that is suspect is skipped: it
neither passes nor fails. As in plots, reasons about time do not count against an emulated device, whose
figure is a count. A test's `time` is absent: a latency is no duration of a test.
"""

import re
from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from harness.analysis.flags import is_flagged
from harness.records import Cell, Run, Severity
from harness.system.text import printable
from reports.exports.measures import measures_of, name_cells

# What XML 1.0 cannot hold, even escaped; control characters are gone before.
_NOT_IN_XML = re.compile("[\ufffe\uffff]")


def encode(run: Run, cells: Sequence[Cell]) -> bytes:
    """One document; the figures of a cell are in its `system-out`."""
    root = ET.Element("testsuites", name=_text(f"harness run {run.id}"))
    named = sorted(name_cells(cells), key=lambda one: one[1].device.name)
    for device, members in groupby(named, key=lambda one: one[1].device.name):
        suite = ET.SubElement(root, "testsuite", name=_text(device), timestamp=_text(run.started_at))
        for name, cell in members:
            _add_case(suite, name, cell)
        _count(suite)
    _count(root)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add_case(suite: ET.Element, name: str, cell: Cell) -> None:
    case = ET.SubElement(suite, "testcase", classname=_text(cell.device.name), name=_text(name))
    if cell.failure is not None:
        error = ET.SubElement(case, "error", type="failed", message=_text(cell.failure.what))
        error.text = _text(cell.failure.last_output)
    elif cell.verdict.status == "invalid":
        failure = ET.SubElement(
            case, "failure", type=_codes(cell, "invalid"), message=_details(cell, "invalid")
        )
        failure.text = _details(cell, "suspect")
    elif is_flagged(cell):
        ET.SubElement(case, "skipped", message=f"suspect: {_details(cell, 'suspect')}")
    if figures := measures_of(cell):
        lines = [f"{one.name} {one.value:.10g} {one.unit}{_range(one.low, one.high)}" for one in figures]
        ET.SubElement(case, "system-out").text = _text_lines([f"verdict {cell.verdict.status}", *lines])


def _count(element: ET.Element) -> None:
    for attribute, path in (
        ("tests", ".//testcase"),
        ("failures", ".//failure"),
        ("errors", ".//error"),
        ("skipped", ".//skipped"),
    ):
        if element.tag == "testsuite" or attribute in ("tests", "failures", "errors"):
            element.set(attribute, str(len(element.findall(path))))


def _range(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" ({low:.10g} to {high:.10g})"


def _codes(cell: Cell, severity: Severity) -> str:
    return _text(", ".join(one.code for one in cell.verdict.reasons if one.severity == severity))


def _details(cell: Cell, severity: Severity) -> str:
    reasons = [f"{one.code}: {one.detail}" for one in cell.verdict.reasons if one.severity == severity]
    return _text("; ".join(reasons))


def _text(text: str) -> str:
    return _NOT_IN_XML.sub(" ", printable(text))


def _text_lines(lines: Sequence[str]) -> str:
    return "\n".join(map(_text, lines))
