"""Which clock a device held while measuring, from the best source there is."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from builders import QUIET, STEADY_MEDIANS, make_cell, make_device, make_process, make_processes
from harness.analysis.held_clocks import held_clocks
from harness.records import (
    Cell,
    Conditions,
    ConditionsSample,
    Core,
    DeviceInfo,
    FrequencyTime,
    HeldClock,
    ProcessReport,
    SampledConditions,
)

LITTLE, BIG = 1_800_000, 3_400_000
PHONE = make_device(
    kind="android",
    cores=tuple(Core(index=i, max_frequency_khz=LITTLE if i < 4 else BIG) for i in range(8)),
)
UNKNOWN = Conditions()


def process(**changes: Any) -> ProcessReport:
    facts: dict[str, Any] = {
        "cpus_allowed": "4-7",
        "conditions_before": UNKNOWN,
        "conditions_after": UNKNOWN,
    } | changes
    return make_process(**facts)


def sampled(*khz: tuple[int | None, ...], cores: tuple[int, ...] = tuple(range(8))) -> SampledConditions:
    samples = tuple(ConditionsSample(uptime_seconds=None, frequencies_khz=each, celsius=()) for each in khz)
    return SampledConditions(period_seconds=0.5, cores=cores, samples=samples)


def ticked(**ticks: int) -> Conditions:
    """`policy4_1980000=70`: time_in_state of a policy's frequency."""
    states = [(*name.partition("_"), count) for name, count in ticks.items()]
    return Conditions(
        time_in_state=tuple(FrequencyTime(policy=p, khz=int(khz), ticks=count) for p, _, khz, count in states)
    )


def governed(governor: str, *khz: int) -> Conditions:
    return Conditions(frequencies_khz=khz, governors=(governor,) * len(khz))


def only(*processes: ProcessReport, device: DeviceInfo = PHONE) -> HeldClock:
    (clock,) = held_clocks(device, processes)
    return clock


def test_the_sampled_clock_of_the_cores_that_the_process_ran_on_is_the_held_one() -> None:
    idle = (LITTLE,) * 4
    samples = sampled(
        (*idle, 300_000, 300_000, 300_000, 300_000),
        (*idle, 300_000, 1_980_000, 300_000, 300_000),
        (*idle, None, 1_980_000, None, None),
        (*idle, 1_980_000, 2_100_000, 300_000, 300_000),
    )
    assert only(process(sampled=samples)) == HeldClock(
        cores="4-7", held_khz=1_980_000, max_khz=BIG, source="sampler"
    )


def test_as_many_busy_cores_count_as_there_are_threads() -> None:
    samples = sampled((2_000_000, 1_000_000, 300_000), cores=(4, 5, 6))
    assert only(process(sampled=samples, threads_used=2)).held_khz == 1_500_000


def test_without_samples_the_time_in_each_frequency_counts() -> None:
    before = ticked(policy0_300000=50, policy4_300000=100, policy4_1980000=1000, policy4_3400000=500)
    after = ticked(policy0_300000=500, policy4_300000=140, policy4_1980000=1070, policy4_3400000=500)
    found = only(process(conditions_before=before, conditions_after=after, cpus_allowed="5-7"))
    assert found == HeldClock(cores="5-7", held_khz=1_980_000, max_khz=BIG, source="time_in_state")


@pytest.mark.parametrize("governor", ["performance", "userspace"])
def test_readings_count_where_the_governor_holds_the_clock(governor: str) -> None:
    held = governed(governor, *(LITTLE,) * 4, *(2_000_000,) * 4)
    found = only(process(conditions_before=held, conditions_after=held))
    assert found == HeldClock(cores="4-7", held_khz=2_000_000, max_khz=BIG, source="readings")


def test_readings_under_other_governors_prove_nothing() -> None:
    idle = governed("schedutil", *(300_000,) * 8)
    assert held_clocks(PHONE, [process(conditions_before=idle, conditions_after=idle)]) == ()


def test_each_cluster_that_the_process_could_run_on_has_its_clock() -> None:
    held = governed("performance", *(LITTLE,) * 4, *(1_700_000,) * 4)
    clocks = held_clocks(PHONE, [process(conditions_before=held, cpus_allowed="0-7")])
    assert [(clock.cores, clock.share) for clock in clocks] == [("0-3", 1.0), ("4-7", 0.5)]


@pytest.mark.parametrize(
    "device",
    [
        replace(PHONE, clock="virtual"),
        replace(PHONE, clock="emulated"),
        replace(PHONE, cores=()),
        replace(PHONE, cores=tuple(Core(index=i) for i in range(8))),
    ],
    ids=["virtual", "emulated", "no cores", "no maximum"],
)
def test_without_a_real_clock_or_a_maximum_nothing_is_known(device: DeviceInfo) -> None:
    held = governed("performance", *(2_000_000,) * 8)
    assert held_clocks(device, [process(conditions_before=held)]) == ()


def _cells() -> Iterator[tuple[int, Cell]]:
    for khz in (LITTLE, 1_630_000, 1_600_000):
        conditions = replace(QUIET, frequencies_khz=(khz,) * 4)
        changes = {"conditions_before": conditions, "conditions_after": conditions}
        yield khz, make_cell(processes=make_processes(*STEADY_MEDIANS, **changes))


def test_a_cell_saves_the_held_clock_and_names_one_that_is_under_nine_tenths() -> None:
    for khz, cell in _cells():
        (clock,) = cell.held_clocks
        assert (clock.cores, clock.held_khz, clock.max_khz, clock.source) == ("0-3", khz, LITTLE, "readings")
        assert cell.verdict.status == "valid"
        details = [reason.detail for reason in cell.verdict.reasons if reason.code == "reduced_clock"]
        assert details == (["cores 0-3 were measured at 1.60 of 1.80 GHz"] if khz == 1_600_000 else [])
