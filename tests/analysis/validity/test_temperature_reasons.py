"""The limit of `--max-temp`: a device did not reach it before a process, or no temperature could be read."""

import msgspec
import pytest

from builders import QUIET, STEADY_MEDIANS, make_cell, make_device, make_plan, make_processes
from harness.records import Clock, Temperature


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


@pytest.mark.parametrize(
    ("limit", "battery_celsius", "clock", "found"),
    [
        (35.0, None, "real", True),
        (35.0, 30.0, "real", False),
        (None, None, "real", False),
        (35.0, None, "virtual", False),
    ],
    ids=["nothing read", "a battery", "no limit", "no real clock"],
)
def test_a_limit_that_no_temperature_could_be_compared_with_makes_its_cell_suspect(
    limit: float | None, battery_celsius: float | None, clock: Clock, found: bool
) -> None:
    known = msgspec.structs.replace(QUIET, battery_celsius=30.0)
    before = msgspec.structs.replace(QUIET, battery_celsius=battery_celsius)
    first, *others = make_processes(*STEADY_MEDIANS, conditions_before=known)
    unread = msgspec.structs.replace(first, conditions_before=before)
    cell = make_cell(
        processes=(unread, *others),
        plan=make_plan(max_temp_celsius=limit),
        device=make_device(clock=clock),
    )
    reasons = [reason for reason in cell.verdict.reasons if reason.code == "max_temp_unchecked"]
    assert [(one.severity, one.affects) for one in reasons] == ([("suspect", "setup")] if found else [])
    if found:
        assert reasons[0].detail == (
            "no temperature could be read before 1 of 6 processes: --max-temp 35 °C had no effect"
        )
