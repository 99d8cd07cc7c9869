"""Reasons in the samples: too few, drifting, of two speeds, held up."""

import msgspec
import numpy as np
import pytest
from judged import codes, detail, emulated_cell

from builders import (
    STEADY_MEDIANS,
    make_cell,
    make_process,
    make_processes,
)

replace = msgspec.structs.replace


def test_a_clock_of_this_machine_that_is_set_while_measuring_hides_no_drift() -> None:
    jumping = ("12:00", "12:01", "09:02", "15:03", "09:04", "03:05", "12:06", "01:07")
    processes = (
        make_process(i, 10_000_000 + 80_000 * i, started_at=f"2026-01-01T{clock}:00Z")
        for i, clock in enumerate(jumping)
    )
    assert "drifted" in codes(make_cell(processes=tuple(processes)).verdict)


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


def test_an_interval_that_is_wide_on_one_side_has_no_share_for_both() -> None:
    verdict = make_cell((10_000_000, 10_000_000, 10_010_000, 10_010_000, 10_020_000, 26_000_000)).verdict
    assert detail(verdict, "interval_too_wide") == (
        "the interval of the median is 10.01 ms (10 ms to 20.29 ms), wider than ±3%"
    )


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
