"""JUnit XML: what fails, what is skipped, and text that could break the document."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from exported_cells import CELLS, EMULATED, FAILED, HOSTILE, INVALID, SUSPECT, VALID, exported

from harness.records import Cell

SCHEMA = Path(__file__).resolve().parents[2] / "data" / "schemas" / "junit.xsd"


def case_of(cell: Cell) -> ET.Element:
    case = ET.fromstring(exported("junit", cell)).find(".//testcase")
    assert case is not None
    return case


def test_the_export_is_of_the_schema() -> None:
    xmlschema.XMLSchema(SCHEMA).validate(exported("junit", *CELLS).decode())


def test_cases_are_counted_in_a_suite_for_each_device() -> None:
    root = ET.fromstring(exported("junit", VALID, SUSPECT, INVALID, FAILED, EMULATED))
    assert root.attrib.items() >= {"tests": "5", "failures": "1", "errors": "1"}.items()
    emulator, pi = root
    assert (emulator.get("name"), emulator.get("tests"), emulator.get("skipped")) == ("emulator", "1", "0")
    assert (pi.get("name"), pi.get("tests"), pi.get("skipped")) == ("pi4", "4", "1")


def test_a_valid_cell_passes_with_its_figures() -> None:
    case = case_of(VALID)
    assert [child.tag for child in case] == ["system-out"]
    lines = (case.findtext("system-out") or "").splitlines()
    assert lines[0] == "verdict valid"
    assert "file-size 5300000 bytes" in lines


@pytest.mark.parametrize(
    ("cell", "tag", "message"),
    [
        (SUSPECT, "skipped", "suspect: throttled: 1800 to 600 MHz"),
        (INVALID, "failure", "parity_failed: error 0.3 of 0.0001"),
        (FAILED, "error", "the runner was killed by signal 9"),
    ],
)
def test_a_cell_that_is_not_valid_has_its_reason(cell: Cell, tag: str, message: str) -> None:
    outcome = case_of(cell)[0]
    assert (outcome.tag, outcome.get("message")) == (tag, message)


def test_the_last_output_of_a_failed_cell_is_kept() -> None:
    assert case_of(FAILED)[0].text == "<b>out of memory</b> killed"


def test_an_emulated_cell_passes_for_its_count() -> None:
    assert [child.tag for child in case_of(EMULATED)] == ["system-out"]


def test_a_case_has_no_duration() -> None:
    assert b" time=" not in exported("junit", *CELLS)


def test_text_of_devices_cannot_break_the_document() -> None:
    case = case_of(HOSTILE)
    assert case.get("classname") == "[31m</testcase> "
