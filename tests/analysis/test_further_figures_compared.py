"""Start-up, the sustained latency and energy against those of another run, each with its margin."""

from collections.abc import Sequence

import pytest
from compared_cells import counted, only, replace

from builders import (
    QUIET,
    STEADY_MEDIANS,
    make_cell,
    make_cold,
    make_energy_cell,
    make_energy_run,
    make_process,
    make_processes,
    make_run,
    make_sustained_cell,
    make_sustained_run,
    with_verdict,
)
from harness.analysis.cell_comparison import ComparedCell
from harness.analysis.comparison import EXIT_CODES, Comparison, compare
from harness.analysis.comparison_rule import FigureName
from harness.analysis.comparison_text import summarize, to_lines, to_markdown
from harness.analysis.interleaved import compare_interleaved
from harness.analysis.margins import Margins
from harness.analysis.single_run_comparison import ratio_of_estimates
from harness.errors import UsageError
from harness.records import BaseRun, Cell, EnergySource, Interval, PackedCache, ProcessReport

MS = 1_000_000
INIT_MS = (20.0, 20.1, 19.9, 20.2, 19.8, 20.05)


def started(factor: float = 1.0, inits_ms: Sequence[float] = INIT_MS) -> Cell:
    """Processes whose initialization takes this much longer, and nothing else."""
    return make_cell(
        processes=tuple(
            make_process(round_, median, init_ns=round(factor * init * MS))
            for round_, (median, init) in enumerate(zip(STEADY_MEDIANS, inits_ms, strict=True))
        )
    )


def sustained(plateau_ms: float, seconds: int = 120) -> Cell:
    return make_sustained_cell(make_sustained_run((60, 10.0), (seconds, plateau_ms)))


def metered(watts: float = 3.0, **changes: object) -> Cell:
    return make_energy_cell(replace(make_energy_run(watts), **changes))


def judge(base: Cell, new: Cell) -> Comparison:
    """As cells of the same rounds."""
    against = BaseRun(id="main", started_at="2026-01-01T00:00:00Z", versions={}, not_asked=())
    return compare_interleaved(replace(make_run((new,)), base=against), [base], [new])


def result_of(name: FigureName, base: Cell, new: Cell, margins: Margins | None = None) -> str:
    figure = only(compare([base], [new], margins=margins)).figure(name)
    assert figure is not None
    return figure.result


def compared(base: Cell, new: Cell) -> ComparedCell:
    return only(compare([base], [new]))


# Start-up -----------------------------------------------------------------------------------------


def test_a_longer_start_up_is_worse_though_the_latency_is_not() -> None:
    comparison = compare([started()], [started(1.5)])
    cell = only(comparison)
    assert (comparison.result, cell.decided_by) == ("worse", "start-up")
    figure = cell.figure("start-up")
    assert figure is not None
    assert figure.base == pytest.approx(44.05e6, rel=0.01)
    assert figure.new == pytest.approx(54.05e6, rel=0.01)
    assert "start-up 44.0" in to_lines(comparison, 200)[0]
    assert compare([started(1.5)], [started()]).result == "better"
    assert compare([started()], [started(1.1)]).result == "no worse"
    assert result_of("start-up", started(), started(1.1), Margins(startup=0.02)) == "worse"


def test_a_start_up_that_varies_leaves_a_cell_open_only_where_its_margin_is_given() -> None:
    noisy = started(inits_ms=(5.0, 90.0, 12.0, 55.0, 20.0, 33.0))
    comparison = compare([noisy], [noisy])
    assert (comparison.result, only(comparison).decided_by) == ("no worse", "latency")
    assert result_of("start-up", noisy, noisy) == "inconclusive"
    told = "Start-up is inconclusive in 1 cell, which decides only where --startup-margin is given."
    assert told in summarize(comparison)
    assert ": inconclusive" in "".join(to_lines(comparison, 80))
    asked = compare([noisy], [noisy], margins=Margins(startup=0.1))
    assert (asked.result, only(asked).decided_by) == ("inconclusive", "start-up")
    assert told not in summarize(asked)


def test_a_disturbed_start_up_and_few_processes_decide_nothing() -> None:
    hot = tuple(
        replace(one, conditions_after=replace(QUIET, thermal_status=3)) for one in started(2).processes
    )
    figure = compared(started(), make_cell(processes=hot)).figure("start-up")
    assert figure is not None
    assert (figure.result, figure.why.endswith("but new was disturbed: throttled")) == ("inconclusive", True)
    few = make_cell(processes=started(2).processes[:3])
    assert result_of("start-up", make_cell(processes=started().processes[:3]), few) == "inconclusive"


def test_a_cold_start_has_a_figure_of_its_own() -> None:
    base, new = (replace(make_cell(), cold=make_cold(*times)) for times in COLD)
    cell = compared(base, new)
    assert (cell.result, cell.decided_by) == ("worse", "cold start-up")
    warm = cell.figure("start-up")
    assert warm is not None
    assert warm.result == "no worse"


COLD = ((60, 61, 62, 63, 64, 65), (90, 91, 92, 93, 94, 95))


def packing(processes: Sequence[ProcessReport]) -> tuple[ProcessReport, ...]:
    """The first process packs the weights and takes ten times as long."""
    first, *later = processes
    cache = PackedCache(use="written", file_bytes=1_000_000)
    return replace(first, init_ns=10 * first.init_ns, packed_cache=cache), *later


def test_the_process_that_packs_a_cache_is_no_start_up_to_compare() -> None:
    base, new = make_cell(processes=packing(started().processes)), started()
    for comparison in (compare([base], [new]), judge(base, new)):
        figure = only(comparison).figure("start-up")
        assert figure is not None
        assert figure.change is not None
        assert figure.change.high < 1.05


def test_start_ups_of_the_same_rounds_are_paired() -> None:
    states = (1.0, 3.0, 1.5, 4.0, 2.0, 3.5, 1.2, 2.5)
    base, new = (
        make_cell(
            processes=tuple(
                make_process(round_, init_ns=round(factor * state * 20 * MS) + round_ * 1000)
                for round_, state in enumerate(states)
            )
        )
        for factor in (1.0, 1.25)
    )
    cell = only(judge(base, new))
    assert (cell.result, cell.decided_by) == ("worse", "start-up")
    assert result_of("start-up", base, new) == "inconclusive"  # As two runs, the device's state hides it.
    same = only(judge(base, base)).figure("start-up")
    assert same is not None
    assert same.result == "no worse"


def test_times_of_a_clock_that_is_not_real_are_not_compared() -> None:
    base, new = counted(1000, 1000), counted(1000, 1000)
    slow = replace(new, processes=tuple(replace(one, init_ns=10**9) for one in new.processes))
    cell = compared(make_sustained_cell("failed", base), slow)
    assert cell.result == "no worse"
    assert {one.name for one in cell.figures}.isdisjoint({"start-up", "sustained latency", "energy"})


# The sustained latency ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plateau_ms", "result", "exit_code"),
    [(12.5, "no worse", 0), (13.0, "no worse", 0), (14.5, "worse", 1), (11.0, "better", 0)],
)
def test_the_plateau_is_judged_against_its_margin(plateau_ms: float, result: str, exit_code: int) -> None:
    comparison = compare([sustained(12.5)], [sustained(plateau_ms)])
    assert (comparison.result, EXIT_CODES[comparison.result]) == (result, exit_code)
    assert result_of("sustained latency", sustained(12.5), sustained(plateau_ms)) == result
    assert "sustained latency 10 %" in summarize(comparison)[0]


def test_a_smaller_margin_finds_a_smaller_change_of_the_plateau() -> None:
    assert compare([sustained(12.5)], [sustained(13.0)], margins=Margins(sustained=0.02)).result == "worse"


@pytest.mark.parametrize("code", ["still_falling", "sustained_began_warm"])
def test_a_plateau_that_is_none_decides_nothing(code: str) -> None:
    falling = with_verdict(sustained(20.0), "suspect", code, "the last quarter became slower")
    cell = compared(sustained(12.5), falling)
    assert (cell.result, cell.decided_by) == ("inconclusive", "sustained latency")
    assert cell.why.endswith(f"but new: {code}")


def test_runs_of_another_length_are_not_compared_and_named() -> None:
    cell = compared(sustained(12.5), sustained(20.0, seconds=300))
    assert cell.figure("sustained latency") is None
    assert cell.cautions == ("sustained runs took 180 s in base and 360 s in new, and were not compared",)


# Energy -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("watts", "result"), [(3.0, "no worse"), (3.1, "no worse"), (3.4, "worse"), (2.0, "better")]
)
def test_energy_is_judged_against_its_margin(watts: float, result: str) -> None:
    comparison = compare([metered()], [metered(watts)])
    assert comparison.result == result
    assert result_of("energy", metered(), metered(watts)) == result
    assert "energy 10 %" in summarize(comparison)[0]
    if result == "worse":
        assert only(comparison).decided_by == "energy"
        assert "20.000 → 24.000 mJ" in to_markdown(comparison)


def test_a_wide_energy_is_inconclusive_and_one_that_reaches_zero_has_no_ratio() -> None:
    assert compare([metered()], [wide(0.019, 0.026)]).result == "inconclusive"
    cell = compared(metered(), wide(-0.001, 0.03))
    assert (cell.result, cell.decided_by) == ("inconclusive", "energy")
    assert cell.why == "an interval reaches zero, so that no ratio is known"


def wide(low: float, high: float) -> Cell:
    cell = metered()
    assert cell.energy is not None
    assert cell.energy.figures is not None
    joules = Interval(estimate=0.022, low=low, high=high)
    return replace(cell, energy=replace(cell.energy, figures=replace(cell.energy.figures, net_joules=joules)))


def test_energy_that_chance_gives_one_of_many_cells_is_inconclusive() -> None:
    base, near = metered(), wide(0.0203, 0.024)
    plan = base.plan
    alone = compare([base], [near], margins=Margins(energy=0.05))
    assert alone.result == "worse"
    crowd = [replace(make_cell(), plan=replace(plan, threads=count)) for count in range(2, 50)]
    among = compare([base, *crowd], [near, *crowd], margins=Margins(energy=0.05))
    (cell,) = (one for one in among.cells if one.figure("energy"))
    assert (cell.result, cell.why) == ("inconclusive", "could be chance among 49 cells")


def test_an_idle_power_that_changed_decides_nothing() -> None:
    changed = with_verdict(metered(5.0), "suspect", "idle_power_changed", "1 W before, 2 W after")
    cell = compared(metered(), changed)
    assert (cell.result, cell.why.endswith("but new: idle_power_changed")) == ("inconclusive", True)


def test_energies_of_different_sensors_are_not_compared_and_named() -> None:
    battery = EnergySource(kind="battery", name="gauge", covers="the whole device")
    cell = compared(metered(), metered(9.0, source=battery))
    assert (cell.result, cell.figure("energy")) == ("no worse", None)
    assert cell.cautions == ("energies were read by different sensors, and were not compared",)


def test_energies_of_two_commands_are_not_compared_whatever_both_are_said_to_cover() -> None:
    usb, rail = (
        EnergySource(kind="power_command", name=f"--power-command {name}", covers="what it is wired to")
        for name in ("usb-meter", "rail-meter")
    )
    assert compared(metered(source=usb), metered(source=usb)).figure("energy") is not None
    assert compared(metered(source=usb), metered(9.0, source=rail)).figure("energy") is None


def test_a_ratio_has_both_sides_uncertainty() -> None:
    exact = Interval(estimate=10.0, low=10.0, high=10.0)
    unsure = Interval(estimate=11.0, low=10.0, high=12.1)
    ratio = ratio_of_estimates(exact, unsure)
    assert ratio is not None
    assert (ratio.low, ratio.estimate, ratio.high) == pytest.approx((1.0, 1.1, 1.21))
    inverse = ratio_of_estimates(unsure, exact)
    assert inverse is not None
    assert (inverse.low, inverse.high) == pytest.approx((1 / 1.21, 1.0))
    both = ratio_of_estimates(unsure, unsure)
    assert both is not None
    assert both.high == pytest.approx(1.1 ** (2**0.5))


# What one side lacks ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        (sustained(12.5), "sustained latency"),
        (metered(), "energy"),
        (replace(make_cell(), cold=make_cold(60, 61, 62, 63)), "cold start-up"),
    ],
)
def test_a_figure_of_one_side_alone_is_named(cell: Cell, name: str) -> None:
    assert compared(cell, make_cell()).cautions == (f"{name} was measured in base only",)
    assert compared(make_cell(), cell).cautions == (f"{name} was measured in new only",)
    assert f"{name} was measured in base only." in summarize(compare([cell], [make_cell()]))[-1]


def test_a_figure_that_failed_on_one_side_is_named_with_its_reason() -> None:
    lost = make_energy_cell("the meter died", make_sustained_cell("the device restarted"))
    both = make_energy_cell(make_energy_run(), sustained(12.5))
    assert compared(both, lost).cautions == (
        "sustained latency was measured in base only: the device restarted",
        "energy was measured in base only: the meter died",
    )
    kept = replace(make_cell(), cold=make_cold(60, 61, 62))
    gone = replace(make_cell(), cold=make_cold(60, 61, kept_pages=3))
    assert compared(kept, gone).cautions == (
        "cold start-up was measured in base only: 2 of 2 processes were not cold: a page stayed",
    )
    assert compared(lost, lost).cautions == ()


def test_a_sustained_run_of_the_new_side_alone_is_named_in_the_same_rounds_too() -> None:
    base, new = make_cell(processes=make_processes(*STEADY_MEDIANS)), sustained(12.5)
    assert "sustained latency was measured in new only" in only(judge(base, new)).cautions


@pytest.mark.parametrize("name", ["startup", "sustained", "energy"])
def test_a_margin_out_of_range_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"--{name}-margin: the margin must be above 0 %"):
        Margins(**{name: 0.0}).check()
