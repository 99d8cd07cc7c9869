"""Counters that stand still, and those that a launcher's plugin replaces."""

import json

import pytest
from test_runner_report import report

from harness.records import RunnerReport
from harness.records.decoding import decode_json
from harness.runner.counters import missing_counters, moving_count, typical_count


def decode(**changes: object) -> RunnerReport:
    return decode_json(json.dumps(report(**changes)), RunnerReport)


def test_a_counter_that_stands_still_counts_nothing() -> None:
    assert moving_count((0, 0, 0)) is None
    assert moving_count((7, 8, 9)) == 8
    assert moving_count(None) is None
    # An inference may well miss no branch.
    assert typical_count((0, 0, 0)) == 0


@pytest.mark.parametrize(
    ("changes", "by_launcher", "missing"),
    [
        ({}, None, "cycles: Permission denied"),
        ({"counters_unavailable": None}, None, None),
        (
            {"counted_instructions": [0, 0]},
            None,
            "cycles: Permission denied; instructions: the counter stood",
        ),
        ({"counters_unavailable": None, "counted_cycles": [0, 0]}, None, "cycles: the counter stood still"),
        ({"counters_unavailable": "instructions: denied; cycles: denied"}, (5, 5), "cycles: denied"),
        ({"counters_unavailable": "instructions: denied"}, (5, 5), None),
    ],
)
def test_a_missing_counter_has_its_reason(
    changes: dict[str, object], by_launcher: tuple[int, ...] | None, missing: str | None
) -> None:
    found = missing_counters(decode(**changes), by_launcher)
    assert found == missing or (found and missing and found.startswith(missing))
