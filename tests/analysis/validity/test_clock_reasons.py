"""Reasons in a clock that is not real, and counts that do not repeat."""

import msgspec
import pytest
from judged import codes, emulated_cell

from builders import (
    make_cell,
    make_device,
    make_process,
)
from harness.records import Clock

replace = msgspec.structs.replace


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
