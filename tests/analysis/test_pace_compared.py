"""Cells at a rate against those of another run: one that is no longer kept is worse, at an equal median."""

import msgspec
from compared_cells import only

from builders import make_cell, make_paced_cell, make_plan, make_process, make_run, with_verdict
from harness.analysis.comparison import Comparison, compare
from harness.analysis.comparison_text import to_lines
from harness.analysis.interleaved import compare_interleaved
from harness.records import BaseRun, Cell, ProcessReport

RATE_HZ = 30.0
MEDIANS_MS = (10.0, 10.02, 9.98, 10.01, 9.99, 10.0)


def overrunning(longest_ms: float = 70.0, every: int = 6, processes: int = 6) -> Cell:
    """Every sixth inference takes this long; the median is that of a cell without such."""
    plan = make_plan(rate_hz=RATE_HZ)
    period_ns = plan.period_ns or 0

    def process(round_: int) -> ProcessReport:
        median = round(MEDIANS_MS[round_] * 1e6)
        latencies = tuple(round(longest_ms * 1e6) if at % every == every - 1 else median for at in range(31))
        due_ns, starts = 0, []
        for latency in latencies:
            starts.append(due_ns)
            due_ns += max(1, -(-latency // period_ns)) * period_ns
        return make_process(round_, median, latencies_ns=latencies, starts_ns=tuple(starts))

    return make_cell(plan=plan, processes=tuple(map(process, range(processes))))


def undisturbed(cell: Cell) -> Cell:
    """As if nothing but the program made the long inferences."""
    return msgspec.structs.replace(cell, verdict=make_cell().verdict)


def paired(base: Cell, new: Cell) -> Comparison:
    against = BaseRun(id="main", started_at="2026-01-01T00:00:00Z", versions={}, not_asked=())
    run = msgspec.structs.replace(make_run((new,)), base=against)
    return compare_interleaved(run, [base], [new])


KEPT = make_paced_cell(RATE_HZ)
MISSED = undisturbed(overrunning())


def test_a_rate_that_only_base_keeps_is_worse_at_an_equal_median() -> None:
    comparison = compare([KEPT], [MISSED])
    cell = only(comparison)
    latency = cell.figure("latency")
    assert latency is not None
    assert latency.result == "no worse"
    assert (cell.result, cell.decided_by) == ("worse", "paced p99")
    assert "0 of 186 periods missed (0.0%) in base and " in cell.why
    assert cell.why.endswith("; only base keeps within the period of 33.33 ms")
    assert any("paced p99 10.0" in line for line in to_lines(comparison, 80))


def test_a_rate_that_only_new_keeps_is_better_and_one_that_both_keep_or_miss_is_no_worse() -> None:
    results = [
        figure.result
        for base, new in ((MISSED, KEPT), (KEPT, KEPT), (MISSED, MISSED))
        if (figure := only(compare([base], [new])).figure("paced p99"))
    ]
    assert results == ["better", "no worse", "no worse"]


def test_cells_of_the_same_rounds_are_judged_alike() -> None:
    assert only(paired(KEPT, overrunning())).decided_by == "paced p99"


def test_a_disturbed_side_or_few_processes_decide_nothing() -> None:
    busy = with_verdict(MISSED, "suspect", "busy", "the load average was 8")
    few = undisturbed(overrunning(processes=3))
    for new, why in (
        (busy, "but new was disturbed: busy"),
        (few, "but 6 and 3 processes are too few: at least 4 are needed"),
    ):
        figure = only(compare([KEPT], [new])).figure("paced p99")
        assert figure is not None
        assert (figure.result, why in figure.why) == ("inconclusive", True), figure.why


def test_a_p99_around_the_period_is_open() -> None:
    seldom = undisturbed(overrunning(every=60))
    once = msgspec.structs.replace(
        seldom, processes=(*seldom.processes[:5], overrunning(every=30, processes=6).processes[5])
    )
    figure = only(compare([KEPT], [once])).figure("paced p99")
    assert figure is not None
    assert figure.result == "inconclusive"
    assert figure.why.endswith("new may exceed the period of 33.33 ms: measure more processes")


def test_cells_back_to_back_have_no_such_figure() -> None:
    assert only(compare([make_cell()], [make_cell()])).figure("paced p99") is None
