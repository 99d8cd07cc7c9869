import pytest
from msgspec.structs import replace

from builders import SHELL, failed, with_accuracy, with_verdict
from harness.records import Cell, DeviceInfo, MemoryDetail, PrecisionName, TaskProfile, Weights
from reports.device_table import describe_scheduling, describe_task_profile
from reports.table_notes import FRONTIER_MARK
from reports.tables import summarise
from synthetic import EMULATOR, PHONE, simulate_cells


def column(cells: tuple[Cell, ...], title: str) -> list[str]:
    table = summarise(cells)
    return [row.cells[table.columns.index(title)] for row in table.rows]


def few(
    device: DeviceInfo = PHONE, *, precisions: tuple[PrecisionName, ...] = ("fp32", "int8")
) -> tuple[Cell, ...]:
    return simulate_cells(device, widths=(0.25, 0.5), resolutions_px=(128,), precisions=precisions)


def test_rows_are_sorted_by_cost_and_cells_without_figures_come_last() -> None:
    first, *others = few()
    texts = column((failed(first), *others), "latency ms")
    assert texts[-1] == "–"  # noqa: RUF001
    figures = [float(text.split(" ")[0]) for text in texts[:-1]]
    assert figures == sorted(figures)


def test_latency_is_shown_in_milliseconds_to_the_digits_of_its_interval() -> None:
    (cell, *_) = few()
    assert cell.latency is not None
    median = replace(cell.latency.median_ns, estimate=3_300_400.0, low=3_280_000.0, high=3_344_000.0)
    (text,) = column((replace(cell, latency=replace(cell.latency, median_ns=median)),), "latency ms")
    assert text == "3.300 ± 0.044"


def test_an_emulated_device_has_instructions_and_no_milliseconds() -> None:
    columns = summarise(few(device=EMULATOR)).columns
    assert "instructions M" in columns
    assert not any("ms" in title.split() for title in columns)


def test_the_reason_stands_below_instructions_that_were_not_counted() -> None:
    denied = "instructions: perf_event_open: Permission denied; cycles: perf_event_open: Permission denied"
    cell, *_ = few(device=EMULATOR)
    processes = tuple(
        replace(one, instructions_per_inference=None, counters_unavailable=denied) for one in cell.processes
    )
    cell = replace(cell, instructions_per_inference=None, processes=processes)
    notes = summarise((cell,)).notes
    says = "under instructions: not counted (perf_event_open: Permission denied); harness doctor names what"
    assert any(f"{says} permits it." in note for note in notes)
    assert not any("the verdict gives the reason" in note for note in notes)


def test_beside_a_real_device_an_emulated_one_still_shows_no_milliseconds() -> None:
    cells = (*few(), *few(device=EMULATOR))
    devices = column(cells, "device")
    assert set(devices) == {"pixel", "emulator:cortex-a76 (emulated)"}
    for title in ("latency ms", "p90 ms"):
        of_emulator = {t for t, d in zip(column(cells, title), devices, strict=True) if "emulated" in d}
        assert of_emulator == {"–"}  # noqa: RUF001


def test_published_accuracy_is_labelled_and_measured_accuracy_has_an_uncertainty() -> None:
    assert "published 39.9" in column(few(), "top-1 %")
    assert column((with_accuracy(few()[0], 0.831),), "top-1 %") == ["83.1 ± 1.2"]


def test_what_was_chosen_in_a_weights_file_is_noted_once() -> None:
    weights = Weights(source="w.pt", sha256="a" * 64, remarks=("the weights in a are used, not those in b",))
    cells = tuple(replace(cell, variant=replace(cell.variant, weights=weights)) for cell in few())
    notes = [note for note in summarise(cells).notes if note.startswith("w.pt")]
    assert notes == ["w.pt: the weights in a are used, not those in b."]


def test_a_scheduling_fact_that_was_not_read_has_its_reason() -> None:
    bare = replace(SHELL, uclamp_min_per_1024=None, cgroup=None, unavailable="uclamp: the kernel has none")
    assert describe_scheduling(bare) == (
        "nice 0, cpuset /, oom_score_adj 0, timer slack 50.0 µs, not read: uclamp: the kernel has none"
    )


def test_a_task_profile_is_shown_with_what_took_hold_and_why_not() -> None:
    held = TaskProfile(
        name="top-app", took_hold=("cpuset", "cpu"), uclamp_min_percent=20.0, uclamp_max_percent=100.0
    )
    assert describe_task_profile(held) == "top-app took hold in cpuset and cpu (uclamp 20 to 100 %)"
    half = TaskProfile(name="top-app", took_hold=("cpu",), unavailable="cpuset is /")
    assert describe_task_profile(half) == "top-app took hold in cpu; cpuset is /"
    refused = TaskProfile(name="background", unavailable="the device has no settaskprofile")
    assert (
        describe_task_profile(refused)
        == "asked for background, not in effect: the device has no settaskprofile"
    )


def test_an_unpublished_shape_has_no_accuracy_and_a_note_gives_the_reason() -> None:
    cells = simulate_cells(widths=(0.3,), resolutions_px=(128,), precisions=("fp32",))
    assert column(cells, "top-1 %") == ["–"]  # noqa: RUF001
    assert any("neither measured nor published" in note for note in summarise(cells).notes)


def test_the_frontier_is_marked_by_measured_accuracy_alone_once_there_is_any() -> None:
    cells = few(precisions=("int8",))
    assert all(FRONTIER_MARK in text for text in column(cells, "variant"))
    # Measured, the wider network is the worse one here; published, it is better than the narrow.
    cells = (with_accuracy(cells[0], 0.9), with_accuracy(cells[1], 0.8))
    assert [FRONTIER_MARK in text for text in column(cells, "variant")] == [True, False]


def test_an_invalid_cell_is_listed_but_never_on_the_frontier() -> None:
    cells = tuple(with_verdict(cell, "invalid", "parity", "off") for cell in few())
    assert column(cells, "verdict") == ["invalid: parity"] * len(cells)
    assert not any(row.on_frontier for row in summarise(cells).rows)


@pytest.mark.parametrize("name", ["pixel\x1b[2J", "a\nb", "\u202epixel"])
def test_no_control_character_reaches_the_terminal(name: str) -> None:
    cells = (*few(device=replace(PHONE, name=name)), *few(device=EMULATOR))
    assert all(text.isprintable() for row in summarise(cells).rows for text in row.cells)


def test_every_row_has_every_column() -> None:
    table = summarise((*few(), *few(device=EMULATOR)))
    assert {len(row.cells) for row in table.rows} == {len(table.columns)}


def test_pss_and_misses_have_a_column_only_where_they_were_measured() -> None:
    (cell, *others) = few()
    assert not {"Pss MB", "dumpsys Pss MB", "cache misses k", "branch misses k"} & set(
        summarise(few()).columns
    )
    assert cell.memory is not None
    detail = MemoryDetail(
        pss_initialized_bytes=11_000_000,
        private_dirty_initialized_bytes=9_000_000,
        pss_end_bytes=12_300_000,
        private_dirty_end_bytes=9_500_000,
        unavailable=None,
        dumpsys_pss_bytes=12_400_000,
    )
    counted = [
        replace(process, cache_misses_per_inference=41_000 + index, branch_misses_per_inference=None)
        for index, process in enumerate(cell.processes)
    ]
    answer = replace(cell, memory=replace(cell.memory, detail=detail), processes=tuple(counted))
    cells = (answer, *others)
    assert set(column(cells, "Pss MB")) == {"12.3", "–"}  # noqa: RUF001
    assert set(column(cells, "dumpsys Pss MB")) == {"12.4", "–"}  # noqa: RUF001
    assert set(column(cells, "cache misses k")) == {"41.0", "–"}  # noqa: RUF001
    assert "branch misses k" not in summarise(cells).columns
    assert sum("Pss" in note for note in summarise(cells).notes) == 2
