from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from builders import QUIET, STEADY_MEDIANS, make_cell, make_processes
from harness import records
from harness.analysis.budget import Budget
from harness.analysis.candidates import Candidate
from harness.analysis.selection import Answer, cautions
from harness.analysis.selection import pick as pick_for_devices
from harness.analysis.selection_text import explain as explain_selection
from harness.errors import UsageError
from harness.records import Cell, Variant
from harness.records.outcomes import Outcomes, outcomes_key
from synthetic import EMULATOR, PHONE, simulate_cell

MS = 1_000_000
MB = 1_000_000
PI = replace(PHONE, name="pi4", model="Raspberry Pi 4", boot_id="other")


def cell_of(
    width: float,
    resolution_px: int,
    *,
    ms: float = 10.0,
    worst_ms: float | None = None,
    peak_mb: float = 20.0,
    measured: float | None = None,
    precision: records.PrecisionName = "int8",
    device: records.DeviceInfo = PHONE,
    classes: int = 1000,
    threads: int = 1,
    cores: str | None = None,
) -> Cell:
    """A valid cell with just these figures; `measured` brings a checkpoint's weights with it."""
    variant = Variant(width=width, resolution_px=resolution_px, precision=precision, classes=classes)
    if measured is not None:
        variant = replace(variant, weights=records.Weights(source="trained.pt"))
    cell = simulate_cell(device, variant, processes=1, samples=2, threads=threads)
    assert cell.latency is not None
    assert cell.memory is not None
    median = records.Interval(estimate=ms * MS, low=ms * MS * 0.99, high=(worst_ms or ms * 1.01) * MS)
    peak = int(peak_mb * MB)
    return replace(
        cell,
        plan=replace(cell.plan, cpus=cores),
        latency=replace(cell.latency, median_ns=median),
        processes=tuple(replace(one, peak_rss_bytes=peak) for one in cell.processes),
        memory=replace(cell.memory, peak_rss_bytes=peak),
        accuracy=None if measured is None else accuracy(measured),
    )


def accuracy(top1: float, dataset: str = "Imagenette", images: int = 1000) -> records.Accuracy:
    return records.Accuracy(
        top1=records.Interval(estimate=top1, low=top1 - 0.02, high=top1 + 0.02),
        top5=records.Interval(estimate=0.9, low=0.88, high=0.92),
        images=images,
        dataset=dataset,
        split="validation",
        preprocessing="",
        measured_on="pixel",
        agreement_with_eager=None,
    )


def suspect(cell: Cell) -> Cell:
    reason = records.Reason(code="throttled", severity="suspect", affects="time", detail="the clock fell")
    return replace(cell, verdict=records.Verdict(status="suspect", reasons=(reason,)))


def name(candidate: Candidate | None) -> str:
    assert candidate is not None
    return candidate.cell.variant.name.removeprefix("mobilenet_v1_")


def pick(cells: Sequence[Cell], **limits: Any) -> Answer:
    """The answer for the only device."""
    (answer,) = pick_for_devices(cells, Budget(**limits)).answers
    return answer


def explain(cells: Sequence[Cell], *, all_rejected: bool = False, **limits: Any) -> str:
    return explain_selection(pick_for_devices(cells, Budget(**limits)), all_rejected=all_rejected)


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
    assert "by the published accuracy of checkpoints of that shape, not measured here" in text
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
    assert "the most accurate of 2 within the budget, measured on Imagenette validation, 1,000 images" in text
    assert (
        "set aside, no accuracy on Imagenette validation, 1,000 images: mobilenet_v1_1_224_int8, 1 thread"
        in text
    )


def test_the_largest_network_is_never_called_the_most_accurate() -> None:
    cells = [cell_of(0.5, 160, classes=10), cell_of(0.25, 128, classes=10)]
    answer = pick(cells)
    assert (answer.basis, name(answer.best)) == ("none", "0.5_160_int8")
    text = explain(cells)
    assert "the largest network of 2 within the budget; no accuracy is known" in text
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
    assert (
        "also measured within the budget: 4 threads on little cores (0-3) (at most 7.07 ms); 1 thread (at"
        in text
    )


def test_a_valid_placement_beats_a_faster_suspect_one() -> None:
    cells = [cell_of(0.5, 160, ms=9), suspect(cell_of(0.5, 160, ms=5, threads=2))]
    answer = pick(cells)
    assert answer.best is not None
    assert answer.best.cell == cells[0]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"threads": (2, 4)}, "1 threads is not 2 or 4"),
        ({"cores": "prime"}, "placed on any core, not on prime"),
        ({"precisions": ("fp32",)}, "precision int8 is not fp32"),
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


# What stands beside the answer ---------------------------------------------------------------------


def test_failed_and_invalid_cells_are_never_chosen() -> None:
    good = cell_of(0.25, 128)
    reason = records.Reason(
        code="parity_failed", severity="invalid", affects="result", detail="outputs differ"
    )
    invalid = replace(cell_of(1.0, 224), verdict=records.Verdict(status="invalid", reasons=(reason,)))
    dead = replace(cell_of(1.0, 192), latency=None, failure=records.Failure(what="killed\x1b[2J"))
    answer = pick([invalid, dead, good])
    assert answer.best is not None
    assert answer.best.cell == good
    assert [each.reasons for each in answer.rejected] == [
        ("invalid: outputs differ",),
        ("failed: killed [2J",),
    ]
    assert "rejected: 2 of the cells (1 invalid, 1 failed); --all lists them" in explain(
        [invalid, dead, good]
    )
    with pytest.raises(UsageError, match="no cell can be chosen: 1 failed, 1 are invalid"):
        pick([invalid, dead])


def test_a_suspect_cell_is_chosen_with_its_reason_beside_it() -> None:
    best = pick([suspect(cell_of(0.5, 160))]).best
    assert best is not None
    assert "suspect: the clock fell" in cautions(best, "published")


def test_a_suspect_runner_up_is_called_so() -> None:
    text = explain([cell_of(0.5, 160), suspect(cell_of(0.25, 128))])
    assert "runner-up, suspect: mobilenet_v1_0.25_128_int8" in text


def test_an_informative_reason_is_no_caution() -> None:
    reason = records.Reason(code="unsampled", severity="info", affects="time", detail="nothing was sampled")
    best = pick([replace(cell_of(0.5, 160), verdict=records.Verdict(status="valid", reasons=(reason,)))]).best
    assert best is not None
    assert not any("sampled" in caution for caution in cautions(best, "published"))


def test_a_clock_below_the_maximum_is_cautioned() -> None:
    slower = replace(QUIET, frequencies_khz=(1_000_000,) * 4)
    changes = {"conditions_before": slower, "conditions_after": slower}
    cells = [make_cell(processes=make_processes(*STEADY_MEDIANS, **changes))]
    assert "caution: cores 0-3 were measured at 1.00 of 1.80 GHz" in explain(cells)


def test_the_answer_names_the_file_and_its_hash() -> None:
    cell = cell_of(0.5, 160)
    assert f"file mobilenet_v1_0.5_160_int8.pte, sha256 {cell.artifact.sha256}" in explain([cell])


def test_the_limit_that_binds_and_what_more_of_it_buys_are_named() -> None:
    cells = [
        cell_of(0.5, 160, ms=5, measured=0.60),
        cell_of(0.75, 160, ms=21, worst_ms=21.3, measured=0.65),
        cell_of(1.0, 160, ms=24, worst_ms=25, measured=0.70),
        cell_of(1.0, 224, ms=40, peak_mb=60, measured=0.75),
    ]
    text = explain(cells, max_latency_ns=20 * MS, max_memory_bytes=50 * MB)
    bought = "1.3 ms more buys +5.0 points (3.8 points per ms): mobilenet_v1_0.75_160_int8"
    assert f"the latency limit binds: {bought}" in text
    (upgrade,) = pick(cells, max_latency_ns=20 * MS, max_memory_bytes=50 * MB).upgrades
    assert upgrade.gain_pp == pytest.approx(5.0)


def test_a_better_cell_that_misses_several_limits_is_named_with_all_of_them() -> None:
    cells = [cell_of(0.5, 160, ms=5, measured=0.6), cell_of(1.0, 224, ms=40, peak_mb=60, measured=0.75)]
    text = explain(cells, max_latency_ns=20 * MS, max_memory_bytes=50 * MB)
    assert "next better: mobilenet_v1_1_224_int8, 1 thread (+15.0 points) misses several limits:" in text


def test_where_nothing_fits_the_nearest_cell_and_the_limit_to_relax_are_named() -> None:
    cells = [cell_of(0.5, 160, ms=5, worst_ms=5.3), cell_of(1.0, 224, ms=30)]
    answer = pick(cells, max_latency_ns=5 * MS)
    assert answer.best is None
    assert answer.nearest is not None
    assert answer.nearest.cell == cells[0]
    assert "latency up to 5.3 ms is over 5 ms: relax --max-latency to 5.3ms" in explain(
        cells, max_latency_ns=5 * MS
    )


def test_the_value_that_relaxes_a_limit_admits_the_cell() -> None:
    cell = cell_of(0.5, 160, ms=5, worst_ms=5.300_000_4)
    assert "relax --max-latency to 5.301ms" in explain([cell], max_latency_ns=5 * MS)
    assert pick([cell], max_latency_ns=5_301_000).best is not None


def test_the_probability_that_it_meets_the_budget_is_stated_where_there_is_one() -> None:
    cell = make_cell()
    assert pick([cell], max_latency_ns=11 * MS).probability == pytest.approx(1, abs=1e-3)
    assert pick([cell]).probability is None
    assert "probability that it meets the budget: over 99 %" in explain([cell], max_latency_ns=11 * MS)


def test_the_probability_of_an_accuracy_is_that_of_its_images() -> None:
    cell = replace(cell_of(0.5, 160, measured=0.62), accuracy=accuracy(0.62, images=1000))
    # Score test: 0.02 / sqrt(0.6 * 0.4 / 1000) = 1.291 standard deviations.
    assert pick([cell], min_accuracy=0.6).probability == pytest.approx(0.9017, abs=1e-3)


# Devices and clocks --------------------------------------------------------------------------------


def test_an_emulated_time_cannot_meet_a_budget_in_milliseconds() -> None:
    for limit in ({"max_latency_ns": 20 * MS}, {"max_startup_ns": 20 * MS}):
        with pytest.raises(UsageError, match="the clock of emulator:cortex-a76 is emulated") as caught:
            pick([cell_of(0.5, 160, device=EMULATOR)], **limit)
        assert "--max-instructions 60M" in caught.value.hint


def test_an_emulated_device_is_budgeted_in_instructions() -> None:
    cells = [cell_of(0.25, 128, device=EMULATOR), cell_of(1.0, 224, device=EMULATOR)]
    answer = pick(cells, max_instructions=60_000_000)
    assert answer.best is not None
    assert answer.best.cell == cells[0]
    assert "instructions up to" in answer.rejected[0].reasons[0]
    assert " ms" not in explain(cells, max_instructions=60_000_000)


def test_a_cell_without_the_figure_asked_for_is_outside_the_budget() -> None:
    bare, counted = cell_of(0.5, 160), cell_of(0.25, 128)
    counted = replace(counted, instructions_per_inference=50_000_000)
    assert pick([bare, counted], max_instructions=60_000_000).rejected[0].reasons == (
        "instructions not measured",
    )


def test_each_device_has_an_answer_and_the_best_file_for_all_is_named() -> None:
    cells = [
        cell_of(0.5, 160, ms=5),
        cell_of(1.0, 224, ms=15),
        cell_of(0.5, 160, ms=18, device=PI),
        cell_of(1.0, 224, ms=60, device=PI),
    ]
    selection = pick_for_devices(cells, Budget(max_latency_ns=20 * MS))
    assert [name(answer.best) for answer in selection.answers] == ["1_224_int8", "0.5_160_int8"]
    assert selection.for_all is not None
    assert [one.cell for one in selection.for_all.candidates] == [cells[0], cells[2]]
    text = explain_selection(selection)
    assert text.startswith("pixel: ship mobilenet_v1_1_224_int8, 1 thread\n")
    assert "\npi4: ship mobilenet_v1_0.5_160_int8, 1 thread\n" in text
    assert "for all 2 devices: ship mobilenet_v1_0.5_160_int8" in text


def test_no_file_for_all_devices_is_an_answer_too() -> None:
    cells = [cell_of(0.5, 160), cell_of(0.25, 128, device=PI)]
    assert "for all 2 devices: no file is within the budget on each of them" in explain_selection(
        pick_for_devices(cells)
    )


def test_an_emulated_device_beside_a_real_one_is_left_out_of_a_budget_in_milliseconds() -> None:
    cells = [cell_of(0.5, 160), cell_of(0.5, 160, device=EMULATOR)]
    selection = pick_for_devices(cells, Budget(max_latency_ns=20 * MS))
    assert [answer.device.name for answer in selection.answers] == ["pixel"]
    assert "emulator:cortex-a76: left out, its clock cannot keep a budget in milliseconds" in (
        explain_selection(selection)
    )


def test_a_device_is_named_in_full_or_in_part() -> None:
    cells = [cell_of(0.5, 160), cell_of(0.5, 160, device=EMULATOR)]
    assert [one.device.name for one in pick_for_devices(cells, device="PIX").answers] == ["pixel"]
    with pytest.raises(UsageError, match="no cell was measured on nokia") as caught:
        pick_for_devices(cells, device="nokia")
    assert caught.value.hint == "measured were: pixel, emulator:cortex-a76"


def test_two_machines_of_one_name_are_answered_apart() -> None:
    twin = replace(PHONE, kernel="6.1", boot_id="twin")
    selection = pick_for_devices([cell_of(0.5, 160), cell_of(1.0, 224, device=twin)])
    assert len(selection.answers) == 2
    assert len({answer.device.name for answer in selection.answers}) == 2


# Figures -------------------------------------------------------------------------------------------


def test_startup_is_load_init_and_first_inference_and_its_upper_end_must_meet_the_budget() -> None:
    def starting(cell: Cell, ms: float, worst_ms: float) -> Cell:
        total = records.Interval(estimate=ms * MS, low=ms * MS, high=worst_ms * MS)
        return replace(
            cell, startup=records.Startup(load_ns=total, init_ns=total, first_ns=total, total_ns=total)
        )

    cells = [
        starting(cell_of(0.25, 128), 90, 100),
        starting(cell_of(0.5, 128), 95, 101),
        replace(cell_of(1.0, 128), startup=None),
    ]
    answer = pick(cells, max_startup_ns=100 * MS)
    assert name(answer.best) == "0.25_128_int8"
    assert [each.reasons for each in answer.rejected] == [
        ("start-up up to 101 ms is over 100 ms",),
        ("start-up not measured",),
    ]
    text = explain(cells, max_startup_ns=100 * MS, all_rejected=True)
    assert "start-up 90 ms" in text
    assert "rejected: mobilenet_v1_0.5_128_int8, 1 thread: start-up up to 101 ms" in text


@pytest.mark.parametrize(("limit", "percentile"), [("max_p90_ns", "p90"), ("max_p99_ns", "p99")])
def test_a_percentile_budget_is_met_by_the_upper_end_of_its_interval_and_orders_equals(
    limit: str, percentile: str
) -> None:
    def tailed(cell: Cell, high_ms: float) -> Cell:
        assert cell.latency is not None
        tail = records.Interval(estimate=9 * MS, low=8 * MS, high=high_ms * MS)
        return replace(cell, latency=replace(cell.latency, **{f"{percentile}_interval_ns": tail}))

    fast_median = tailed(cell_of(0.5, 160, ms=4, measured=0.7), 19)
    short_tail = tailed(cell_of(0.5, 192, ms=6, measured=0.7), 10)
    over = tailed(cell_of(1.0, 224, ms=4, measured=0.9), 20.5)
    answer = pick([fast_median, short_tail, over], **{limit: 20 * MS})
    assert [one.cell for one in answer.ranked] == [short_tail, fast_median]
    assert answer.rejected[0].reasons == (f"{percentile} latency up to 20.5 ms is over 20 ms",)
    assert answer.probability == pytest.approx(1, abs=1e-3)


def test_the_highest_peak_of_any_process_must_meet_the_memory_budget() -> None:
    cell = cell_of(0.5, 128)
    (process,) = cell.processes
    twice = (process, replace(process, peak_rss_bytes=31 * MB))
    (rejected,) = pick(
        [replace(cell, processes=twice), cell_of(0.25, 128)], max_memory_bytes=30 * MB
    ).rejected
    assert rejected.reasons == ("peak memory up to 31 MB is over 30 MB",)


def test_a_count_of_zero_or_a_missing_one_never_ranks_first() -> None:
    counted = replace(cell_of(0.5, 128, device=EMULATOR), instructions_per_inference=50_000_000, processes=())
    for unknown in (0, None):
        cell = replace(counted, instructions_per_inference=unknown)
        best = pick([cell, counted]).best
        assert best is not None
        assert best.cell == counted
        assert pick([cell, counted], max_instructions=60_000_000).rejected[0].reasons == (
            "instructions not measured",
        )


def test_a_peak_memory_of_zero_fits_no_budget() -> None:
    (rejected,) = pick([cell_of(0.5, 128, peak_mb=0), cell_of(0.25, 128)], max_memory_bytes=30 * MB).rejected
    assert rejected.reasons == ("peak memory not measured",)


@pytest.mark.parametrize("other", [{"images": 10}, {"preprocessing": "crop"}, {"split": "train"}])
def test_accuracies_of_other_images_or_preprocessing_are_not_ranked_together(
    other: dict[str, int | str],
) -> None:
    one, two = cell_of(0.25, 128, measured=0.6), cell_of(0.5, 128, measured=0.9)
    assert two.accuracy is not None
    assert [name(each) for each in pick([one, two]).ranked] == ["0.5_128_int8", "0.25_128_int8"]
    answer = pick([one, replace(two, accuracy=replace(two.accuracy, **other))])
    assert (len(answer.ranked), len(answer.set_aside)) == (1, 1)
