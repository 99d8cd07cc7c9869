from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from picked_cells import MB, MS, accuracy, cell_of, explain, name, pick, suspect

from harness.analysis.selection import pick as pick_for_devices
from harness.errors import UsageError
from harness.records import Cell
from harness.records.outcomes import Outcomes, outcomes_key


def test_the_most_accurate_within_the_budget_is_chosen_and_the_next_is_the_runner_up() -> None:
    cells = [
        cell_of(0.25, 128, ms=2),
        cell_of(0.5, 160, ms=5),
        cell_of(0.75, 160, ms=12),
        cell_of(1.0, 224, ms=30),
    ]
    answer = pick(cells, max_latency_ns=20 * MS)
    assert (name(answer.best), name(answer.runner_up)) == ("0.75_160_int8", "0.5_160_int8")
    assert [each.cell for each in answer.rejected] == [cells[3]]


def test_the_upper_end_of_the_interval_must_meet_the_latency_budget() -> None:
    cells = [cell_of(0.5, 128, ms=5), cell_of(1.0, 224, ms=19, worst_ms=21)]
    answer = pick(cells, max_latency_ns=20 * MS)
    assert name(answer.best) == "0.5_128_int8"
    assert answer.rejected[0].reasons == ("latency up to 21 ms is over 20 ms",)


def test_every_limit_that_a_cell_misses_is_named() -> None:
    rejected = pick(
        [cell_of(1.0, 224, ms=30, peak_mb=50), cell_of(0.25, 128)],
        max_latency_ns=20 * MS,
        max_memory_bytes=40 * MB,
        max_size_bytes=1 * MB,
        min_accuracy=0.75,
    ).rejected[0]
    assert [reason.split(" ")[0] for reason in rejected.reasons] == ["latency", "peak", "file", "published"]


def test_published_accuracy_ranks_where_none_was_measured_and_is_named_so() -> None:
    cells = [cell_of(0.5, 160), cell_of(0.25, 128)]
    answer = pick(cells, min_accuracy=0.57)
    assert (answer.basis, name(answer.best)) == ("published", "0.5_160_int8")
    text = explain(cells, min_accuracy=0.57, all_rejected=True)
    assert "published top-1 57.7%, not measured here" in text
    assert "its accuracy is the published one of checkpoints of that shape, not measured here" in text
    assert "the weights are random" in text
    assert answer.rejected[0].reasons == ("published top-1 of 39.9% is under 57.0%",)


def test_measured_accuracy_ranks_against_what_is_published() -> None:
    answer = pick([cell_of(0.5, 160, measured=0.80), cell_of(1.0, 224, measured=0.70)])
    assert (answer.basis, name(answer.best)) == ("measured", "0.5_160_int8")


def test_the_lower_end_of_measured_accuracy_must_meet_the_demand() -> None:
    cells = [cell_of(0.5, 160, measured=0.61)]
    answer = pick(cells, min_accuracy=0.60)
    assert answer.best is None
    assert answer.rejected[0].reasons == ("measured top-1 of at least 59.0% is under 60.0%",)
    text = explain(cells, min_accuracy=0.60)
    assert "no cell is within the budget" in text
    assert "relax --min-accuracy to 59%" in text


@pytest.mark.parametrize(
    "other", [cell_of(1.0, 224), replace(cell_of(1.0, 224, measured=0.6), accuracy=accuracy(0.6, "Other"))]
)
def test_cells_without_an_accuracy_on_the_same_data_are_set_aside_by_name(other: Cell) -> None:
    cells = [cell_of(0.5, 160, measured=0.9), cell_of(0.25, 160, measured=0.5), other]
    answer = pick(cells)
    assert (answer.basis, name(answer.best)) == ("measured", "0.5_160_int8")
    assert [name(one) for one in answer.set_aside] == ["1_224_int8"]
    text = explain(cells)
    assert "the most accurate of 2 candidates, measured on Imagenette validation, 1,000 images" in text
    assert (
        "set aside, no accuracy on Imagenette validation, 1,000 images: mobilenet_v1_1_224_int8, 1 thread"
        in text
    )


def test_the_largest_network_is_never_called_the_most_accurate() -> None:
    cells = [cell_of(0.5, 160, classes=10), cell_of(0.25, 128, classes=10)]
    answer = pick(cells)
    assert (answer.basis, name(answer.best)) == ("none", "0.5_160_int8")
    text = explain(cells)
    assert "the largest network of 2 candidates; no accuracy is known" in text
    assert "most accurate" not in text


def test_an_accuracy_nobody_knows_does_not_meet_a_demand() -> None:
    answer = pick([cell_of(0.5, 160, classes=10), cell_of(0.5, 128)], min_accuracy=0.1)
    assert answer.rejected[0].reasons == ("accuracy neither measured nor published",)


def test_a_budget_that_no_cell_has_a_figure_for_is_refused() -> None:
    with pytest.raises(UsageError, match="no cell has an accuracy"):
        pick([cell_of(0.5, 160, classes=10)], min_accuracy=0.1)
    with pytest.raises(UsageError, match="no cell has a figure for the instructions that --max-instructions"):
        pick([cell_of(0.5, 160)], max_instructions=60_000_000)


def test_the_measured_accuracy_of_random_weights_is_not_the_variants() -> None:
    noise = replace(cell_of(0.5, 160), accuracy=accuracy(0.09))
    assert pick([noise]).basis == "published"


# One file in several placements --------------------------------------------------------------------


def test_threads_and_cores_of_one_file_are_one_candidate_and_the_best_placement_is_named() -> None:
    cells = [
        cell_of(0.5, 160, ms=9),
        cell_of(0.5, 160, ms=5, threads=2, cores="6-7"),
        cell_of(0.5, 160, ms=7, threads=4, cores="0-3"),
        cell_of(0.25, 128, ms=2),
    ]
    answer = pick(cells)
    assert len(answer.ranked) == 2
    assert answer.best is not None
    assert answer.best.cell == cells[1]
    text = explain(cells)
    assert "ship mobilenet_v1_0.5_160_int8, 2 threads on prime cores (6-7)" in text
    assert "also measured: 4 threads on little cores (0-3) (at most 7.07 ms); 1 thread (at" in text


def test_a_valid_placement_beats_a_faster_suspect_one() -> None:
    cells = [cell_of(0.5, 160, ms=9), suspect(cell_of(0.5, 160, ms=5, threads=2))]
    answer = pick(cells)
    assert answer.best is not None
    assert answer.best.cell == cells[0]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"threads": (2, 4)}, "with 1 thread, not 2 or 4"),
        ({"cores": "prime"}, "placed on any core, not on prime"),
        ({"precisions": ("fp32",)}, "in int8, not fp32"),
    ],
)
def test_only_what_is_asked_for_is_considered(limits: dict[str, Any], reason: str) -> None:
    wanted = cell_of(0.25, 128, threads=2, cores="6-7", precision="fp32")
    answer = pick([wanted, cell_of(0.5, 160)], **limits)
    assert answer.best is not None
    assert answer.best.cell == wanted
    assert answer.rejected[0].reasons == (reason,)
    assert answer.upgrades == ()


# Accuracies that cannot be told apart --------------------------------------------------------------


def outcomes_of(cell: Cell, outcomes: str, dataset: str = "d" * 64) -> dict[tuple[object, ...], Outcomes]:
    assert cell.accuracy is not None
    saved = Outcomes(
        accuracy=cell.accuracy,
        artifact_sha256=cell.artifact.sha256,
        dataset_identity=dataset,
        preprocessing=msgspec.Raw(b"{}"),
        outcomes=outcomes,
    )
    return {outcomes_key(cell.artifact.sha256, cell.accuracy): saved}


def test_of_candidates_that_cannot_be_told_apart_the_cheaper_is_chosen() -> None:
    cells = [cell_of(0.75, 160, ms=12, measured=0.704), cell_of(0.5, 160, ms=5, measured=0.7)]
    answer = pick(cells)
    assert (name(answer.best), answer.tied) == ("0.5_160_int8", 2)
    assert "2 candidates have indistinguishable accuracies; this is the cheapest valid one" in explain(cells)


def test_the_saved_outcomes_tell_apart_what_the_intervals_cannot() -> None:
    large, small = cell_of(0.75, 160, ms=12, measured=0.704), cell_of(0.5, 160, ms=5, measured=0.7)
    # All images that differ are the larger one's: exact binomial p = 2 / 2**8.
    alike = "1" * 1400 + "0" * 592
    saved = outcomes_of(large, alike + "1" * 8) | outcomes_of(small, alike + "0" * 8)
    (answer,) = pick_for_devices([large, small], outcomes=saved).answers
    assert (name(answer.best), answer.tied) == ("0.75_160_int8", 1)
    other_images = outcomes_of(large, alike + "1" * 8) | outcomes_of(small, alike + "0" * 8, "e" * 64)
    (answer,) = pick_for_devices([large, small], outcomes=other_images).answers
    assert (name(answer.best), answer.tied) == ("0.5_160_int8", 2)


def test_a_difference_of_more_than_half_a_point_counts_however_few_the_images() -> None:
    few = [
        replace(cell_of(0.75, 160, ms=12, measured=0.706), accuracy=accuracy(0.706, images=50)),
        replace(cell_of(0.5, 160, ms=5, measured=0.70), accuracy=accuracy(0.70, images=50)),
    ]
    assert (name(pick(few).best), pick(few).tied) == ("0.75_160_int8", 1)


def test_among_equals_a_valid_cell_beats_a_cheaper_suspect_one_and_an_imprecise_one_loses() -> None:
    precise = cell_of(0.5, 160, ms=9, worst_ms=9.2, measured=0.7)
    imprecise = cell_of(0.5, 192, ms=8, worst_ms=12, measured=0.7)
    cheap = suspect(cell_of(0.5, 128, ms=5, measured=0.7))
    answer = pick([imprecise, cheap, precise])
    assert [one.cell for one in answer.ranked] == [precise, imprecise, cheap]


def test_memory_and_then_file_size_decide_between_equal_costs() -> None:
    def equals(**changes: Any) -> Cell:
        return cell_of(0.5, 160, ms=9, measured=0.7, **changes)

    heavy, light = equals(peak_mb=30), replace(equals(peak_mb=25), variant=cell_of(0.5, 192).variant)
    light = replace(light, variant=replace(light.variant, weights=heavy.variant.weights))
    answer = pick([heavy, light])
    assert answer.best is not None
    assert answer.best.cell == light


def test_a_cell_without_a_latency_is_never_shipped() -> None:
    bare = replace(cell_of(1.0, 224), processes=(), latency=None, memory=None, startup=None)
    answer = pick([bare, cell_of(0.5, 128)])
    assert name(answer.best) == "0.5_128_int8"
    assert [one.reasons for one in answer.rejected] == [("without a latency",)]


def test_the_accuracy_of_a_file_is_that_of_any_of_its_cells_on_the_data_that_is_ranked() -> None:
    few = replace(cell_of(1.0, 224, ms=30, measured=0.8), accuracy=accuracy(0.8, images=500))
    many = cell_of(1.0, 224, ms=20, threads=2, measured=0.8)
    small = cell_of(0.5, 128, ms=5, measured=0.6)
    answer = pick([few, many, small])
    assert (name(answer.best), answer.set_aside) == ("1_224_int8", ())
    assert "measured on Imagenette validation, 1,000 images" in explain([few, many, small])
    beyond = pick([few, many, small], max_latency_ns=10 * MS)
    assert [one.candidate.cell for one in beyond.upgrades] == [many]


def test_of_several_measurements_of_a_file_in_one_placement_the_worst_valid_one_counts() -> None:
    """The luckiest run promises what the others did not keep."""
    runs = [cell_of(0.5, 160, ms=ms) for ms in (10.3, 9.9, 10.1)]
    answer = pick(runs, max_latency_ns=20 * MS)
    assert answer.best is not None
    assert answer.best.cell is runs[0]
    assert answer.best.repeats == (runs[1], runs[2])
    assert answer.best.other_placements == ()
    text = explain(runs, max_latency_ns=20 * MS)
    assert (
        "measured 3 times, from at most 9.999 ms to at most 10.4 ms: the costliest valid one counts" in text
    )
    # The nearest miss is that of the cell that counts, and it is rejected once.
    over = pick(runs, max_latency_ns=10 * MS)
    assert over.best is None
    assert [one.cell for one in over.rejected] == [runs[0]]
    # What was disturbed does not count beside what was not.
    calm = pick([suspect(runs[0]), *runs[1:]], max_latency_ns=20 * MS)
    assert calm.best is not None
    assert calm.best.cell is runs[2]


def test_another_placement_is_no_repeated_measurement() -> None:
    answer = pick([cell_of(0.5, 160, ms=10), cell_of(0.5, 160, ms=6, threads=2)])
    assert answer.best is not None
    assert (answer.best.cell.plan.threads, answer.best.repeats) == (2, ())
