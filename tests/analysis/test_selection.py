import pytest
from msgspec.structs import replace

from builders import QUIET, STEADY_MEDIANS, make_cell, make_processes
from harness import records
from harness.analysis.selection import pick
from harness.analysis.selection_text import explain
from harness.errors import UsageError
from harness.records import Cell, Variant
from synthetic import EMULATOR, PHONE, simulate_cell

MS = 1_000_000
MB = 1_000_000


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
) -> Cell:
    """A valid cell with just these figures; `measured` brings a checkpoint's weights with it."""
    variant = Variant(width=width, resolution_px=resolution_px, precision=precision, classes=classes)
    if measured is not None:
        variant = replace(variant, weights=records.Weights(source="trained.pt"))
    cell = simulate_cell(device, variant, processes=1, samples=2)
    assert cell.latency is not None
    assert cell.memory is not None
    median = records.Interval(estimate=ms * MS, low=ms * MS * 0.99, high=(worst_ms or ms * 1.01) * MS)
    return replace(
        cell,
        latency=replace(cell.latency, median_ns=median),
        memory=replace(cell.memory, peak_rss_bytes=int(peak_mb * MB)),
        accuracy=None if measured is None else accuracy(measured),
    )


def accuracy(top1: float, dataset: str = "Imagenette") -> records.Accuracy:
    return records.Accuracy(
        top1=records.Interval(estimate=top1, low=top1 - 0.02, high=top1 + 0.02),
        top5=records.Interval(estimate=0.9, low=0.88, high=0.92),
        images=1000,
        dataset=dataset,
        split="validation",
        preprocessing="",
        measured_on="pixel",
        agreement_with_eager=None,
    )


def name(cell: Cell | None) -> str:
    assert cell is not None
    return cell.variant.name.removeprefix("mobilenet_v1_")


def test_the_most_accurate_within_the_budget_is_chosen_and_the_next_is_the_runner_up() -> None:
    cells = [
        cell_of(0.25, 128, ms=2),
        cell_of(0.5, 160, ms=5),
        cell_of(0.75, 160, ms=12),
        cell_of(1.0, 224, ms=30),
    ]
    choice = pick(cells, max_latency_ns=20 * MS)
    assert (name(choice.best), name(choice.runner_up)) == ("0.75_160_int8", "0.5_160_int8")
    assert [name(each.cell) for each in choice.rejected] == ["1_224_int8"]


def test_the_upper_end_of_the_interval_must_meet_the_latency_budget() -> None:
    cells = [cell_of(0.5, 128, ms=5), cell_of(1.0, 224, ms=19, worst_ms=21)]
    choice = pick(cells, max_latency_ns=20 * MS)
    assert name(choice.best) == "0.5_128_int8"
    assert choice.rejected[0].reasons == ("latency up to 21 ms is over 20 ms",)


def test_every_limit_a_cell_breaks_is_told() -> None:
    (rejected,) = pick(
        [cell_of(1.0, 224, ms=30, peak_mb=50)],
        max_latency_ns=20 * MS,
        max_memory_bytes=40 * MB,
        max_size_bytes=1 * MB,
        min_accuracy=0.75,
    ).rejected
    assert [reason.split(" ")[0] for reason in rejected.reasons] == ["latency", "peak", "file", "published"]


def test_published_accuracy_is_used_for_want_of_measured_and_said_to_be_so() -> None:
    choice = pick([cell_of(0.5, 160), cell_of(0.25, 128)], min_accuracy=0.57)
    assert choice.basis == "published"
    assert name(choice.best) == "0.5_160_int8"
    assert "published top-1 57.7%, not measured here" in explain(choice)
    assert "the weights are random" in explain(choice)
    assert choice.rejected[0].reasons == ("published top-1 of 39.9% is under 57.0%",)


def test_measured_accuracy_ranks_against_what_is_published() -> None:
    cells = [cell_of(0.5, 160, measured=0.80), cell_of(1.0, 224, measured=0.70)]
    choice = pick(cells)
    assert (choice.basis, name(choice.best)) == ("measured", "0.5_160_int8")


def test_the_lower_end_of_measured_accuracy_must_meet_the_demand() -> None:
    choice = pick([cell_of(0.5, 160, measured=0.61)], min_accuracy=0.60)
    assert choice.best is None
    assert choice.rejected[0].reasons == ("measured top-1 of at least 59.0% is under 60.0%",)
    assert explain(choice).startswith("No cell is within the budget.")


@pytest.mark.parametrize(
    "other", [cell_of(1.0, 224), replace(cell_of(1.0, 224, measured=0.6), accuracy=accuracy(0.6, "other"))]
)
def test_accuracies_of_unlike_sources_are_not_ranked_together(other: Cell) -> None:
    choice = pick([cell_of(0.5, 160, measured=0.9), other])
    assert (choice.basis, name(choice.best)) == ("published", "1_224_int8")


def test_multiply_accumulates_stand_in_when_no_accuracy_is_known_and_it_is_said() -> None:
    choice = pick([cell_of(0.5, 160, classes=10), cell_of(0.25, 128, classes=10)])
    assert (choice.basis, name(choice.best)) == ("macs", "0.5_160_int8")
    assert "multiply-accumulates standing in for accuracy" in explain(choice)


def test_an_accuracy_nobody_knows_does_not_meet_a_demand() -> None:
    choice = pick([cell_of(0.5, 160, classes=10)], min_accuracy=0.1)
    assert choice.rejected[0].reasons == ("accuracy neither measured nor published",)


def test_the_measured_accuracy_of_random_weights_is_not_the_variants() -> None:
    noise = replace(cell_of(0.5, 160), accuracy=accuracy(0.09))
    assert pick([noise]).basis == "published"


def test_of_equally_accurate_cells_the_faster_is_chosen() -> None:
    slow, fast = cell_of(0.5, 160, ms=9), cell_of(0.5, 160, ms=5)
    assert pick([slow, replace(fast, plan=replace(fast.plan, threads=4))]).best == replace(
        fast, plan=replace(fast.plan, threads=4)
    )


def test_failed_and_invalid_cells_are_never_chosen() -> None:
    good = cell_of(0.25, 128)
    reason = records.Reason(
        code="parity_failed", severity="invalid", affects="result", detail="outputs differ"
    )
    invalid = replace(cell_of(1.0, 224), verdict=records.Verdict(status="invalid", reasons=(reason,)))
    dead = replace(cell_of(1.0, 192), latency=None, failure=records.Failure(what="killed\x1b[2J"))
    choice = pick([invalid, dead, good])
    assert choice.best == good
    assert [each.reasons for each in choice.rejected] == [
        ("invalid: outputs differ",),
        ("failed: killed [2J",),
    ]


def test_a_suspect_cell_is_chosen_with_its_reason_beside_it() -> None:
    reason = records.Reason(code="throttled", severity="suspect", affects="time", detail="it got hot")
    suspect = replace(cell_of(0.5, 160), verdict=records.Verdict(status="suspect", reasons=(reason,)))
    assert "suspect: it got hot" in pick([suspect]).cautions


def test_an_emulated_time_cannot_meet_a_budget_in_milliseconds() -> None:
    with pytest.raises(UsageError, match="the clock of emulator:cortex-a76 is emulated") as caught:
        pick([cell_of(0.5, 160, device=EMULATOR)], max_latency_ns=20 * MS)
    assert "--max-instructions 60M" in caught.value.hint


def test_an_emulated_device_is_budgeted_in_instructions() -> None:
    small, large = cell_of(0.25, 128, device=EMULATOR), cell_of(1.0, 224, device=EMULATOR)
    choice = pick([small, large], max_instructions=60_000_000)
    assert choice.best == small
    assert "instructions up to" in choice.rejected[0].reasons[0]
    assert " ms" not in explain(choice)


def test_a_cell_without_the_figure_asked_for_is_outside_the_budget() -> None:
    choice = pick([cell_of(0.5, 160)], max_instructions=60_000_000)
    assert choice.rejected[0].reasons == ("instructions not measured",)


def test_several_devices_must_be_told_apart() -> None:
    cells = [cell_of(0.5, 160), cell_of(0.5, 160, device=EMULATOR)]
    with pytest.raises(UsageError, match="several devices"):
        pick(cells)
    assert pick(cells, device="PIX").best == cells[0]
    with pytest.raises(UsageError, match="no cell was measured on nokia"):
        pick(cells, device="nokia")


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
    choice = pick(cells, max_startup_ns=100 * MS)
    assert name(choice.best) == "0.25_128_int8"
    assert [each.reasons for each in choice.rejected] == [
        ("start-up up to 101 ms is over 100 ms",),
        ("start-up not measured",),
    ]
    assert "start-up 90 ms" in explain(choice)
    assert "rejected: mobilenet_v1_0.5_128_int8, 1 thread: start-up up to 101 ms" in explain(choice)


def test_an_emulated_startup_cannot_meet_a_budget_in_milliseconds() -> None:
    with pytest.raises(UsageError, match="is emulated: its times cannot be compared with a budget"):
        pick([cell_of(0.5, 160, device=EMULATOR)], max_startup_ns=20 * MS)


def test_a_clock_below_the_maximum_is_cautioned() -> None:
    slower = replace(QUIET, frequencies_khz=(1_000_000,) * 4)
    changes = {"conditions_before": slower, "conditions_after": slower}
    choice = pick([make_cell(processes=make_processes(*STEADY_MEDIANS, **changes))])
    assert "caution: cores 0-3 were measured at 1.00 of 1.80 GHz" in explain(choice)


def test_a_count_of_zero_or_a_missing_one_never_ranks_first() -> None:
    counted = replace(cell_of(0.5, 128, device=EMULATOR), instructions_per_inference=50_000_000)
    for unknown in (0, None):
        cell = replace(counted, instructions_per_inference=unknown)
        assert pick([cell, counted]).best == counted
        assert pick([cell, counted], max_instructions=60_000_000).rejected[0].reasons == (
            "instructions not measured",
        )


def test_a_peak_memory_of_zero_fits_no_budget() -> None:
    (rejected,) = pick([cell_of(0.5, 128, peak_mb=0)], max_memory_bytes=MB).rejected
    assert rejected.reasons == ("peak memory not measured",)


@pytest.mark.parametrize("other", [{"images": 10}, {"preprocessing": "crop"}, {"split": "train"}])
def test_accuracies_of_other_images_or_preprocessing_are_not_ranked_together(
    other: dict[str, int | str],
) -> None:
    one, two = cell_of(0.25, 128, measured=0.9), cell_of(0.5, 128, measured=0.6)
    assert two.accuracy is not None
    assert pick([one, two]).basis == "measured"
    assert pick([one, replace(two, accuracy=replace(two.accuracy, **other))]).basis != "measured"
