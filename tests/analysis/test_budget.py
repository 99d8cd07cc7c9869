"""Each figure is compared with its limit at its worse end; a missing one fits no budget."""

import pytest
from msgspec.structs import replace
from picked_cells import MB, MS, cell_of, explain, name, pick

from builders import make_cold
from harness import records
from harness.analysis.process_figures import startups_ns
from harness.records import Cell
from synthetic import EMULATOR


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


def test_where_a_cold_start_was_measured_the_budget_limits_it() -> None:
    cold = replace(cell_of(0.25, 128), cold=make_cold(200, 201, 202, 203, 204, 205))
    unproven = replace(cell_of(0.5, 128), cold=make_cold(200, kept_pages=3))
    answer = pick([cold, unproven], max_startup_ns=150 * MS)
    assert name(answer.best) == "0.5_128_int8"
    assert [each.reasons for each in answer.rejected] == [("start-up up to 204.6 ms is over 150 ms",)]
    assert "cold start-up 202.5 ms" in explain([cold], max_startup_ns=300 * MS)
    caution = "caution: its start-up is with its files in memory, because no cold one is known: "
    assert caution in explain([cold, unproven], max_startup_ns=150 * MS)
    assert caution not in explain([cold], max_startup_ns=300 * MS)
    assert startups_ns(cold) == [ms * MS for ms in (200, 201, 202, 203, 204, 205)]


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
        artifact = replace(counted.artifact, sha256="d" * 64)
        cell = replace(counted, artifact=artifact, instructions_per_inference=unknown)
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
