"""Reasons in the device's conditions: throttled, busy, short of memory, unreadable."""

import msgspec
import pytest
from judged import codes, detail, emulated_cell, with_conditions

from builders import (
    QUIET,
    STEADY_MEDIANS,
    make_cell,
    make_device,
    make_process,
    make_processes,
)
from harness.records import Clock, Conditions, Verdict
from harness.records.devices import ThermalSensor

replace = msgspec.structs.replace


def test_androids_thermal_status_means_throttled() -> None:
    verdict = with_conditions(replace(QUIET, thermal_status=2))
    assert (verdict.status, codes(verdict)) == ("suspect", ("throttled",))
    assert "thermal status rose to 2" in detail(verdict, "throttled")


@pytest.mark.parametrize(("kind", "throttles"), [("CPU", True), ("SKIN", True), ("MODEM", False)])
def test_a_throttled_sensor_of_androids_thermal_hal_means_throttled(kind: str, throttles: bool) -> None:
    sensors = tuple(
        ThermalSensor(name=name, type=kind, celsius=61.0, status=status)
        for name, status in (("BIG", 3), ("MID", 0))
    )
    verdict = with_conditions(replace(QUIET, thermal_sensors=sensors))
    assert codes(verdict) == (("throttled",) if throttles else ())
    if throttles:
        assert f"thermal sensor BIG ({kind}) rose to status 3" in detail(verdict, "throttled")


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
