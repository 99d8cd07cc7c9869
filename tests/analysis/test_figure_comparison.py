"""Memory, file size and accuracy are judged beside the time, each with its margin."""

from typing import Any

import msgspec
import pytest
from compared_cells import counted, heavier, of_variant, only, replace, slower

from builders import (
    STEADY_MEDIANS,
    make_artifact,
    make_cell,
    make_processes,
    with_accuracy,
)
from harness.analysis.comparison import compare
from harness.analysis.margins import Margins
from harness.analysis.one_sided_figures import describe_one_sided
from harness.records import RANDOM_WEIGHTS, Cell
from harness.records.outcomes import Outcomes, outcomes_key


@pytest.mark.parametrize(
    ("factor", "result"), [(1.0, "no worse"), (1.04, "no worse"), (1.06, "worse"), (3.0, "worse")]
)
def test_more_memory_than_the_margin_is_worse_though_the_latency_is_not(factor: float, result: str) -> None:
    comparison = compare([make_cell()], [heavier(factor)])
    assert comparison.result == result
    assert only(comparison).decided_by == ("peak RSS" if result == "worse" else "latency")
    assert compare([make_cell()], [heavier(factor)], margins=Margins(memory=1.0)).result == (
        "worse" if factor == 3.0 else "no worse"
    )


def test_memory_of_few_processes_is_compared_by_its_range() -> None:
    base = counted(1_000, 1_000)
    two = tuple(replace(one, peak_rss_bytes=3 * (one.peak_rss_bytes or 0)) for one in base.processes)
    new = make_cell(device=base.device, processes=two)
    assert only(compare([base], [base])).result == "no worse"
    assert (only(compare([base], [new])).result, only(compare([base], [new])).decided_by) == (
        "worse",
        "peak RSS",
    )


def test_a_larger_file_is_worse() -> None:
    larger = make_cell(artifact=make_artifact(size_bytes=5_400_000))
    comparison = compare([make_cell()], [larger])
    assert (comparison.result, only(comparison).decided_by) == ("worse", "file size")
    assert compare([make_cell()], [larger], margins=Margins(size=0.02)).result == "no worse"
    assert compare([larger], [make_cell()]).result == "better"


def evaluated(top1: float, *, images: int = 1000, sha256: str = "a" * 64, **changes: Any) -> Cell:
    cell = with_accuracy(make_cell(artifact=make_artifact(sha256=sha256)), top1)
    assert cell.accuracy is not None
    return replace(cell, accuracy=replace(cell.accuracy, images=images, **changes))


def outcomes_of(cell: Cell, outcomes: str) -> dict[tuple[object, ...], Outcomes]:
    assert cell.accuracy is not None
    saved = Outcomes(
        accuracy=cell.accuracy,
        artifact_sha256=cell.artifact.sha256,
        dataset_identity="d" * 64,
        preprocessing=msgspec.Raw(b"{}"),
        outcomes=outcomes,
    )
    return {outcomes_key(cell.artifact.sha256, cell.accuracy): saved}


@pytest.mark.parametrize(("new_top1", "result"), [(0.70, "inconclusive"), (0.60, "worse"), (0.80, "better")])
def test_accuracy_without_outcomes_is_compared_by_its_intervals(new_top1: float, result: str) -> None:
    base, new = evaluated(0.70), evaluated(new_top1, sha256="b" * 64)
    comparison = compare([base], [new])
    assert (comparison.result, only(comparison).decided_by) == (result, "accuracy")


def test_accuracy_with_outcomes_is_compared_image_by_image() -> None:
    base, new = evaluated(0.70), evaluated(0.697, sha256="b" * 64)
    alike = "1" * 697 + "0" * 300
    comparison = compare(
        [base],
        [new],
        base_outcomes=outcomes_of(base, alike + "1" * 3),
        new_outcomes=outcomes_of(new, alike + "0" * 3),
    )
    figure = only(comparison).figure("accuracy")
    assert figure is not None
    assert (figure.result, figure.why) == ("no worse", "-0.30 pp (-0.74 to +0.14)")


def test_the_same_file_with_the_same_accuracy_is_no_worse_without_outcomes() -> None:
    comparison = compare([evaluated(0.7)], [evaluated(0.7)])
    figure = only(comparison).figure("accuracy")
    assert figure is not None
    assert (comparison.result, figure.why) == ("no worse", "+0.00 pp (+0.00 to +0.00)")


def test_accuracies_of_other_images_are_not_compared_and_named() -> None:
    comparison = compare([evaluated(0.7)], [evaluated(0.2, dataset="Other")])
    assert only(comparison).figure("accuracy") is None
    assert only(comparison).cautions == ("accuracies are of different images, and were not compared",)
    gone = compare([evaluated(0.7)], [replace(evaluated(0.7), accuracy=None)])
    assert only(gone).cautions == ("accuracy was measured in base only",)


def test_worse_cells_come_first() -> None:
    base = [of_variant(0.25), of_variant(0.5), of_variant(0.75)]
    new = [of_variant(0.25), of_variant(0.5, slower(1.03)), of_variant(0.75, slower(1.1))]
    assert [cell.result for cell in compare(base, new).cells] == ["worse", "inconclusive", "no worse"]


def test_instructions_of_a_real_core_are_judged_beside_its_latency() -> None:
    def with_counts(count: int) -> Cell:
        return make_cell(processes=make_processes(*STEADY_MEDIANS, instructions_per_inference=count))

    comparison = compare([with_counts(1_000_000)], [with_counts(1_020_000)])
    assert (comparison.result, only(comparison).decided_by) == ("worse", "instructions")
    assert compare([with_counts(1_000_000)], [with_counts(1_009_000)]).result == "no worse"


@pytest.mark.parametrize(
    ("changes", "caution"),
    [
        ({"peak_rss_bytes": None}, "peak RSS was measured in {} only"),
        (
            {"instructions_per_inference": None, "counters_unavailable": "not permitted"},
            "the count of instructions was measured in {} only: not permitted",
        ),
    ],
)
def test_a_figure_that_the_processes_of_one_side_lack_is_named(changes: dict[str, Any], caution: str) -> None:
    whole = make_cell(processes=make_processes(*STEADY_MEDIANS, instructions_per_inference=1_000_000))
    without = make_cell(
        processes=make_processes(*STEADY_MEDIANS, **{"instructions_per_inference": 1_000_000} | changes)
    )
    assert only(compare([whole], [without])).cautions == (caution.format("base"),)
    assert only(compare([without], [whole])).cautions == (caution.format("new"),)


def test_an_accuracy_of_random_weights_is_not_compared_and_named() -> None:
    measured = evaluated(0.7)
    random = replace(measured, variant=replace(measured.variant, weights=RANDOM_WEIGHTS))
    assert describe_one_sided(measured, random, by_instructions=False) == [
        "accuracy was measured in base only: its weights are random"
    ]
