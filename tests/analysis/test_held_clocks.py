"""Which clock a device held while measuring, from the best source there is."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from builders import QUIET, STEADY_MEDIANS, make_cell, make_device, make_process, make_processes
from harness.analysis.cautions import cautions
from harness.analysis.held_clocks import clocks_in_use, held_clocks
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


TOP, REDUCED = (BIG,) * 4, (1_980_000,) * 4
BUSY_LITTLE, IDLE_LITTLE = (LITTLE,) * 4, (300_000,) * 4
# What a sampler sees of a cluster that has little to do.
LOADED = [(khz,) * 4 for khz in (300_000, 900_000, 600_000, 1_200_000, 300_000, 1_800_000)]
LOWEST = ticked(policy0_300000=9, policy0_1800000=9, policy4_1980000=9, policy4_3400000=9)
LOWER = ticked(policy0_300000=9, policy0_1800000=9, policy4_700000=0, policy4_1980000=9)


def on_all_cores(*khz: tuple[int, ...], **changes: Any) -> Cell:
    """Processes that may use both clusters; `khz` are the samples of all cores."""
    facts = {"cpus_allowed": "0-7", "conditions_before": UNKNOWN, "conditions_after": UNKNOWN, **changes}
    return make_cell(device=PHONE, processes=make_processes(*STEADY_MEDIANS, sampled=sampled(*khz), **facts))


def reduced(cell: Cell) -> list[str]:
    assert cell.verdict.status == "valid"
    return [reason.detail for reason in cell.verdict.reasons if reason.code == "reduced_clock"]


BIG_REDUCED = "cores 4-7 were measured at 1.98 of 3.40 GHz"
FIXED = governed("userspace", *IDLE_LITTLE, *TOP)


@pytest.mark.parametrize(
    ("cell", "details"),
    [
        (on_all_cores((*BUSY_LITTLE, *REDUCED)), [BIG_REDUCED]),
        (on_all_cores((*IDLE_LITTLE, *REDUCED)), [BIG_REDUCED]),
        (on_all_cores(*((*little, *REDUCED) for little in LOADED)), [BIG_REDUCED]),
        (
            on_all_cores((*(1_200_000,) * 4, *REDUCED)),
            [f"cores 0-3 were measured at 1.20 of 1.80 GHz; {BIG_REDUCED}"],
        ),
        (
            on_all_cores((*IDLE_LITTLE, *TOP), conditions_before=FIXED),
            ["cores 0-3 were measured at 0.30 of 1.80 GHz"],
        ),
        (on_all_cores((*BUSY_LITTLE, *TOP)), []),
        (on_all_cores((*IDLE_LITTLE, *TOP)), []),
        (on_all_cores(*((*little, *TOP) for little in LOADED)), []),
        (on_all_cores((*BUSY_LITTLE, *(700_000,) * 4)), []),
        (on_all_cores((*BUSY_LITTLE, *REDUCED), conditions_before=LOWER), [BIG_REDUCED]),
        (on_all_cores((*BUSY_LITTLE, *REDUCED), conditions_before=LOWEST), []),
        (
            on_all_cores((*(1_200_000,) * 4, *(3_000_000, 2_000_000, 2_500_000, BIG))),
            ["cores 0-3 were measured at 1.20 of 1.80 GHz"],
        ),
    ],
    ids=[
        "little at its maximum",
        "little idle",
        "little with changing load",
        "both held",
        "held by the governor",
        "both at their maximum",
        "little idle beside a full big one",
        "little loaded beside a full big one",
        "big idle",
        "above its lowest frequency",
        "at its lowest frequency",
        "little held beside a full big one",
    ],
)
def test_a_cluster_held_below_its_maximum_is_named_beside_one_that_is_not_and_idle_ones_are_not(
    cell: Cell, details: list[str]
) -> None:
    assert reduced(cell) == details
    assert [text for text in cautions(cell, "measured") if "GHz" in text] == details


def test_time_in_state_names_a_cluster_that_is_held_and_none_that_is_idle_or_changes() -> None:
    before = ticked(policy0_300000=0, policy0_1800000=0, policy4_700000=0, policy4_1980000=0)
    held = ticked(policy0_300000=50, policy0_1800000=50, policy4_700000=3, policy4_1980000=97)
    ran = process(conditions_before=before, conditions_after=held, cpus_allowed="0-7")
    (clock,) = clocks_in_use(PHONE, [ran])
    assert (clock.cores, clock.held_khz, clock.source) == ("4-7", 1_980_000, "time_in_state")


def test_where_no_cluster_stayed_at_a_clock_the_one_nearest_to_its_maximum_counts() -> None:
    rising = [(khz,) * 4 for khz in (1_000_000, 1_500_000, 2_000_000, 2_500_000, 3_000_000, BIG)]
    cell = on_all_cores(*((*little, *big) for little, big in zip(LOADED, rising, strict=True)))
    assert reduced(cell) == ["cores 4-7 were measured at 2.25 of 3.40 GHz"]
