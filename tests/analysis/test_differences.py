"""What took hold and how warm the device began: named where two runs differ in it, and weighed."""

from typing import Any

import pytest
from msgspec.structs import replace

from builders import QUIET, SHELL, STEADY_MEDIANS, make_cell, make_device, make_plan, make_processes
from harness.analysis.comparison import compare
from harness.analysis.comparison_text import summarize
from harness.analysis.differences import describe_clocks, find_differences, start_difference_celsius
from harness.errors import UsageError
from harness.records import (
    Cell,
    Clock,
    Conditions,
    ConditionsSample,
    Core,
    SampledConditions,
    TaskProfile,
    Temperature,
    TunedSetting,
)
from harness.records.task_profiles import GroupController

PERFORMANCE = TunedSetting(name="governor.policy0", before="schedutil", now="performance")
REFUSED = TunedSetting(name="governor.policy0", note="Permission denied")
ASKED = TunedSetting(name="fixed_performance", note="asked for on")


def tuned(*settings: TunedSetting) -> Cell:
    return replace(make_cell(plan=make_plan(tune_device=True)), tuning=settings)


def governed(governor: str | None, clock: Clock = "real") -> Cell:
    governors = None if governor is None else (governor,) * 4
    conditions = replace(QUIET, governors=governors)
    processes = make_processes(*STEADY_MEDIANS, conditions_before=conditions, instructions_per_inference=7)
    return make_cell(device=make_device(clock=clock), processes=processes)


def started_at(factor: float, **celsius: float) -> Cell:
    """A cell whose zones had these temperatures before its first process, and were warm later."""
    zones = tuple(Temperature(zone=zone, celsius=degrees) for zone, degrees in celsius.items())
    warm = replace(QUIET, temperatures=tuple(replace(zone, celsius=60.0) for zone in zones))
    first, *others = make_processes(
        *(int(factor * median) for median in STEADY_MEDIANS), conditions_before=warm
    )
    first = replace(first, conditions_before=replace(QUIET, temperatures=zones))
    return make_cell(processes=(*others, first))


# What took hold -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "new", "difference"),
    [
        (
            tuned(PERFORMANCE),
            tuned(REFUSED),
            "tuning governor.policy0: performance in base, Permission denied in new",
        ),
        (
            tuned(PERFORMANCE),
            tuned(PERFORMANCE, ASKED),
            "tuning fixed_performance: not set in base, asked for on in new",
        ),
        (governed("performance"), governed("schedutil"), "governors: performance in base, schedutil in new"),
    ],
)
def test_runs_of_which_another_tuning_took_hold_are_refused_unless_across(
    base: Cell, new: Cell, difference: str
) -> None:
    with pytest.raises(UsageError) as refused:
        compare([base], [new])
    assert refused.value.what == f"the runs are not alike: {difference}"
    allowed = compare([base], [new], across=True)
    assert (allowed.differences, allowed.result) == ((difference,), "no worse")


@pytest.mark.parametrize(
    ("base", "new"),
    [
        (tuned(PERFORMANCE, ASKED), tuned(replace(PERFORMANCE, before="performance"), ASKED)),
        (governed("performance"), governed(None)),
        (governed("performance", "emulated"), governed("schedutil", "emulated")),
    ],
    ids=["the same now", "unknown", "no real clock"],
)
def test_what_took_hold_alike_or_is_unknown_is_no_difference(base: Cell, new: Cell) -> None:
    assert compare([base], [new]).differences == ()


def test_another_page_size_is_a_difference_and_an_unrecorded_one_is_none() -> None:
    small, large, unknown = (
        make_cell(device=make_device(page_size_bytes=size)) for size in (4096, 16384, None)
    )
    assert find_differences(small, large) == ["device page_size_bytes: 4096 in base, 16384 in new"]
    assert find_differences(small, unknown) == find_differences(unknown, large) == []


SCHEDULED = {
    "nice": ({"nice": 0}, {"nice": 10}, "nice: 0 in base, 10 in new"),
    "uclamp": (
        {"uclamp_min_per_1024": 0},
        {"uclamp_min_per_1024": 512},
        "uclamp_min_per_1024: 0 in base, 512 in new",
    ),
    "cpuset": ({"cpuset": "/"}, {"cpuset": "/top-app"}, "cpuset: / in base, /top-app in new"),
}


def scheduled(changes: dict[str, Any], *, os: str = "Android 14", clock: Clock = "real") -> Cell:
    processes = make_processes(*STEADY_MEDIANS, scheduling=replace(SHELL, **changes))
    return make_cell(processes=processes, device=make_device(os=os, clock=clock))


@pytest.mark.parametrize(("base", "new", "difference"), SCHEDULED.values(), ids=SCHEDULED)
def test_another_way_of_being_scheduled_is_named(
    base: dict[str, Any], new: dict[str, Any], difference: str
) -> None:
    assert find_differences(scheduled(base), scheduled(new)) == [difference]
    assert find_differences(scheduled(base, clock="emulated"), scheduled(new, clock="emulated")) == []


def test_a_cpuset_of_a_session_or_container_is_no_difference() -> None:
    first, second = (scheduled({"cpuset": f"/docker/{name}"}, os="Debian 12") for name in "ab")
    assert find_differences(first, second) == []


def test_a_scheduling_that_only_one_run_knows_is_no_difference() -> None:
    unknown = make_cell(device=make_device(os="Android 14"))
    assert find_differences(unknown, scheduled({"nice": 10})) == []


def profiled(*took_hold: GroupController) -> Cell:
    profile = TaskProfile(name="top-app", took_hold=took_hold)
    processes = make_processes(*STEADY_MEDIANS, task_profile=profile)
    return make_cell(processes=processes, plan=make_plan(task_profile="top-app"))


def test_a_task_profile_that_was_asked_for_or_took_hold_in_one_run_is_named() -> None:
    assert find_differences(make_cell(), profiled()) == ["plan task_profile: none in base, top-app in new"]
    assert find_differences(profiled(), profiled("cpuset", "cpu")) == [
        "task profile in effect: nothing in base, cpuset, cpu in new"
    ]
    assert find_differences(profiled("cpu"), profiled("cpu")) == []


# How warm it began --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "celsius", "result"),
    [
        (1.1, 38.0, "worse"),
        (1.1, 38.1, "inconclusive"),
        (1.1, 31.0, "worse"),
        (0.9, 31.8, "inconclusive"),
        (0.9, 38.1, "better"),
        (1.0, 38.1, "no worse"),
    ],
)
def test_a_change_is_not_decided_where_the_slower_side_began_more_than_three_degrees_warmer(
    factor: float, celsius: float, result: str
) -> None:
    comparison = compare([started_at(1.0, cpu=35.0)], [started_at(factor, cpu=celsius)])
    assert comparison.result == result


def test_a_start_at_another_temperature_is_named_whatever_the_result() -> None:
    (cell,) = compare([started_at(1.0, cpu=31.0)], [started_at(1.0, cpu=36.2)]).cells
    assert cell.cautions == ("new began 5.2 °C warmer (31.0 to 36.2 °C)",)
    cooler = compare([started_at(1.0, cpu=36.2)], [started_at(1.1, cpu=31.0)])
    name = cooler.cells[0].name
    assert f"Caution: {name}: new began 5.2 °C cooler (36.2 to 31.0 °C)." in summarize(cooler)
    (warmer,) = compare([started_at(1.0, cpu=31.0)], [started_at(1.1, cpu=36.2)]).cells
    assert warmer.why.endswith("%), but new began 5.2 °C warmer (31.0 to 36.2 °C)")


def test_within_three_degrees_nothing_is_named() -> None:
    (cell,) = compare([started_at(1.0, cpu=31.0)], [started_at(1.0, cpu=34.0)]).cells
    assert cell.cautions == ()


def test_zones_of_the_cores_count_and_all_where_none_is_named_after_them() -> None:
    base = started_at(1.0, battery=30.0, **{"cpu-big": 40.0, "soc": 38.0})
    new = started_at(1.0, battery=45.0, **{"cpu-big": 41.0, "soc": 38.0})
    assert start_difference_celsius(base, new) == 1.0
    assert start_difference_celsius(started_at(1.0, skin=30.0), started_at(1.0, skin=35.0)) == 5.0


@pytest.mark.parametrize(
    "base", [make_cell(), replace(started_at(1.0, cpu=20.0), device=make_device(model="Raspberry Pi 5"))]
)
def test_an_unknown_temperature_or_one_of_another_device_is_no_difference(base: Cell) -> None:
    assert start_difference_celsius(base, started_at(1.0, cpu=40.0)) is None


# The clock that was held --------------------------------------------------------------------------

LITTLE_KHZ, BIG_KHZ = 1_800_000, 3_400_000
PHONE = make_device(
    kind="android",
    cores=tuple(Core(index=i, max_frequency_khz=LITTLE_KHZ if i < 4 else BIG_KHZ) for i in range(8)),
)


def clocked(factor: float, little_khz: int, big_khz: int, *, cpus: str = "0-7", model: str = "Pixel") -> Cell:
    sample = ConditionsSample(
        uptime_seconds=None, frequencies_khz=(little_khz,) * 4 + (big_khz,) * 4, celsius=()
    )
    processes = make_processes(
        *(int(factor * median) for median in STEADY_MEDIANS),
        cpus_allowed=cpus,
        conditions_before=Conditions(),
        conditions_after=Conditions(),
        sampled=SampledConditions(period_seconds=0.5, cores=tuple(range(8)), samples=(sample,)),
    )
    return make_cell(device=replace(PHONE, model=model), processes=processes)


@pytest.mark.parametrize(("across", "paired"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("cpus", ["0-7", "4-7"])
def test_another_held_clock_is_named_and_silences_no_regression(
    cpus: str, across: bool, paired: bool
) -> None:
    base = clocked(1.0, LITTLE_KHZ, BIG_KHZ, cpus=cpus)
    new = clocked(1.7, LITTLE_KHZ, 1_980_000, cpus=cpus)
    comparison = compare([base], [new], across=across, paired=paired)
    assert comparison.result == "worse"
    caution = "cores 4-7 were measured at 3.40 GHz in base, 1.98 GHz in new"
    assert caution in comparison.cells[0].cautions
    assert f"Caution: {comparison.cells[0].name}: {caution}." in summarize(comparison)


@pytest.mark.parametrize(
    "new",
    [
        clocked(1.0, LITTLE_KHZ, 3_260_000),
        clocked(1.0, 300_000, BIG_KHZ),
        clocked(1.0, LITTLE_KHZ, 1_980_000, model="Galaxy"),
        make_cell(device=PHONE),
    ],
    ids=["within five percent", "an idle cluster", "another device", "unknown"],
)
def test_a_clock_that_is_alike_idle_or_of_another_device_is_not_named(new: Cell) -> None:
    assert describe_clocks(clocked(1.0, LITTLE_KHZ, BIG_KHZ), new) == []


def test_the_wording_of_what_was_chosen_in_a_weights_file_is_no_difference() -> None:
    cell = make_cell()
    weights = replace(cell.variant.weights, remarks=("stored as float16",))
    assert find_differences(cell, replace(cell, variant=replace(cell.variant, weights=weights))) == []
