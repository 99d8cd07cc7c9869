"""Bencher Metric Format: a number for each figure, and nothing that is not one."""

import json
from pathlib import Path

import jsonschema
import pytest
from exported_cells import CELLS, EMULATED, FAILED, INVALID, NAME, SUSPECT, VALID, document

from builders import make_cell

SCHEMA = Path(__file__).resolve().parents[2] / "data" / "schemas" / "bmf.json"


def test_the_export_is_of_the_published_schema() -> None:
    jsonschema.validate(document("bmf", *CELLS), json.loads(SCHEMA.read_text()))


def test_each_figure_has_its_value_its_interval_and_its_unit() -> None:
    measures = document("bmf", VALID)[NAME]
    assert VALID.latency is not None
    median = VALID.latency.median_ns
    assert measures["latency-median-ns"] == {
        "value": median.estimate,
        "lower_value": median.low,
        "upper_value": median.high,
    }
    assert measures["peak-rss-bytes"] == {"value": 18_000_000}
    assert measures["file-size-bytes"] == {"value": 5_300_000}
    assert measures["top1-accuracy-percent"] == pytest.approx(
        {"value": 70.0, "lower_value": 68.8, "upper_value": 71.1}
    )


def test_a_figure_that_was_not_measured_is_absent() -> None:
    measures = document("bmf", make_cell())[NAME]
    assert "instructions-per-inference-instructions" not in measures
    assert "top1-accuracy-percent" not in measures


def test_an_emulated_device_has_counts_and_no_times() -> None:
    (measures,) = document("bmf", EMULATED).values()
    assert set(measures) == {
        "instructions-per-inference-instructions",
        "peak-rss-with-emulator-bytes",
        "file-size-bytes",
    }


def test_invalid_and_failed_cells_have_no_figures_and_suspect_ones_have() -> None:
    assert document("bmf", INVALID, FAILED) == {}
    assert len(document("bmf", SUSPECT)) == 1
