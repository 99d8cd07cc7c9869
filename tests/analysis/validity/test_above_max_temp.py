"""The limit of `--max-temp` that a device did not reach before a process."""

import msgspec
import pytest

from builders import QUIET, STEADY_MEDIANS, make_cell, make_device, make_plan, make_processes
from harness.records import Temperature


@pytest.mark.parametrize(
    ("cooled_seconds", "celsius", "limit", "found"),
    [
        (120.0, 35.1, 35.0, True),
        (120.0, 35.0, 35.0, False),
        (119.0, 36.0, 35.0, False),  # it was cool enough, and the first moments of the process warmed it
        (120.0, 60.0, None, False),
        (None, None, 35.0, False),
    ],
)
def test_a_process_that_began_above_the_temperature_limit_makes_its_cell_suspect(
    cooled_seconds: float | None, celsius: float | None, limit: float | None, found: bool
) -> None:
    zones = None if celsius is None else (Temperature(zone="cpu", celsius=celsius),)
    before = msgspec.structs.replace(QUIET, temperatures=zones)
    first, *others = make_processes(*STEADY_MEDIANS)
    hot = msgspec.structs.replace(first, cooled_seconds=cooled_seconds, conditions_before=before)
    plan = make_plan(max_temp_celsius=limit, max_cooling_seconds=120.0)
    verdict = make_cell(processes=(hot, *others), plan=plan).verdict
    details = {reason.code: reason.detail for reason in verdict.reasons}
    assert ("above_max_temp" in details) == found
    if found:
        assert verdict.status == "suspect"
        assert details["above_max_temp"] == (
            "1 of 6 processes began above --max-temp 35 °C, at up to 35.1 °C, after 120 s of cooling"
        )
    emulated = make_cell(device=make_device(clock="emulated"), processes=(hot, *others), plan=plan).verdict
    assert "above_max_temp" not in {reason.code for reason in emulated.reasons}
