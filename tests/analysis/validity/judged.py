"""Cells to be judged, and what to read of their verdicts."""

from typing import Any

import msgspec

from builders import (
    QUIET,
    STEADY_MEDIANS,
    make_cell,
    make_device,
    make_plan,
    make_process,
    make_processes,
)
from harness.records import Cell, Clock, Conditions, Verdict

replace = msgspec.structs.replace


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
