"""How the knobs act: the heat maps and the charts of a device."""

from msgspec.structs import replace

from builders import make_artifact, make_cell, make_device, make_plan, make_processes
from harness.records import Cell, Core, Interval, PrecisionName, RuntimeName, Variant
from reports.heat_maps import HeatMap
from reports.knobs import describe_knobs
from reports.sections import arrange
from synthetic import EMULATOR, PHONE, simulate_cells

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


def of_runtime(
    runtime: RuntimeName, precision: PrecisionName, ms: int, side: int = 128, digest: str = "a"
) -> Cell:
    variant = Variant(width=0.5, resolution_px=side, precision=precision, runtime=runtime)
    return make_cell((ms * 1_000_000,) * 6, artifact=make_artifact(variant=variant, sha256=digest * 64))


def test_a_precision_is_compared_with_fp32_of_the_same_runtime() -> None:
    cells = (
        of_runtime("executorch", "fp32", 40, digest="1"),
        of_runtime("executorch", "int8", 10, digest="2"),
        of_runtime("litert", "fp32", 60, digest="3"),
        of_runtime("litert", "int8", 30, digest="4"),
    )
    (section,) = arrange(cells)
    (ratios,) = [chart for chart in describe_knobs(section).charts if "against" in chart.title]
    assert [(row.name, float(row.text.split()[0])) for row in ratios.rows] == [
        ("0.5/128 int8, 1 thread", 0.25),
        ("0.5/128 int8 LiteRT, 1 thread", 0.5),
    ]


def test_runtimes_are_in_no_heat_map_and_no_row_together() -> None:
    cells = [
        of_runtime(runtime, "fp32", ms, side, digest)
        for runtime, ms, side, digest in (
            ("litert", 60, 128, "1"),
            ("executorch", 40, 128, "2"),
            ("executorch", 50, 160, "3"),
            ("executorch", 90, 224, "4"),
        )
    ]
    (section,) = arrange(cells)
    knobs = describe_knobs(section)
    (found,) = knobs.heat_maps
    assert found.title == "fp32, 1 thread"
    assert [cell and cell[0] for cell in found.rows[0][1]] == ["40.0", "50.0", "90.0"]
    assert {row.name for row in knobs.charts[0].rows} == {"fp32, 1 thread", "fp32, LiteRT, 1 thread"}


def test_a_speed_up_names_the_cores_that_it_was_measured_on() -> None:
    (section,) = arrange([placed(cpus, threads, 10.0) for cpus in ("0-3", "4-7", None) for threads in (1, 2)])
    (chart,) = [chart for chart in describe_knobs(section).charts if chart.title == "Speed-up by threads"]
    assert [row.name for row in chart.rows] == [
        "0.5/128 fp32, 1 → 2 threads on little cores (0-3)",
        "0.5/128 fp32, 1 → 2 threads on big cores (4-7)",
        "0.5/128 fp32, 1 → 2 threads",
    ]


def note_of_ratios(cells: tuple[Cell, ...]) -> str:
    (section,) = arrange(cells)
    (chart,) = (one for one in describe_knobs(section).charts if one.title == "Cost against fp32")
    return chart.note


def test_a_ratio_of_few_processes_is_not_called_an_interval_of_95_percent() -> None:
    shapes = {"widths": (0.5,), "resolutions_px": (128,)}
    cells = simulate_cells(PHONE, **shapes)
    assert note_of_ratios(cells) == (
        "Cost of the same network as a share of fp32's, with its 95 % interval; under 1 is cheaper."
    )
    few = tuple(replace(cell, processes=cell.processes[:2]) for cell in cells)
    assert ", with its 95 % interval, of few processes one of only 67 %;" in note_of_ratios(few)
    counted = tuple(
        replace(cell, processes=cell.processes[:2]) for cell in simulate_cells(EMULATOR, **shapes)
    )
    assert ", with the range of the counts;" in note_of_ratios(counted)
