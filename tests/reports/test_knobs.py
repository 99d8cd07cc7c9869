"""The heat map over threads and cores."""

from msgspec.structs import replace

from builders import make_cell, make_device, make_plan, make_processes
from harness.records import Cell, Core, Interval
from reports.knobs import HeatMap, describe_knobs
from reports.sections import arrange

SPEEDS = (100,) * 4 + (400,) * 4
DEVICE = make_device(cores=tuple(Core(index=index, capacity=speed) for index, speed in enumerate(SPEEDS)))


def placed(cpus: str | None, threads: int, ms: float, rate_hz: float | None = None) -> Cell:
    processes = make_processes(10_000_000, threads_used=threads, cpus_allowed=cpus or "0-7")
    cell = make_cell(device=DEVICE, plan=make_plan(cpus=cpus, threads=threads), processes=processes)
    assert cell.latency is not None
    median = Interval(estimate=ms * 1e6, low=ms * 1e6, high=ms * 1e6)
    plan = replace(cell.plan, rate_hz=rate_hz)
    return replace(cell, plan=plan, latency=replace(cell.latency, median_ns=median))


def maps(*cells: Cell) -> tuple[HeatMap, ...]:
    (section,) = arrange(cells)
    return describe_knobs(section).placement_maps


def test_a_variant_on_several_cores_with_several_threads_has_a_heat_map() -> None:
    (found,) = maps(
        placed("0-3", 1, 40.0),
        placed("0-3", 2, 20.0),
        placed("4-7", 1, 10.0),
        placed("4-7", 2, 5.0),
        placed(None, 1, 12.0),
    )
    assert (found.corner, found.columns) == ("cores", ("1 thread", "2 threads"))
    assert found.rows == (
        ("little", (("40.0", 8), ("20.0", 5))),
        ("not pinned", (("12.0", 3), None)),
        ("big", (("10.0", 3), ("5.00", 0))),
    )


def test_one_number_of_threads_or_one_placement_has_none() -> None:
    assert maps(placed("0-3", 1, 40.0), placed("4-7", 1, 10.0)) == ()
    assert maps(placed("0-3", 1, 40.0), placed("0-3", 2, 20.0)) == ()


def test_cells_of_different_rates_are_in_no_heat_map_and_no_speed_up_together() -> None:
    free = (placed("0-3", 1, 40.0), placed("0-3", 2, 20.0), placed("4-7", 1, 10.0), placed("4-7", 2, 5.0))
    paced = (placed("0-3", 1, 41.0, 30.0), placed("4-7", 2, 6.0, 30.0))
    assert maps(*free, *paced) == maps(*free)
    assert maps(*free[:3:2], *paced[1:]) == ()
