"""Each reason that a verdict can have, found in a cell measured under its conditions.

Where a rule begins and what it says is tested in test_verdict.py; here none may lack an example.
"""

from typing import Any

import msgspec
import pytest

from builders import (
    PASSED,
    QUIET,
    SHELL,
    STEADY_MEDIANS,
    make_artifact,
    make_cell,
    make_device,
    make_energy_cell,
    make_energy_run,
    make_energy_window,
    make_own_artifact,
    make_paced_cell,
    make_plan,
    make_process,
    make_processes,
    make_sustained_cell,
    make_sustained_run,
)
from harness.analysis.validity.check import Check
from harness.analysis.validity.verdict import CHECKS
from harness.records import Cell, Conditions, Failure, PackedCache, TaskProfile, Temperature

replace = msgspec.structs.replace
LEVELS = {"info": "valid", "suspect": "suspect", "invalid": "invalid"}
SPREAD = (10_000_000, 10_900_000, 9_300_000, 10_500_000, 9_600_000, 10_200_000)
SPIKED = (*make_process().latencies_ns, 90_000_000)
HELD_UP = (16_000_000,) * 6 + (10_000_000,) * 54
ALTERNATING = tuple(10_000_000 + 700_000 * (i % 3 == 0) + 9_000 * (i % 7) for i in range(60))


def alike(**changes: Any) -> Cell:
    """Six processes that all have the changes."""
    return make_cell(processes=make_processes(*STEADY_MEDIANS, **changes))


def ended_under(**changes: Any) -> Cell:
    return alike(conditions_after=replace(QUIET, **changes))


def counted(clock: str, *counts: int) -> Cell:
    processes = (make_process(i, instructions_per_inference=count) for i, count in enumerate(counts))
    return make_cell(device=make_device(clock=clock), processes=tuple(processes))


SLOWER = replace(QUIET, frequencies_khz=(1_000_000,) * 4)
WARM = replace(QUIET, temperatures=(Temperature(zone="cpu", celsius=38.2),))
CANARIES = (10**6, 10**6, 10**6, 10**6, 10**6, 2 * 10**6)
COOL_RUN = make_sustained_run((60, 10.0))
UNSTEADY = replace(make_energy_window(1046.0, 60.0, 3.0), watts=(2.0,) * 30 + (4.0,) * 29)
EXAMPLES = {
    "still_falling": make_sustained_cell(
        make_sustained_run(*((1, 10.0 + second / 50) for second in range(120)))
    ),
    "sustained_began_warm": make_sustained_cell(
        replace(COOL_RUN, began_celsius=51.5, max_temp_celsius=45.0, cooled_seconds=900.0)
    ),
    "idle_power_changed": make_energy_cell(make_energy_run(idle=(1.0, 1.3))),
    "energy_uncertain": make_energy_cell(make_energy_run(load=UNSTEADY)),
    "energy_unavailable": make_energy_cell("the device has no sensor"),
    "sustained_unavailable": make_sustained_cell("the device restarted"),
    "failed": make_cell(processes=(), parity=None, failure=Failure(what="ended by signal 9")),
    "parity_failed": make_cell(parity=replace(PASSED, max_abs_error=0.5, passed=False)),
    "debug_build": alike(build_type="Debug"),
    "affinity_violated": make_cell(plan=make_plan(cpus="0-1"), processes=make_processes(*STEADY_MEDIANS)),
    "emulated": counted("emulated", 6_418_732, 6_418_732),
    "counts_differ": counted("emulated", 6_418_732, 6_418_733),
    "undelegated": make_cell(artifact=make_artifact(undelegated_nodes=("aten.mean.dim",))),
    "own_undelegated": make_cell(artifact=make_own_artifact(undelegated_nodes=("aten::mean.out",))),
    "parity_unchecked": make_cell(parity=None),
    "threads_exceed_cores": make_cell(
        plan=make_plan(threads=4),
        processes=make_processes(*STEADY_MEDIANS, threads_used=4, cpus_allowed="4-5"),
    ),
    "cpuset_excludes_cores": alike(cpus_allowed="0-1", scheduling=SHELL),
    "task_profile_not_applied": alike(
        task_profile=TaskProfile(name="top-app", unavailable="the device has no settaskprofile")
    ),
    "too_few_processes": make_cell(STEADY_MEDIANS[:4]),
    "interval_too_wide": make_cell(SPREAD),
    "drifted": make_cell(tuple(10_000_000 + 80_000 * i for i in range(8))),
    "bimodal": alike(latencies_ns=ALTERNATING),
    "interrupted": alike(latencies_ns=HELD_UP),
    "throttled": ended_under(thermal_status=2),
    "above_max_temp": make_cell(
        plan=make_plan(max_temp_celsius=35.0),
        processes=make_processes(*STEADY_MEDIANS, cooled_seconds=120.0, conditions_before=WARM),
    ),
    "max_temp_unchecked": make_cell(plan=make_plan(max_temp_celsius=35.0)),
    "canary_drift": make_cell(
        processes=tuple(
            make_process(i, median, canary_ns=canary)
            for i, (median, canary) in enumerate(zip(STEADY_MEDIANS, CANARIES, strict=True))
        )
    ),
    "memory_pressure": ended_under(memory_available_bytes=30_000_000),
    "late_starts": make_paced_cell(50.0, late_ns=1_200_000),
    "deadlines_missed": make_paced_cell(50.0, 40_000_000),
    "packed_cache_unused": alike(packed_cache=PackedCache(use="unused", file_bytes=0)),
    "busy": alike(conditions_before=replace(QUIET, load_average_1min=5.5)),
    "outliers": alike(latencies_ns=SPIKED),
    "reduced_clock": alike(conditions_before=SLOWER, conditions_after=SLOWER),
    "conditions_unreadable": alike(conditions_after=Conditions(unreadable={"temperatures": "denied"})),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_every_reason_is_found_where_its_condition_holds(check: Check) -> None:
    verdict = EXAMPLES[check.code].verdict
    (reason,) = (reason for reason in verdict.reasons if reason.code == check.code)
    assert (reason.severity, reason.affects) == (check.severity, check.affects)
    severities = {reason.severity for reason in verdict.reasons}
    assert verdict.status == next(LEVELS[s] for s in ("invalid", "suspect", "info") if s in severities)


def test_no_reason_is_found_where_none_holds_and_no_example_is_left_over() -> None:
    assert make_cell().verdict.reasons == ()
    assert sorted(EXAMPLES) == sorted(check.code for check in CHECKS)


def test_late_starts_are_a_share_because_a_cell_may_have_fewer_than_a_hundred() -> None:
    (reason,) = (one for one in EXAMPLES["late_starts"].verdict.reasons if one.code == "late_starts")
    assert reason.detail.startswith("1 % of the inferences began 1.2 ms or more after their slots")
