"""Runs against a base: what moved the device is named and decides nothing, unless it met one side alone."""

from collections.abc import Sequence

import pytest
from compared_cells import counted, only
from msgspec.structs import replace

from builders import make_artifact, make_cell, make_plan, make_process, make_run
from harness.analysis.comparison import Comparison, compare
from harness.analysis.comparison_text import to_lines, to_markdown
from harness.analysis.interleaved import compare_interleaved
from harness.analysis.margins import Margins
from harness.analysis.stopping import reason_to_stop_both
from harness.errors import UsageError
from harness.records import BaseRun, Cell, Failure, Run

# Ten rounds on a device that becomes 4 % slower half-way, with some noise.
STATE = (1.0,) * 5 + (1.04,) * 5
NOISE = (0.0, 0.002, -0.001, 0.001, -0.002, 0.001, 0.0, -0.001, 0.002, -0.002)
BASE_RUN = BaseRun(
    id="main", started_at="2026-01-01T00:00:00Z", versions={"executorch": "1.4.0"}, not_asked=("other",)
)


def measured(factors: Sequence[float] = STATE, slowdown: float = 0.0, *, canaries: float = 1.0) -> Cell:
    processes = tuple(
        make_process(
            round_,
            int(10_000_000 * factor * (1 + slowdown + NOISE[round_ % 10] * (1 if slowdown else -1))),
            canary_ns=int(230_000 * factor * canaries),
        )
        for round_, factor in enumerate(factors)
    )
    return make_cell(plan=make_plan(processes=len(processes), target_precision=0.02), processes=processes)


def run_of(cells: Sequence[Cell], base: BaseRun | None = BASE_RUN) -> Run:
    return replace(make_run(tuple(cells)), base=base)


def judge(base: Cell, new: Cell, margins: Margins | None = None) -> Comparison:
    return compare_interleaved(run_of([new]), [base], [new], margins=margins)


def test_a_device_that_changes_half_way_makes_the_same_program_no_worse() -> None:
    cell = only(judge(measured(), measured()))
    assert cell.result == "no worse"
    told = " ".join(cell.cautions)
    assert "from the first half of the rounds to the second, base became 4." in told
    assert "the canary kernel 4.0 % slower; both sides of a round share that" in told
    assert "drifted (base and new)" in told


def test_the_same_cells_as_two_runs_are_not_decided() -> None:
    assert only(compare([measured()], [measured()])).result == "inconclusive"


def test_a_slower_program_is_found_although_the_device_changes() -> None:
    cell = only(judge(measured(), measured(slowdown=0.05)))
    assert cell.result == "worse"
    assert cell.why.startswith("+5")
    assert only(judge(measured(), measured(slowdown=0.05), Margins(latency=0.1))).result == "no worse"
    assert only(judge(measured(slowdown=0.05), measured())).result == "better"


def test_a_canary_that_was_slower_beside_new_alone_leaves_it_open() -> None:
    cell = only(judge(measured(), measured(slowdown=0.05, canaries=1.05)))
    assert cell.result == "inconclusive"
    assert "the canary kernel, whose cost is fixed, took +5 %" in cell.why
    assert only(judge(measured(), measured(slowdown=0.05, canaries=0.95))).result == "worse"


def test_a_side_that_changed_alone_is_named() -> None:
    told = " ".join(only(judge(measured((1.0,) * 10), measured())).cautions)
    assert "the sides did not change alike" in told


def test_too_few_rounds_are_inconclusive_and_say_how_many_are_needed() -> None:
    cell = only(judge(measured(STATE[:5]), measured(STATE[:5], slowdown=0.2)))
    assert (cell.result, cell.why) == ("inconclusive", "5 rounds are too few: at least 6 are needed")
    one = only(judge(measured((1.0,)), measured((1.0,))))
    assert one.why == "1 round is too few: at least 6 are needed"


def test_only_rounds_that_both_sides_have_are_compared() -> None:
    base = measured()
    shorter = replace(base, processes=base.processes[:7])
    assert only(judge(shorter, measured(slowdown=0.05))).result == "worse"
    other = replace(base, processes=tuple(replace(one, round=one.round + 50) for one in base.processes))
    assert only(judge(other, measured())).why == "no round has latencies of both sides"


def test_counts_of_an_emulator_decide_exactly() -> None:
    same, more = counted(1_000_000, 1_000_000), counted(1_000_001, 1_000_001)
    assert only(judge(same, same)).result == "no worse"
    assert only(judge(same, more)).result == "worse"
    assert only(judge(same, same)).cautions == (f"base and new are the same program, sha256 {'a' * 12}",)


def test_a_base_that_fails_today_is_inconclusive_and_a_new_one_is_worse() -> None:
    failed = make_cell(processes=(), parity=None, failure=Failure(what="the runner failed"))
    assert only(judge(failed, measured())).result == "inconclusive"
    assert only(judge(measured(), failed)).result == "worse"


def test_what_the_programs_were_made_with_is_named_and_not_refused() -> None:
    old = measured()
    old = replace(old, artifact=make_artifact(sha256="f" * 64, versions={"executorch": "1.4.0"}))
    comparison = judge(old, measured())
    text = "\n".join(to_lines(comparison, 100))
    assert "Made differently: version of executorch: 1.4.0 in base, 1.5.1 in new" in text
    assert "the programs of run main of 2026-01-01T00:00:00Z, in random order" in text
    assert "In the base, but not asked for: other." in text
    assert "the programs are compared, not the runners" in to_markdown(comparison)
    assert not any("same program" in caution for caution in only(comparison).cautions)


def test_a_run_without_a_base_cannot_be_compared_with_it() -> None:
    cell = measured()
    with pytest.raises(UsageError, match="was measured against no other"):
        compare_interleaved(run_of([cell], None), [], [cell])


def test_a_pair_ends_once_its_ratio_is_precise_whatever_its_medians_are() -> None:
    base, new = measured(), measured(slowdown=0.05)
    assert base.latency is not None
    assert base.latency.median_ns.relative_half_width > 0.015
    assert reason_to_stop_both(base, new, elapsed_s=0) == "target_precision"
    wide = measured(tuple(factor * (1.1 if i % 2 else 1.0) for i, factor in enumerate(STATE)))
    unfinished = [
        replace(cell, plan=make_plan(processes=10, max_processes=20, target_precision=0.02))
        for cell in (base, wide)
    ]
    assert reason_to_stop_both(unfinished[0], unfinished[1], elapsed_s=0) is None
