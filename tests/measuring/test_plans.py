"""Which placements and numbers of threads of a device become cells."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from builders import make_device
from harness.errors import DeviceUnfit
from harness.measuring.plans import plan_cells
from harness.records import Core, DeviceInfo, RunRequest, Variant

VARIANT = Variant(width=0.25, resolution_px=128, precision="fp32")
# Four little cores, three big ones and one prime.
SPEEDS = (100,) * 4 + (400,) * 3 + (1000,)
PHONE = make_device(cores=tuple(Core(index=index, capacity=speed) for index, speed in enumerate(SPEEDS)))
PI = make_device(cores=tuple(Core(index=index, name="Cortex-A72") for index in range(4)))
UNKNOWN = make_device(cores=())
REQUEST = RunRequest(devices=(), widths=(0.25,), resolutions_px=(128,), precisions=("fp32",), threads=(1,))


def places(
    device: DeviceInfo, placements: Sequence[str] = (), threads: tuple[int, ...] = (1,)
) -> tuple[list[tuple[str | None, int]], list[str]]:
    """CPU list and threads of each cell, and what was logged."""
    logged: list[str] = []
    cells = plan_cells(replace(REQUEST, threads=threads), [VARIANT], device, placements, logged.append)
    return [(cell.plan.cpus, cell.plan.threads) for cell in cells], logged


def test_each_placement_runs_each_number_of_threads() -> None:
    assert places(PHONE, ("little", "4-6"), (1, 2)) == (
        [("0-3", 1), ("0-3", 2), ("4-6", 1), ("4-6", 2)],
        [],
    )
    assert places(PHONE, (), (8,)) == ([(None, 8)], [])


def test_names_and_lists_of_the_same_cores_are_one_placement() -> None:
    assert places(PI, ("all", "0-3", "3,2,1,0"))[0] == [("0-3", 1)]


def test_threads_auto_doubles_up_to_the_cores_of_each_placement() -> None:
    assert places(PHONE, ("little", "big", "prime", "all"), ())[0] == [
        *(("0-3", 1), ("0-3", 2), ("0-3", 4)),
        *(("4-6", 1), ("4-6", 2), ("4-6", 3)),
        ("7", 1),
        *(("0-7", 1), ("0-7", 2), ("0-7", 4), ("0-7", 8)),
    ]
    assert places(PI, (), ())[0] == [(None, 1), (None, 2), (None, 4)]


def test_threads_that_fit_only_some_placements_are_reported_for_the_others() -> None:
    found, logged = places(PHONE, ("little", "prime"), (1, 2, 4))
    assert found == [("0-3", 1), ("0-3", 2), ("0-3", 4), ("7", 1)]
    assert logged == ["2, 4 threads not measured on cores 7: too few cores"]


@pytest.mark.parametrize(
    ("device", "placements", "threads", "what", "hint"),
    [
        (PI, ("big",), (1,), "the device has no big cores", "choose --cores from: all (0-3)"),
        (PHONE, ("little", "8"), (1,), "core 8 does not exist", "choose --cores from: all (0-7)"),
        (PHONE, ("big", "prime"), (1, 4), "4 threads need 4 cores, and only 3 can be used", "--threads 3"),
        (UNKNOWN, (), (), "--threads auto needs the number of cores", "--threads 1,2,4"),
    ],
)
def test_what_the_device_lacks_is_refused(
    device: DeviceInfo, placements: Sequence[str], threads: tuple[int, ...], what: str, hint: str
) -> None:
    with pytest.raises(DeviceUnfit) as refused:
        places(device, placements, threads)
    assert what in refused.value.what
    assert hint in refused.value.hint


def test_a_run_made_before_there_was_a_list_has_its_one_placement() -> None:
    request = replace(REQUEST, cpus="4-7")
    assert request.placements == ("4-7",)
    assert replace(request, cpus=None, cores=("big", "0")).placements == ("big", "0")


def test_each_rate_is_a_cell_and_without_any_inferences_run_back_to_back() -> None:
    request = replace(REQUEST, threads=(1, 2), rates_hz=(15.0, 30.0))
    cells = plan_cells(request, [VARIANT], PHONE, ())
    assert [(one.plan.threads, one.plan.rate_hz, one.plan.period_ns) for one in cells] == [
        (1, 15.0, 66_666_667),
        (1, 30.0, 33_333_333),
        (2, 15.0, 66_666_667),
        (2, 30.0, 33_333_333),
    ]
    (free,) = plan_cells(replace(request, threads=(1,), rates_hz=()), [VARIANT], PHONE, ())
    assert (free.plan.rate_hz, free.plan.period_ns) == (None, None)


@pytest.mark.parametrize(
    ("asked", "planned"),
    [
        ((None, None), (1.0, 10.0)),
        ((None, 0.5), (0.5, 0.5)),
        ((None, 3.0), (1.0, 3.0)),
        ((20.0, None), (20.0, 20.0)),
        ((0.2, 0.5), (0.2, 0.5)),
    ],
)
def test_the_default_of_one_duration_yields_to_what_is_asked_of_the_other(
    asked: tuple[float | None, float | None], planned: tuple[float, float]
) -> None:
    request = replace(REQUEST, min_seconds=asked[0], max_seconds=asked[1])
    (cell,) = plan_cells(request, [VARIANT], PI, (), print)
    assert (cell.plan.min_seconds, cell.plan.max_seconds) == planned
