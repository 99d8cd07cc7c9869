"""What the sampler recorded, read strictly, and what the verdict makes of it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import (
    QUIET,
    STEADY_MEDIANS,
    make_cell,
    make_device,
    make_plan,
    make_process,
    make_processes,
)
from harness.errors import ReportRejected
from harness.measuring.plans import make_plan as plan_for
from harness.records import Clock, ConditionsSample, Core, ProcessReport, RunRequest, SampledConditions
from harness.runner.sampler import MAX_SAMPLES, parse_samples, period_s, sampler_words, spare_cores

HEADER = b"cpus_allowed 0-3\ncore 4\ncore 5\nzone 3 cpu-1-0\n"
REQUEST = RunRequest(devices=(), widths=(0.25,), resolutions_px=(32,), precisions=("fp32",), threads=(1,))
PHONE = tuple(Core(index=i, capacity=capacity) for i, capacity in enumerate((250,) * 4 + (1024,) * 2))


def test_samples_are_read_with_what_was_missing_in_them() -> None:
    content = HEADER + b"sample 10.25 1800000,? 41000\nsample ? 900000,700000 _\nsample 11.2 18"
    found = parse_samples(content, 0.5)
    assert (found.period_seconds, found.cpus_allowed) == (0.5, "0-3")
    assert (found.cores, found.zones) == ((4, 5), ("cpu-1-0",))
    assert found.samples == (
        ConditionsSample(uptime_seconds=10.25, frequencies_khz=(1800000, None), celsius=(41.0,)),
        ConditionsSample(uptime_seconds=None, frequencies_khz=(900000, 700000), celsius=(None,)),
    )
    assert found.unreadable == {"clock of core 5": "in 1 of 2 samples", "zone cpu-1-0": "in 1 of 2 samples"}


def test_two_zones_of_one_type_are_told_apart_by_their_index() -> None:
    header = b"core 0\nzone 1 tsens\nzone 4 tsens\nzone 7 cpu\n"
    found = parse_samples(header + b"sample 1 5 853,_,41000\n", 0.5)
    assert found.zones == ("tsens (zone 1)", "tsens (zone 4)", "cpu")
    assert found.samples[0].celsius == (85.3, None, 41.0)
    assert set(found.unreadable) == {"zone tsens (zone 4)"}


def test_zones_of_one_driver_keep_their_unit_over_the_samples() -> None:
    header = b"core 0\nzone 1 tsens0\nzone 4 tsens1\n"
    found = parse_samples(header + b"sample 1 5 118,119\nsample 2 5 131,135\n", 0.5)
    assert [sample.celsius for sample in found.samples] == [(11.8, 11.9), (13.1, 13.5)]


@pytest.mark.parametrize(
    "content",
    [
        b"core 12345\n",
        b"cpus_allowed all\n",
        b"root:x:0:0\n",
        b"\xff\xfe\n",
        b"core 1\n" + b"sample 1 1 \n" * (MAX_SAMPLES + 1),
        b"".join(b"core %d\n" % core for core in range(1000)),
    ],
)
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(ReportRejected, match="sampler"):
        parse_samples(content, 0.5)


GOOD = b"sample 10 1800000,1700000 41000\nsample 11 1800000,1700000 42000\n"


@pytest.mark.parametrize(
    "content",
    [
        HEADER + GOOD + b"sample 1 1800000 41000\n",
        HEADER + GOOD + b"sample 1 1800000,1,2 41000\n",
        HEADER + GOOD + b"sample 1 1800000,1 \n",
        HEADER + b"sample one 1800000,1 41000\n" + GOOD,
        HEADER + b"\n" + GOOD,
        HEADER + b"\xff\n" + GOOD,
        b"Welcome to this phone\n" + HEADER + GOOD,
        HEADER + b"core 4\n" + GOOD,
        HEADER + b"zone 3 cpu-1-0\n" + GOOD,
    ],
)
def test_one_odd_line_is_counted_and_takes_no_good_sample_with_it(content: bytes) -> None:
    found = parse_samples(content, 0.5)
    assert (found.cores, found.zones) == ((4, 5), ("cpu-1-0",))
    assert [sample.celsius for sample in found.samples] == [(41.0,), (42.0,)]
    assert [sample.frequencies_khz for sample in found.samples] == [(1800000, 1700000)] * 2
    assert found.unreadable == {"lines": "1 of 7 are not the sampler's, or not whole"}


def test_lines_that_end_as_on_windows_are_read() -> None:
    assert parse_samples((HEADER + GOOD).replace(b"\n", b"\r\n"), 0.5) == parse_samples(HEADER + GOOD, 0.5)


def test_a_zone_that_is_no_temperature_is_left_out_with_its_figures() -> None:
    header = b"core 0\nzone 1 soc_level\nzone 2 cpu\nzone 3 vbat\n"
    found = parse_samples(header + b"sample 1 5 55,41000,-4200\nsample 2 5 54,42000,4190\n", 0.5)
    assert found.zones == ("cpu",)
    assert [sample.celsius for sample in found.samples] == [(41.0,), (42.0,)]
    assert found.unreadable == {}


def test_a_process_that_ended_before_the_first_sample_is_recorded_as_such() -> None:
    assert parse_samples(HEADER, 0.5).unreadable == {"samples": "the process ended before the first"}
    assert "neither" in parse_samples(b"", 0.5).unreadable["clocks while a process ran"]


def test_a_phone_that_denies_zones_or_clocks_is_said_to_be_unwatched_while_a_process_runs() -> None:
    """Its thermal HAL is asked before and after a process only."""
    zones = parse_samples(b"core 4\nsample 10 1800000 \n", 0.5)
    assert zones.unreadable == {
        "temperatures while a process ran": "the temperature of no zone or chip can be read"
    }
    clocks = parse_samples(b"zone 3 cpu\nsample 10  41000\n", 0.5)
    assert clocks.unreadable == {"clocks while a process ran": "no core's clock can be read"}
    processes = make_processes(*STEADY_MEDIANS, sampled=clocks)
    verdict = make_cell(device=make_device(), processes=processes).verdict
    assert (verdict.status, [(reason.code, reason.detail) for reason in verdict.reasons]) == (
        "valid",
        [
            (
                "conditions_unreadable",
                "could not be read: clocks while a process ran;"
                " throttling that ended within a process went unnoticed",
            )
        ],
    )


@given(st.binary(max_size=200))
def test_whatever_the_file_holds_is_read_or_refused(content: bytes) -> None:
    try:
        parse_samples(HEADER + content, 0.5)
    except ReportRejected:
        return


@pytest.mark.parametrize(
    ("cpus", "threads", "spare"),
    [
        ("4-5", 1, (0, 1, 2, 3)),
        ("0-3", 4, (4, 5)),
        ("0", 1, (1, 2, 3)),
        ("0-5", 1, ()),
        (None, 5, (0, 1, 2, 3, 4, 5)),
        (None, 6, ()),
    ],
)
def test_the_sampler_gets_cores_that_measuring_leaves_little_ones_first(
    cpus: str | None, threads: int, spare: tuple[int, ...]
) -> None:
    assert spare_cores(PHONE, make_plan(cpus=cpus, threads=threads)) == spare


def test_the_words_for_the_sampler_hold_its_cores_as_a_mask() -> None:
    assert sampler_words(PHONE, make_plan(cpus="4-5")) == ""
    assert sampler_words(PHONE, make_plan(cpus="4-5", sampler=True)) == "conditions 0.5 f"
    assert sampler_words(PHONE, make_plan(sampler=True)) == "conditions 0.5 0"
    assert sampler_words((), make_plan(sampler=True)) == "conditions 0.5 0"


def test_a_process_of_minutes_keeps_the_devices_lock_with_and_without_a_sampler() -> None:
    assert sampler_words(PHONE, make_plan(sampler=True), period=1.0) == "conditions 1 0 lock"
    assert sampler_words(PHONE, make_plan(), period=1.0) == "lock"
    assert period_s(make_plan(max_seconds=600.0)) == 6.0


@pytest.mark.parametrize(
    ("clock", "cores", "wanted", "sampler"),
    [
        ("real", PHONE, None, True),
        ("real", PHONE[:1], None, False),
        ("real", (), None, False),
        ("virtual", PHONE, None, False),
        ("emulated", PHONE, None, False),
        ("real", PHONE, False, False),
        ("real", PHONE[:1], True, True),
        ("virtual", PHONE[:1], True, True),
    ],
)
def test_a_sampler_is_planned_where_there_is_a_core_for_it_or_it_is_asked_for(
    clock: Clock, cores: tuple[Core, ...], wanted: bool | None, sampler: bool
) -> None:
    assert plan_for(replace(REQUEST, sampler=wanted), clock, 1, None, cores).sampler is sampler


def test_cooling_and_quieting_are_recorded_in_the_plan() -> None:
    usual = plan_for(REQUEST, "real", 1)
    assert (usual.max_cooling_seconds, usual.cooled_within_celsius, usual.tune_device) == (120.0, 3.0, False)
    assert usual.max_temp_celsius is None
    asked = replace(
        REQUEST,
        max_cooling_seconds=0.0,
        cooled_within_celsius=1.5,
        max_temp_celsius=35.0,
        tune_device=True,
    )
    plan = plan_for(asked, "real", 1)
    assert (plan.max_cooling_seconds, plan.cooled_within_celsius, plan.tune_device) == (0.0, 1.5, True)
    assert plan.max_temp_celsius == 35.0


# The verdict --------------------------------------------------------------------------------------

DIPPED = tuple(20_000_000 if 12 <= i < 20 else 10_000_000 for i in range(40))
STEADY = (10_000_000,) * 40


def sampled(*clocks: tuple[int | None, ...]) -> SampledConditions:
    samples = [
        ConditionsSample(uptime_seconds=i / 2, frequencies_khz=c, celsius=()) for i, c in enumerate(clocks)
    ]
    return SampledConditions(period_seconds=0.5, cores=tuple(range(len(clocks[0]))), samples=tuple(samples))


def throttled(process: ProcessReport) -> str | None:
    cell = make_cell(processes=(*make_processes(*STEADY_MEDIANS[:5]), process))
    found = {reason.code: reason.detail for reason in cell.verdict.reasons}
    return found.get("throttled")


def test_a_core_that_throttles_half_way_and_recovers_is_noticed_though_before_and_after_are_alike() -> None:
    dip = sampled((1_800_000,) * 2, (1_800_000, 900_000), (1_800_000,) * 2)
    assert (
        throttled(make_process(6, sampled=dip))
        == "core 1 fell from 1800 to 900 MHz while a process ran (1 of 3 samples)"
    )
    assert throttled(make_process(6, sampled=dip, cpus_allowed="0")) is None
    small = sampled((1_800_000,) * 2, (1_800_000, 1_720_000), (1_800_000, None))
    assert throttled(make_process(6, sampled=small)) is None


@pytest.mark.parametrize(
    ("latencies", "clocks", "found"),
    [
        (DIPPED, ((2_000_000, 600_000), (1_000_000, 600_000), (2_000_000, 600_000)), True),
        (STEADY, ((2_000_000, 600_000), (1_000_000, 600_000), (2_000_000, 600_000)), False),
        # The thread moved to the other core: one of them is always fast.
        (DIPPED, ((2_000_000, 600_000), (600_000, 2_000_000)), False),
        # It started on a slow clock, as governors do.
        (DIPPED, ((600_000, 600_000), (2_000_000, 600_000), (2_000_000, 600_000)), False),
        (DIPPED, ((2_000_000, 600_000), (None, None), (2_000_000, 600_000)), False),
    ],
)
def test_under_other_governors_a_busy_core_that_slows_down_counts_with_slower_iterations(
    latencies: tuple[int, ...], clocks: Sequence[tuple[int | None, ...]], found: bool
) -> None:
    calm = replace(QUIET, governors=("schedutil",) * 4)
    process = make_process(
        6,
        latencies_ns=latencies,
        sampled=sampled(*clocks),
        conditions_before=calm,
        conditions_after=calm,
    )
    detail = throttled(process)
    assert (detail is not None) is found
    if detail:
        assert detail.startswith("a busy core's clock fell from 2000 to 1000 MHz while a process ran")


def test_all_threads_need_a_fast_core() -> None:
    calm = replace(QUIET, governors=("schedutil",) * 4)
    process = make_process(
        6,
        latencies_ns=DIPPED,
        threads_used=2,
        sampled=sampled((2_000_000, 2_000_000), (2_000_000, 1_000_000)),
        conditions_before=calm,
        conditions_after=calm,
    )
    assert throttled(process) is not None


def test_what_the_sampler_could_not_read_is_named() -> None:
    lost = SampledConditions(period_seconds=0.5, unreadable={"samples": "made up"})
    cell = make_cell(device=make_device(), processes=make_processes(*STEADY_MEDIANS, sampled=lost))
    assert {r.code: r.detail for r in cell.verdict.reasons} == {
        "conditions_unreadable": "could not be read: samples"
    }
