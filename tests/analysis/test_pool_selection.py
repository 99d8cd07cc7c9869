"""One answer for a pool: the cells of all its devices are the candidates."""

import math
from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from picked_cells import MS, name
from pooled_cells import SLOWEST, decide, on, phone, pool_cells, pool_run

from builders import failed, make_run
from harness.analysis.budget import Budget
from harness.analysis.device_pools import find_pools
from harness.analysis.ladder import climb_each
from harness.analysis.machines import cells_of_runs
from harness.analysis.pool_facts import pool_facts
from harness.analysis.selection import Answer, Selection, pick
from harness.analysis.selection_text import explain, explain_ladders
from harness.analysis.units import spread_between_units
from harness.errors import UsageError
from harness.records import Cell
from synthetic import EMULATOR


def only(selection: Selection) -> Answer:
    (answer,) = selection.answers
    return answer


def test_the_cells_of_all_devices_are_the_candidates_of_one_answer() -> None:
    selection = decide(pool_cells(), 20.0)
    answer = only(selection)
    assert answer.best is not None
    assert (name(answer.best), answer.best.cell.device.name) == ("0.5_128_int8", "emu-c")
    assert answer.device.name == "any of tag:pixel6"
    assert (len(answer.ranked), selection.for_all, selection.complete) == (2, None, True)


def test_without_a_pool_each_device_answers_from_its_own_cells() -> None:
    cells = pool_cells()
    selection = decide(cells, 20.0, run=make_run(cells))
    assert [answer.device.name for answer in selection.answers] == list(SLOWEST)
    assert [name(answer.best) for answer in selection.answers] == [
        "0.25_128_int8",
        "0.25_128_int8",
        "0.5_128_int8",
    ]


def test_the_answer_says_which_device_measured_it_and_how_unequal_they_are() -> None:
    text = explain(decide(pool_cells(), 30.5))
    assert text.startswith("any of tag:pixel6 (3 devices): ship mobilenet_v1_0.75_128_int8, 1 thread\n")
    assert "\n  measured on emu-a, one of 3 devices\n" in text
    assert (
        "\n  the slowest of 3 devices took 4.0% more than the fastest (mobilenet_v1_0.25_128_int8, 1 thread);"
        " 95% of further devices of this model lie within" in text
    )
    # Of another device the probability is not known.
    assert "\n  probability that it meets the budget on emu-a: " in text
    assert "for all" not in text


def test_the_slowest_device_counts_where_several_measured_a_file() -> None:
    answer = only(decide(pool_cells(), 11.0))
    assert answer.best is not None
    assert answer.best.cell.device.name == "emu-c"
    assert [one.cell.device.name for one in answer.rejected] == ["emu-c", "emu-a"]
    over = only(decide(pool_cells(), 10.3))
    assert over.best is None
    assert over.nearest is not None
    assert over.nearest.cell.device.name == "emu-c"


def test_a_device_that_misses_another_limit_counts_before_the_slowest_one() -> None:
    hungry = on("emu-a", 0.25, 10.0, peak_mb=50.0)
    cells = (hungry, on("emu-b", 0.25, 12.0))
    pools = find_pools([(pool_run(cells), cells)])
    budget = Budget(max_latency_ns=20 * MS, max_memory_bytes=30_000_000)
    answer = only(pick(cells_of_runs([cells]), budget, pools=pools))
    assert answer.best is None
    assert [one.cell.device.name for one in answer.rejected] == ["emu-a"]


def test_a_device_that_failed_or_lacks_a_figure_is_not_the_worst_one() -> None:
    cells = (*pool_cells(), failed(on("emu-d", 0.25, 10.0)))
    answer = only(decide(cells, 11.0))
    assert answer.best is not None
    assert answer.best.cell.device.name == "emu-c"
    without = replace(on("emu-d", 0.25, 10.0), latency=None)
    answer = only(decide((*pool_cells(), without), 11.0))
    assert answer.best is not None
    assert answer.best.cell.device.name == "emu-c"


def cautions(cells: Sequence[Cell], max_ms: float) -> list[str]:
    lines = [line.strip() for line in explain(decide(cells, max_ms)).splitlines()]
    return [line for line in lines if line.startswith("caution: ") and "device" in line]


def test_a_limit_that_a_further_device_could_miss_is_cautioned_with_the_figure() -> None:
    (spread,) = spread_between_units(pool_cells())
    assert spread.next_high is not None
    mean = math.prod(SLOWEST.values()) ** (1 / 3)
    # The device of the chosen cell is the slowest: the factor is not less than that of the mean.
    figure = 19.0 * spread.next_high
    (line,) = cautions(pool_cells(), 19.5)
    assert (
        f"latency on a further device could be up to {figure:.4g} ms, over 19.5 ms: 3 devices differ" in line
    )
    # emu-a is the fastest, so that a further device is slower still.
    (line,) = cautions(pool_cells(), 30.5)
    assert f"up to {30.0 * spread.next_high * mean / 10.0:.4g} ms, over 30.5 ms" in line
    assert cautions(pool_cells(), 60.0) == []


def test_of_two_devices_the_difference_between_them_is_the_caution() -> None:
    cells = (on("emu-a", 0.25, 10.0), on("emu-b", 0.25, 11.0), on("emu-b", 0.5, 19.0))
    (line,) = cautions(cells, 20.0)
    assert line == (
        "caution: latency on a further device could be up to 20.9 ms, over 20 ms:"
        " the 2 devices differ by 10.0%"
    )
    assert "3 devices would show where a further one lies" in explain(decide(cells, 20.0))
    assert cautions(cells, 21.0) == []


def test_with_one_measured_device_nothing_shows_how_equal_they_are() -> None:
    alone = "only emu-a of the pool has cells that can be used: nothing shows how equal its devices are"
    cells = (on("emu-a", 0.25, 10.0), failed(on("emu-b", 0.25, 10.0)))
    text = explain(decide(cells, 20.0))
    assert f"caution: {alone}" in text
    assert "measured on emu-a, one of 2 devices" in text
    text = explain(decide(cells[:1], 20.0))
    assert f"caution: {alone}" in text
    assert "measured on emu-a, the only measured device of the pool" in text
    apart = (on("emu-a", 0.25, 10.0), on("emu-b", 0.5, 10.0))
    assert "caution: no cell was measured on two devices of the pool" in explain(decide(apart, 20.0))


@pytest.mark.parametrize("wanted", ["any of tag:pixel6", "pixel6", "emu-b", "EMU"])
def test_a_pool_is_found_by_its_name_and_by_that_of_a_member(wanted: str) -> None:
    pooled = decide(pool_cells(), 20.0, device=wanted)
    assert only(pooled).device.name == "any of tag:pixel6"
    with pytest.raises(UsageError, match="no cell was measured on toaster") as refused:
        decide(pool_cells(), 20.0, device="toaster")
    assert refused.value.hint == "measured were: any of tag:pixel6"


def test_devices_of_other_models_clocks_or_cores_stay_apart_and_that_is_said() -> None:
    other = [
        replace(cell, device=replace(cell.device, name=f"other-{cell.device.name}", model="Pixel 7"))
        for cell in pool_cells()[:2]
    ]
    few = replace(pool_cells()[0], device=phone("few", cores=phone("few").cores[:4]))
    emulated = replace(pool_cells()[0], device=replace(EMULATOR, name="emulated"))
    cells = (*pool_cells(), *other, few, emulated)
    selection = decide(cells)
    titles = [answer.device.name for answer in selection.answers]
    assert titles == [
        f"any of tag:pixel6 ({phone('x').model}, as emu-a)",
        "any of tag:pixel6 (Pixel 7, as other-emu-a)",
        "few",
        "emulated",
    ]
    assert selection.answers[2].pool is None
    (remark,) = selection.remarks
    assert remark.startswith("any of tag:pixel6 is not a pool of equal devices: they differ in model")
    assert "other-emu-a,other-emu-b (Pixel 7)" in remark
    assert "\n" not in remark
    text = explain(selection)
    assert text.endswith(remark)
    assert "for all 4 devices and pools: ship mobilenet_v1_0.25_128_int8" in text
    # Devices of different models say nothing about how equal those of one are.
    assert {tuple(one.figures) for one in spread_between_units(cells)} == {
        tuple(SLOWEST),
        ("other-emu-a", "other-emu-b"),
    }


def test_pools_of_several_runs_are_one_where_they_share_a_device() -> None:
    one, other = pool_cells(), (on("emu-c", 0.5, 19.0), on("emu-d", 1.0, 40.0))
    alone = (on("emu-x", 0.5, 19.0), on("emu-y", 0.5, 19.0))
    runs = [
        (pool_run(one), one),
        (pool_run(other, ("emu-c", "emu-d")), other),
        (pool_run(alone, id="next"), alone),
    ]
    joined, apart = find_pools(runs).pools
    assert {key[0] for key in joined.machines} == {"emu-a", "emu-b", "emu-c", "emu-d"}
    assert (joined.name, apart.name) == ("any of tag:pixel6", "any of tag:pixel6 in next")


def test_a_long_list_of_devices_is_named_by_its_first() -> None:
    cells = tuple(on(f"emu-{at}", 0.25, 10.0 + at) for at in range(5))
    asked = tuple(cell.device.name for cell in cells)
    (pool,) = find_pools([(pool_run(cells, asked), cells)]).pools
    assert pool.name == "any of emu-0,emu-1,emu-2 and 2 more"


def test_the_ladder_is_one_for_the_pool_and_names_the_device_of_each_step() -> None:
    cells = pool_cells()
    ladders = climb_each(cells, Budget(), {}, pools=find_pools([(pool_run(cells), cells)]))
    text = explain_ladders(ladders)
    assert text.startswith("any of tag:pixel6: what a budget buys")
    assert [line.rpartition(", on ")[2] for line in text.splitlines()[1:]] == ["emu-c", "emu-c", "emu-a"]
    assert "from 10.4 ms" in text


def test_how_unequal_devices_are_is_read_from_the_same_placement_before_any_other() -> None:
    narrow = {"emu-a": 10.0, "emu-b": 10.1}
    wide = {"emu-a": 6.0, "emu-b": 9.0}
    cells = (
        *(on(device, 0.25, ms) for device, ms in narrow.items()),
        *(on(device, 0.25, ms, threads=4) for device, ms in wide.items()),
        on("emu-a", 0.5, 19.0),
        on("emu-a", 0.5, 12.0, threads=2),
    )
    facts = pool_facts(cells)
    by_threads = {cell.plan.threads: facts.spread_for(cell) for cell in cells if cell.variant.width == 0.5}
    assert [spread and round(spread.range_share, 2) for spread in by_threads.values()] == [0.01, 0.5]


def test_files_of_one_name_that_two_devices_measured_have_labels() -> None:
    trained = on("emu-b", 0.5, 19.0, measured=0.6)
    cells = (on("emu-a", 0.25, 10.0), on("emu-a", 0.5, 19.0), trained)
    text = explain(decide(cells), all_rejected=True)
    assert "mobilenet_v1_0.5_128_int8 (trained.pt" in text
