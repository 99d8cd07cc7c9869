from typing import Any

import numpy as np
import pytest
from compared_cells import counted, of_variant, only, ratio_of, replace, slower

from builders import (
    PASSED,
    QUIET,
    STEADY_MEDIANS,
    make_artifact,
    make_cell,
    make_device,
    make_plan,
    make_processes,
)
from harness.analysis.comparison import EXIT_CODES, compare
from harness.analysis.margins import Margins
from harness.errors import UsageError
from harness.records import Cell, Core, Failure, Weights

# Latency ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "result", "exit_code"),
    [
        (1.0, "no worse", 0),
        (1.02, "no worse", 0),
        (1.03, "inconclusive", 3),
        (1.05, "worse", 1),
        (0.98, "no worse", 0),
        (0.9, "better", 0),
    ],
)
def test_latency_is_judged_against_the_margin(factor: float, result: str, exit_code: int) -> None:
    comparison = compare([make_cell()], [make_cell(slower(factor))])
    assert (comparison.result, EXIT_CODES[comparison.result]) == (result, exit_code)
    assert only(comparison).decided_by == "latency"
    assert ratio_of(comparison).low <= factor <= ratio_of(comparison).high


def test_a_wider_margin_forgives_more() -> None:
    new = [make_cell(slower(1.05))]
    assert compare([make_cell()], new, margins=Margins(latency=0.1)).result == "no worse"


def test_noise_beyond_the_margin_is_inconclusive_not_worse() -> None:
    generator = np.random.default_rng(3)
    noisy = [tuple(int(x) for x in 1e7 * np.exp(generator.normal(0, 0.08, 6))) for _ in range(2)]
    comparison = compare([make_cell(noisy[0])], [make_cell(noisy[1])])
    assert comparison.result == "inconclusive"
    assert "measure more processes" in only(comparison).why


def test_too_few_processes_are_inconclusive_however_large_the_change() -> None:
    base, new = make_cell(STEADY_MEDIANS[:3]), make_cell(slower(2.0)[:3])
    comparison = compare([base], [new])
    assert comparison.result == "inconclusive"
    assert only(comparison).why == "3 and 3 processes are too few: at least 4 on each side are needed"


@pytest.mark.parametrize("side", ["base", "new"])
def test_a_disturbed_side_decides_nothing(side: str) -> None:
    hot = make_processes(*slower(1.2), conditions_after=replace(QUIET, thermal_status=3))
    disturbed, quiet = make_cell(processes=hot), make_cell()
    pair = (disturbed, quiet) if side == "base" else (quiet, disturbed)
    comparison = compare([pair[0]], [pair[1]])
    assert comparison.result == "inconclusive"
    assert ratio_of(comparison).estimate > 0
    assert only(comparison).why.endswith(f" %), but {side} was disturbed: throttled")


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (
            {"processes": (), "failure": Failure(what="out of memory")},
            "works in base, fails in new: out of memory",
        ),
        (
            {"parity": replace(PASSED, passed=False, max_abs_error=0.5)},
            "works in base, fails in new: the output",
        ),
    ],
)
def test_a_cell_that_broke_is_worse(broken: dict[str, Any], why: str) -> None:
    comparison = compare([make_cell()], [make_cell(**broken)])
    assert comparison.result == "worse"
    assert only(comparison).why.startswith(why)


def test_a_runner_that_can_be_made_slower_decides_nothing() -> None:
    bench = make_cell(processes=make_processes(*slower(1.2), build_type="Bench"))
    comparison = compare([make_cell()], [bench])
    assert comparison.result == "inconclusive"
    assert only(comparison).why == "new is invalid: debug_build"


def test_a_cell_that_failed_before_too_is_inconclusive() -> None:
    failed = make_cell(processes=(), failure=Failure(what="out of memory"))
    comparison = compare([failed], [failed])
    assert comparison.result == "inconclusive"
    assert only(comparison).figures == ()


def test_one_worse_cell_makes_the_run_worse_and_one_unclear_cell_inconclusive() -> None:
    base = [of_variant(width) for width in (0.25, 0.5, 0.75)]
    worse = [of_variant(0.25), of_variant(0.5, slower(1.1)), of_variant(0.75, slower(1.03))]
    assert compare(base, worse).result == "worse"
    unclear = [of_variant(0.25), of_variant(0.5), of_variant(0.75, slower(1.03))]
    assert compare(base, unclear).result == "inconclusive"
    assert compare(base, [of_variant(width, slower(0.5)) for width in (0.25, 0.5, 0.75)]).result == "better"


def test_a_slow_down_that_chance_gives_one_of_many_cells_is_inconclusive() -> None:
    """Nearly separated processes: enough for one cell, not for the most extreme of forty."""
    base, new = (slower(factor) for factor in (1.0, 1.04))
    new = (10_002_000, *new[1:])  # in the middle of the base
    variants = [round(0.25 + 0.01 * i, 2) for i in range(40)]
    alone = compare([of_variant(0.25, base)], [of_variant(0.25, new)])
    assert alone.result == "worse"
    among = compare(
        [of_variant(width, base) for width in variants],
        [of_variant(variants[0], new), *(of_variant(width, base) for width in variants[1:])],
    )
    assert among.result == "inconclusive"
    assert among.cells[0].why == "could be chance among 40 cells"


@pytest.mark.parametrize(
    ("cells", "overlapping", "result"), [(2, 3, "worse"), (2, 4, "inconclusive"), (40, 0, "worse")]
)
def test_many_cells_ask_for_smaller_p_values_up_to_complete_separation(
    cells: int, overlapping: int, result: str
) -> None:
    """Exact p-values of six against six: 7/924, 12/924 and 1/924; the threshold is 0.025 / cells."""
    below = sorted(STEADY_MEDIANS)[6 - overlapping :]
    first = below[0] - 1000 if overlapping else slower(1.05)[0]
    new = (first, *slower(1.05)[1:])
    widths = [round(0.25 + 0.01 * i, 2) for i in range(cells)]
    others = [of_variant(width) for width in widths[1:]]
    comparison = compare([of_variant(widths[0]), *others], [of_variant(widths[0], new), *others])
    assert comparison.result == result


# Instructions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new_count", "result"),
    [(57_691_178, "no worse"), (57_691_179, "worse"), (57_748_869, "worse"), (57_691_177, "better")],
)
def test_instructions_under_an_emulator_are_compared_exactly(new_count: int, result: str) -> None:
    base = counted(57_691_178, 57_691_178)
    comparison = compare([base], [counted(new_count, new_count)])
    assert only(comparison).result == result
    assert only(comparison).decided_by == "instructions"
    assert ratio_of(comparison).estimate == new_count / 57_691_178


@pytest.mark.parametrize(("change", "result"), [(1.00005, "no worse"), (1.001, "worse"), (0.999, "better")])
def test_instructions_in_virtual_time_are_compared_to_a_ten_thousandth(change: float, result: str) -> None:
    base = counted(20_000_000, 20_000_400, clock="virtual")
    new = counted(int(20_000_000 * change), int(20_000_400 * change), clock="virtual")
    assert compare([base], [new]).result == result


@pytest.mark.parametrize(
    ("new_count", "result"),
    [(1_000_000, "no worse"), (1_000_500, "no worse"), (1_000_501, "worse"), (999_000, "better")],
)
def test_a_margin_that_is_asked_for_also_holds_for_exact_counts(new_count: int, result: str) -> None:
    base, new = counted(1_000_000, 1_000_000), counted(new_count, new_count)
    assert only(compare([base], [new], margins=Margins(instructions=0.0005))).result == result


def test_counts_of_several_threads_are_compared_by_their_ranges() -> None:
    base = counted(50_000_000, 51_000_000, threads=2)
    assert compare([base], [counted(50_500_000, 51_200_000, threads=2)]).result == "no worse"
    assert compare([base], [counted(55_000_000, 56_000_000, threads=2)]).result == "worse"
    assert compare([base], [counted(50_000_000, 56_000_000, threads=2)]).result == "inconclusive"


def test_the_confidence_of_counts_is_that_of_their_ranges() -> None:
    comparison = compare([counted(100, 100)], [counted(100, 104)])
    one = ratio_of(comparison)
    assert (comparison.result, one.low, one.high, one.confidence) == ("inconclusive", 1, 1.04, 1)
    assert only(compare([counted(100, 100)], [counted(100, 96)])).result == "no worse"
    two = ratio_of(compare([counted(100, 102, threads=2)], [counted(101, 104, 103, threads=2)]))
    assert (two.low, two.high) == (101 / 102, 1.04)
    assert two.confidence == 0.5 * 0.75


def test_across_clocks_the_looser_tolerance_holds() -> None:
    base, new = counted(1_000_000, 1_000_000), counted(1_000_050, 1_000_050, clock="virtual")
    assert compare([base], [new], across=True).result == "no worse"
    assert compare([new], [base], across=True).result == "no worse"


def test_without_counts_times_of_no_real_machine_decide_nothing() -> None:
    comparison = compare([counted(5, 5)], [counted(None, None)])
    assert comparison.result == "inconclusive"
    assert "no instructions were counted" in only(comparison).why


def test_a_real_clock_is_never_held_against_another() -> None:
    """An emulator ten times as slow as a phone is not a regression; one in instructions would be."""
    emulated = replace(counted(1_000, 1_000, name="emulator"), verdict=make_cell().verdict)
    comparison = compare([make_cell()], [emulated], across=True)
    assert (only(comparison).result, only(comparison).decided_by) == ("inconclusive", "instructions")


# What cannot be compared --------------------------------------------------------------------------


@pytest.mark.parametrize("margin", [0, -0.03, 1.5, float("nan")])
def test_a_margin_out_of_range_is_refused(margin: float) -> None:
    with pytest.raises(UsageError, match="--margin: the margin must be above 0 % and at most 100 %"):
        compare([make_cell()], [make_cell()], margins=Margins(latency=margin))


@pytest.mark.parametrize(
    ("new", "difference"),
    [
        (
            make_cell(device=make_device(model="Pi 5")),
            "device model: Raspberry Pi 4 Model B in base, Pi 5 in new",
        ),
        (make_cell(device=make_device(cores=(Core(index=0),))), "device cores differs"),
        (make_cell(plan=make_plan(warmup_iterations=9)), "plan warmup_iterations: 5 in base, 9 in new"),
        (make_cell(plan=make_plan(cpus="0-3")), "plan cpus: none in base, 0-3 in new"),
        (make_cell(plan=make_plan(tune_device=True)), "plan tune_device: no in base, yes in new"),
        (
            make_cell(artifact=make_artifact(versions={"executorch": "1.6.0", "torch": "2.13.0"})),
            "version of executorch: 1.5.1 in base, 1.6.0 in new",
        ),
        (of_variant(0.5, weights=Weights(source="a.ckpt", sha256="d" * 64)), "weights differs"),
    ],
)
def test_runs_that_are_not_alike_are_refused_unless_across(new: Cell, difference: str) -> None:
    with pytest.raises(UsageError) as refused:
        compare([make_cell()], [new])
    assert refused.value.what == f"the runs are not alike: {difference}"
    assert "--across" in refused.value.hint
    allowed = compare([make_cell()], [new], across=True)
    assert allowed.differences == (difference,)
    assert allowed.result == "no worse"


def test_more_processes_or_another_seed_are_still_the_same_plan() -> None:
    new = make_cell(plan=make_plan(seed=5, processes=20))
    assert compare([make_cell()], [new]).result == "no worse"


def test_runs_with_nothing_in_common_are_refused_with_what_they_have() -> None:
    with pytest.raises(UsageError) as refused:
        compare([of_variant(0.25)], [of_variant(0.5)])
    assert refused.value.what == (
        "the runs have no cell in common: base has pi4-mobilenet_v1_0.25_128_fp32-t1; "
        "new has pi4-mobilenet_v1_0.5_128_fp32-t1"
    )


def test_runs_that_differ_in_nothing_but_the_number_of_classes_are_refused_with_it() -> None:
    cell = make_cell()
    head = replace(cell, variant=replace(cell.variant, classes=10))
    with pytest.raises(UsageError) as refused:
        compare([cell], [head], across=True)
    assert refused.value.what == (
        f"the runs have no cell in common: base has {cell.name} of 1000 classes;"
        f" new has {cell.name} of 10 classes"
    )
    assert "classes" in refused.value.hint


@pytest.mark.parametrize(
    ("new", "across", "proposed"),
    [
        (make_cell(device=make_device(name="pi5")), False, True),
        (of_variant(0.25), False, False),
        (of_variant(0.25), True, False),
    ],
)
def test_across_is_proposed_only_where_it_helps(new: Cell, across: bool, proposed: bool) -> None:
    with pytest.raises(UsageError) as refused:
        compare([make_cell()], [new], across=across)
    same = "compare runs of the same variants, classes, devices, threads, cores and rates"
    assert refused.value.hint == same + (", or add --across" if proposed else "")


def test_another_device_needs_across() -> None:
    pi5 = make_cell(slower(0.5), device=make_device(name="pi5", model="Raspberry Pi 5"))
    with pytest.raises(UsageError, match="no cell in common"):
        compare([make_cell()], [pi5])
    allowed = compare([make_cell()], [pi5], across=True)
    assert allowed.result == "better"
    assert "device name: pi4 in base, pi5 in new" in allowed.differences


def test_cells_that_another_device_of_a_pool_measured_are_named_as_that() -> None:
    shared, moved = make_cell(), of_variant(width=1.0)
    other = replace(moved, device=make_device(name="pixel-b"))
    comparison = compare([shared, moved], [shared, other])
    assert comparison.result == "inconclusive"
    (note,) = comparison.notes
    assert note.startswith(
        f"1 cell of base is in new on another device ({moved.variant.name} on pixel-b, in base on"
        f" {moved.device.name}), and"
    )
    assert compare([shared, moved], [shared]).notes == ()


def test_an_empty_run_and_a_doubled_cell_are_refused() -> None:
    with pytest.raises(UsageError, match="the new run has no cells"):
        compare([make_cell()], [])
    with pytest.raises(UsageError, match="base has two cells pi4-mobilenet_v1"):
        compare([make_cell(), make_cell()], [make_cell()])


def test_cells_of_several_placements_are_compared_with_those_of_the_same_cores() -> None:
    little, big = (make_cell(plan=make_plan(cpus=cpus)) for cpus in ("0-1", "2-3"))
    found = compare([little, big], [big])
    assert [cell.name for cell in found.cells] == [big.name]
    assert found.only_in_base == (little.name,)
    with pytest.raises(UsageError, match=f"no cell in common: base has {little.name}, {big.name}"):
        compare([little, big], [make_cell()])
