import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import (
    PASSED,
    QUIET,
    STEADY_MEDIANS,
    make_artifact,
    make_cell,
    make_device,
    make_plan,
    make_process,
    make_processes,
)
from harness.analysis.validity.verdict import CHECKS, GRAVEST_FIRST
from harness.records import Cell, Clock, Conditions, Failure, Verdict

replace = msgspec.structs.replace
PAGE = Path(__file__).parents[3] / "docs" / "verdicts.md"


def codes(verdict: Verdict) -> tuple[str, ...]:
    return tuple(reason.code for reason in verdict.reasons)


def detail(verdict: Verdict, code: str) -> str:
    return next(reason.detail for reason in verdict.reasons if reason.code == code)


def with_conditions(*after: Conditions, before: Conditions = QUIET, **changes: Any) -> Verdict:
    """Six quiet processes, the last of which end under the given conditions."""
    processes = list(make_processes(*STEADY_MEDIANS, **changes))
    for index, conditions in enumerate(after, start=len(processes) - len(after)):
        processes[index] = replace(processes[index], conditions_before=before, conditions_after=conditions)
    return make_cell(processes=tuple(processes)).verdict


def test_a_clock_of_this_machine_that_is_set_while_measuring_hides_no_drift() -> None:
    jumping = ("12:00", "12:01", "09:02", "15:03", "09:04", "03:05", "12:06", "01:07")
    processes = (
        make_process(i, 10_000_000 + 80_000 * i, started_at=f"2026-01-01T{clock}:00Z")
        for i, clock in enumerate(jumping)
    )
    assert "drifted" in codes(make_cell(processes=tuple(processes)).verdict)


def test_a_quiet_cell_is_valid_without_reasons() -> None:
    assert make_cell().verdict == Verdict(status="valid", reasons=())


# The program --------------------------------------------------------------------------------------


def test_a_failed_cell_is_invalid_and_not_blamed_for_missing_samples() -> None:
    failure = Failure(what="the runner was killed by signal 9", exit_code=137)
    verdict = make_cell(processes=(), parity=None, failure=failure).verdict
    assert verdict.status == "invalid"
    assert codes(verdict) == ("failed",)
    assert detail(verdict, "failed") == "the runner was killed by signal 9"


def test_a_wrong_output_is_invalid() -> None:
    wrong = replace(PASSED, max_abs_error=0.25, cosine=0.98, top1_agrees=False, passed=False)
    verdict = make_cell(parity=wrong).verdict
    assert (verdict.status, codes(verdict)) == ("invalid", ("parity_failed",))
    assert detail(verdict, "parity_failed") == (
        "the output differs from the eager model: max abs error 0.25 > tolerance 0.0001"
        " (cosine 0.980000, same top-1: no)"
    )


def test_an_output_that_was_not_compared_is_suspect() -> None:
    verdict = make_cell(parity=None).verdict
    assert (verdict.status, codes(verdict)) == ("suspect", ("parity_unchecked",))
    assert detail(verdict, "parity_unchecked") == "the output was not compared with the eager model"


@pytest.mark.parametrize("build_type", ["Debug", "", "MinSizeRel", "Bench"])
def test_a_runner_not_built_for_speed_is_invalid(build_type: str) -> None:
    verdict = make_cell(processes=make_processes(*STEADY_MEDIANS, build_type=build_type)).verdict
    assert (verdict.status, codes(verdict)) == ("invalid", ("debug_build",))


@pytest.mark.parametrize("allowed", ["0-3", "4-7", "2", "garbage", ""])
def test_other_cores_than_planned_are_invalid(allowed: str) -> None:
    processes = make_processes(*STEADY_MEDIANS, cpus_allowed=allowed)
    verdict = make_cell(plan=make_plan(cpus="0-1"), processes=processes).verdict
    assert verdict.status == "invalid"
    assert "affinity_violated" in codes(verdict)
    assert "planned: 0-1" in detail(verdict, "affinity_violated")


@pytest.mark.parametrize("allowed", ["0-1", "1", "0,1"])
def test_cores_within_the_plan_are_fine(allowed: str) -> None:
    processes = make_processes(*STEADY_MEDIANS, cpus_allowed=allowed)
    assert make_cell(plan=make_plan(cpus="0-1"), processes=processes).verdict.status == "valid"


def test_another_number_of_threads_than_planned_is_invalid() -> None:
    processes = make_processes(*STEADY_MEDIANS, threads_used=2)
    verdict = make_cell(plan=make_plan(threads=4), processes=processes).verdict
    assert (verdict.status, codes(verdict)) == ("invalid", ("affinity_violated",))
    assert detail(verdict, "affinity_violated") == "2 threads ran, 4 were planned"


def test_undelegated_operators_are_suspect_and_named() -> None:
    nodes = ("aten.mean.dim", "aten.view", "aten.add", "aten.mul")
    verdict = make_cell(artifact=make_artifact(undelegated_nodes=nodes)).verdict
    assert (verdict.status, codes(verdict)) == ("suspect", ("undelegated",))
    assert detail(verdict, "undelegated") == (
        "4 operators run outside XNNPACK: aten.mean.dim, aten.view, aten.add, ..."
    )


def test_threads_that_share_a_core_are_suspect() -> None:
    processes = make_processes(*STEADY_MEDIANS, threads_used=4, cpus_allowed="4-5")
    verdict = make_cell(plan=make_plan(threads=4), processes=processes).verdict
    assert (verdict.status, codes(verdict)) == ("suspect", ("threads_exceed_cores",))


# Clocks that are not real -------------------------------------------------------------------------


def emulated_cell(
    counts: tuple[int | None, ...],
    *,
    clock: Clock = "emulated",
    threads: int = 1,
    median_ns: int = 40_000_000,
) -> Cell:
    processes = tuple(
        make_process(i, median_ns, instructions_per_inference=count, threads_used=threads)
        for i, count in enumerate(counts)
    )
    return make_cell(device=make_device(clock=clock), plan=make_plan(threads=threads), processes=processes)


@pytest.mark.parametrize("clock", ["emulated", "virtual"])
def test_times_of_no_real_machine_are_suspect(clock: Clock) -> None:
    verdict = emulated_cell((40_000_000, 40_000_000), clock=clock).verdict
    assert (verdict.status, codes(verdict)) == ("suspect", ("emulated",))


def test_emulated_times_are_not_judged_further() -> None:
    processes = (
        make_process(0, 10_000_000, instructions_per_inference=5),
        make_process(1, 90_000_000, instructions_per_inference=5),
    )
    verdict = make_cell(device=make_device(clock="emulated"), processes=processes).verdict
    assert codes(verdict) == ("emulated",)


@pytest.mark.parametrize(
    ("clock", "counts", "differ"),
    [
        ("emulated", (57_691_178, 57_691_178), False),
        ("emulated", (57_691_178, 57_691_179), True),
        ("virtual", (20_000_000, 20_001_900), False),
        ("virtual", (20_000_000, 20_003_000), True),
    ],
)
def test_counts_of_one_thread_must_repeat(clock: Clock, counts: tuple[int | None, ...], differ: bool) -> None:
    verdict = emulated_cell(counts, clock=clock, median_ns=20_000_000).verdict
    assert ("counts_differ" in codes(verdict)) is differ


def test_counts_of_several_threads_may_differ() -> None:
    assert codes(emulated_cell((57_000_000, 59_000_000), threads=2).verdict) == ("emulated",)


# The samples --------------------------------------------------------------------------------------


def test_too_few_processes_are_suspect_on_a_real_clock() -> None:
    verdict = make_cell(STEADY_MEDIANS[:4]).verdict
    assert (verdict.status, codes(verdict)) == ("suspect", ("too_few_processes",))
    assert codes(make_cell(STEADY_MEDIANS[:5]).verdict) == ()


def test_one_process_cannot_show_that_counts_repeat() -> None:
    assert "too_few_processes" in codes(emulated_cell((1_000,)).verdict)


def test_a_median_that_is_not_known_well_is_suspect() -> None:
    verdict = make_cell((10_000_000, 10_900_000, 9_300_000, 10_500_000, 9_600_000, 10_200_000)).verdict
    assert (verdict.status, codes(verdict)) == ("suspect", ("interval_too_wide",))
    assert "wider than ±3%" in detail(verdict, "interval_too_wide")


def test_a_device_that_slows_down_from_process_to_process_has_drifted() -> None:
    verdict = make_cell(tuple(10_000_000 + 80_000 * i for i in range(8))).verdict
    assert "drifted" in codes(verdict)
    assert detail(verdict, "drifted").startswith("process medians changed by +5.4%")


def test_drift_is_judged_in_the_order_of_time_not_of_the_list() -> None:
    processes = make_processes(*(10_000_000 + 80_000 * i for i in range(8)))
    assert "drifted" in codes(make_cell(processes=processes[::2] + processes[1::2]).verdict)


def test_a_steady_change_too_small_to_matter_is_no_drift() -> None:
    assert codes(make_cell(tuple(10_000_000 + 8_000 * i for i in range(8))).verdict) == ()


@pytest.mark.parametrize(("change", "drift"), [(0.028, False), (0.032, True), (-0.032, True)])
def test_drift_begins_at_three_percent(change: float, drift: bool) -> None:
    verdict = make_cell(tuple(int(10_000_000 * (1 + change * (i - 4) / 8)) for i in range(9))).verdict
    assert ("drifted" in codes(verdict)) is drift


@pytest.mark.parametrize(
    ("order", "drift"),
    [
        ((0, 1, 2, 3, 4), True),
        ((0, 1, 3, 2, 4), False),
        ((1, 0, 2, 3, 4, 6, 5), True),
        ((1, 0, 3, 2, 4, 6, 5), False),
    ],
)
def test_an_order_that_chance_gives_is_no_drift(order: tuple[int, ...], drift: bool) -> None:
    """Two-sided exact p-values: 2/120, 10/120, 54/5040 and 152/5040."""
    verdict = make_cell(tuple(10_000_000 + 80_000 * place for place in order)).verdict
    assert ("drifted" in codes(verdict)) is drift


def test_each_process_slowing_down_while_it_runs_is_drift() -> None:
    rising = tuple(10_000_000 + 30_000 * i for i in range(31))
    verdict = make_cell(processes=make_processes(*STEADY_MEDIANS, latencies_ns=rising)).verdict
    assert "drifted" in codes(verdict)
    assert "from its first to last third" in detail(verdict, "drifted")


def test_iterations_of_two_speeds_are_bimodal() -> None:
    alternating = tuple(10_000_000 + 700_000 * (i % 3 == 0) + 9_000 * (i % 7) for i in range(60))
    verdict = make_cell(processes=make_processes(*STEADY_MEDIANS, latencies_ns=alternating)).verdict
    assert "bimodal" in codes(verdict)
    assert "in 6 of 6 processes" in detail(verdict, "bimodal")


@pytest.mark.parametrize(
    ("iterations", "apart", "every", "bimodal"),
    [
        (30, 0.035, 3, True),
        (29, 0.035, 3, False),
        (60, 0.032, 3, True),
        (60, 0.028, 3, False),
        (60, 0.035, 6, True),
        (60, 0.035, 8, False),
    ],
)
def test_two_speeds_must_be_apart_and_common(
    iterations: int, apart: float, every: int, bimodal: bool
) -> None:
    latencies = tuple(int(10_000_000 * (1 + apart * (i % every == 0))) for i in range(iterations))
    verdict = make_cell(processes=make_processes(*STEADY_MEDIANS, latencies_ns=latencies)).verdict
    assert ("bimodal" in codes(verdict)) is bimodal


def test_processes_of_two_speeds_are_bimodal() -> None:
    speeds = (10_000_000, 11_000_000, 10_010_000, 10_020_000, 11_020_000, 9_990_000, 10_970_000, 10_005_000)
    verdict = make_cell(speeds).verdict
    assert "bimodal" in codes(verdict)
    assert detail(verdict, "bimodal").startswith("processes have two speeds")


@pytest.mark.parametrize(("held_up", "flagged"), [(3, False), (4, True)])
def test_tails_of_held_up_iterations_are_suspect(held_up: int, flagged: bool) -> None:
    latencies = (16_000_000,) * held_up + (10_000_000,) * (60 - held_up)
    verdict = make_cell(processes=make_processes(*STEADY_MEDIANS, latencies_ns=latencies)).verdict
    assert ("interrupted" in codes(verdict)) is flagged
    if flagged:
        assert detail(verdict, "interrupted") == (
            "7% of the iterations took over 1.5 times the median of their process"
        )


def test_outliers_are_counted_and_leave_the_cell_valid() -> None:
    interrupted = (*make_process().latencies_ns[:-1], 90_000_000)
    processes = (*make_processes(*STEADY_MEDIANS[:5]), make_process(6, latencies_ns=interrupted))
    verdict = make_cell(processes=processes).verdict
    assert (verdict.status, codes(verdict)) == ("valid", ("outliers",))
    assert detail(verdict, "outliers") == "1 of 186 samples are outliers (0.5%)"


def test_ordinary_noise_is_seldom_flagged() -> None:
    """Two hundred cells with 1 % between and within processes: the rules must not cry wolf."""
    generator = np.random.default_rng(0)
    flagged = 0
    for _ in range(200):
        processes = tuple(
            make_process(
                i,
                latencies_ns=tuple(
                    int(value)
                    for value in 1e7 * (1 + generator.normal(0, 0.01) + generator.normal(0, 0.01, 50))
                ),
            )
            for i in range(8)
        )
        flagged += make_cell(processes=processes).verdict.status != "valid"
    assert flagged <= 4


# The conditions -----------------------------------------------------------------------------------


def test_androids_thermal_status_means_throttled() -> None:
    verdict = with_conditions(replace(QUIET, thermal_status=2))
    assert (verdict.status, codes(verdict)) == ("suspect", ("throttled",))
    assert "thermal status rose to 2" in detail(verdict, "throttled")


@pytest.mark.parametrize("flags", [0x1, 0x2, 0x4, 0x8, 0x50005])
def test_a_raspberry_pi_that_throttles_now_is_throttled(flags: int) -> None:
    assert codes(with_conditions(replace(QUIET, throttled_flags=flags))) == ("throttled",)


def test_a_flag_latched_while_measuring_means_throttled() -> None:
    verdict = with_conditions(replace(QUIET, throttled_flags=0x40000))
    assert detail(verdict, "throttled") == "the firmware throttled between two readings (flags 0x40000)"


def test_a_flag_latched_before_the_measurement_does_not_count() -> None:
    latched = replace(QUIET, throttled_flags=0x50000)
    processes = make_processes(*STEADY_MEDIANS, conditions_before=latched, conditions_after=latched)
    assert make_cell(processes=processes).verdict.status == "valid"


def test_a_lower_frequency_under_a_fixed_governor_means_throttled() -> None:
    slower = replace(QUIET, frequencies_khz=(1_800_000, 600_000, 1_800_000, 1_800_000))
    verdict = with_conditions(slower)
    assert detail(verdict, "throttled") == "core 1 fell from 1800 to 600 MHz during a process"


def test_a_core_the_process_could_not_use_may_slow_down() -> None:
    slower = replace(QUIET, frequencies_khz=(1_800_000, 600_000, 1_800_000, 1_800_000))
    assert with_conditions(slower, cpus_allowed="2-3").status == "valid"


def test_a_dynamic_governor_may_lower_the_frequency_after_the_process() -> None:
    before = replace(QUIET, governors=("schedutil",) * 4)
    idle = replace(before, frequencies_khz=(600_000,) * 4)
    assert with_conditions(idle, before=before).status == "valid"


def test_a_core_that_throttles_half_way_through_a_process_is_noticed_under_any_governor() -> None:
    before = replace(QUIET, governors=("schedutil",) * 4)
    after = replace(before, frequencies_khz=(900_000,) * 4)
    halved = tuple(10_000_000 if i < 15 else 20_000_000 for i in range(31))
    processes = (
        *make_processes(*STEADY_MEDIANS[:5]),
        make_process(6, latencies_ns=halved, conditions_before=before, conditions_after=after),
    )
    assert "throttled" in codes(make_cell(processes=processes).verdict)


def with_canaries(*canaries_ns: int, clock: Clock = "real") -> Verdict:
    pairs = zip(make_cell().processes, canaries_ns, strict=True)
    processes = tuple(replace(process, canary_ns=canary) for process, canary in pairs)
    return make_cell(device=make_device(clock=clock), processes=processes).verdict


def test_a_canary_that_slows_down_is_reported() -> None:
    slowed = (*[1_000_000] * 5, 1_200_000)
    verdict = with_canaries(*slowed)
    assert (verdict.status, codes(verdict)) == ("suspect", ("canary_drift",))
    assert detail(verdict, "canary_drift") == "the slowest run of the canary kernel is 20.0% over its median"
    assert "canary_drift" not in codes(with_canaries(*slowed, clock="emulated"))
    assert with_canaries(*[1_000_000] * 4, 1_010_000, 1_005_000).status == "valid"


@pytest.mark.parametrize("available", [30_000_000, 150_000_000])
def test_little_free_memory_is_suspect(available: int) -> None:
    """30 MB is less than twice the process's peak, 150 MB less than 5 % of 4 GB."""
    verdict = with_conditions(replace(QUIET, memory_available_bytes=available))
    assert (verdict.status, codes(verdict)) == ("suspect", ("memory_pressure",))


def test_more_work_than_cores_is_busy() -> None:
    loaded = replace(QUIET, load_average_1min=5.5)
    verdict = make_cell(processes=make_processes(*STEADY_MEDIANS, conditions_before=loaded)).verdict
    assert (verdict.status, codes(verdict)) == ("suspect", ("busy",))


def test_in_virtual_time_anything_but_the_instructions_is_somebody_elses() -> None:
    """Seen in the ARM machine: a busy process moves the median from 10.7 to 22.7 ms."""
    alone = emulated_cell((6_419_549,) * 2, clock="virtual", median_ns=6_426_224)
    assert codes(alone.verdict) == ("emulated",)
    a_little = emulated_cell((6_419_549,) * 2, clock="virtual", median_ns=6_500_000)
    assert codes(a_little.verdict) == ("emulated", "busy")
    shared = emulated_cell((10_600_000,) * 2, clock="virtual", median_ns=22_700_000)
    assert codes(shared.verdict) == ("emulated", "busy")


@pytest.mark.parametrize(
    ("load", "clock", "is_busy"),
    [(4.1, "real", True), (4.0, "real", False), (9.0, "emulated", False), (None, "real", False)],
)
def test_a_load_up_to_the_number_of_cores_is_not_busy(
    load: float | None, clock: Clock, is_busy: bool
) -> None:
    loaded = replace(QUIET, load_average_1min=load)
    processes = make_processes(*STEADY_MEDIANS, conditions_before=loaded)
    verdict = make_cell(device=make_device(clock=clock), processes=processes).verdict
    assert ("busy" in codes(verdict)) is is_busy


@pytest.mark.parametrize(("mhz", "lowered"), [(1_720, False), (1_700, True)])
def test_a_frequency_may_fall_by_five_percent(mhz: int, lowered: bool) -> None:
    verdict = with_conditions(replace(QUIET, frequencies_khz=(mhz * 1000,) * 4))
    assert ("throttled" in codes(verdict)) is lowered


def test_unreadable_conditions_are_named_and_leave_the_cell_valid() -> None:
    verdict = with_conditions(Conditions(unreadable={"temperatures": "denied", "governors": "absent"}))
    assert (verdict.status, codes(verdict)) == ("valid", ("conditions_unreadable",))
    assert detail(verdict, "conditions_unreadable") == "could not be read: governors, temperatures"


# The whole ----------------------------------------------------------------------------------------


def test_the_gravest_reason_decides_and_all_are_told() -> None:
    processes = make_processes(*STEADY_MEDIANS[:3], build_type="Debug")
    verdict = make_cell(processes=processes, parity=None).verdict
    assert verdict.status == "invalid"
    assert set(codes(verdict)) == {"debug_build", "parity_unchecked", "too_few_processes"}


@given(
    before=st.builds(
        Conditions,
        frequencies_khz=st.none() | st.lists(st.integers(0, 2**53), max_size=9).map(tuple),
        governors=st.none()
        | st.lists(st.sampled_from(["performance", "schedutil", ""]), max_size=9).map(tuple),
        load_average_1min=st.none() | st.floats(allow_nan=True),
        memory_available_bytes=st.none() | st.integers(0, 2**53),
        thermal_status=st.none() | st.integers(-1, 10),
        throttled_flags=st.none() | st.integers(0, 2**32),
    ),
    cpus=st.text(alphabet="0123456789-, \n", max_size=12),
    clock=st.sampled_from(["real", "virtual", "emulated"]),
    count=st.none() | st.integers(0, 2**53),
    latencies=st.lists(st.integers(1, 2**53), min_size=1, max_size=60).map(tuple),
)
@settings(deadline=None)  # other work on the machine slows single examples down
def test_whatever_a_device_reports_is_judged(
    before: Conditions, cpus: str, clock: Clock, count: int | None, latencies: tuple[int, ...]
) -> None:
    processes = (
        *make_processes(10_000_000, 10_000_000, instructions_per_inference=count, cpus_allowed=cpus),
        make_process(3, latencies_ns=latencies, conditions_before=before, instructions_per_inference=count),
    )
    verdict = make_cell(device=make_device(clock=clock), processes=processes).verdict
    assert verdict.status in ("suspect", "invalid")
    assert len(codes(verdict)) == len(set(codes(verdict)))


def test_the_page_lists_the_reasons_of_the_code_with_their_severity_and_what_they_affect() -> None:
    row = r'^\| <a id="(\w+)"></a>`(\w+)` \| (\w+) \| (\w+) \|'
    listed = re.findall(row, PAGE.read_text(), flags=re.MULTILINE)
    checks = sorted(CHECKS, key=lambda check: GRAVEST_FIRST.index(check.severity))
    assert listed == [(check.code, check.code, check.severity, check.affects) for check in checks]
