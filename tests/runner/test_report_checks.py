"""More time than passed, on the device or here, is no measurement, and neither are impossible figures."""

import pytest
from msgspec.structs import replace

from builders import QUIET, make_plan, make_process
from harness.errors import ReportRejected
from harness.records import Clock, ProcessReport
from harness.runner.report_checks import check_possible, check_times


def process_of(seconds: float, up_s: float | None) -> ProcessReport:
    """A process that reports this many seconds, in inferences of 10 ms; the device was up for `up_s`."""
    after = replace(QUIET, uptime_seconds=None if up_s is None else 1000.0 + up_s)
    return make_process(latencies_ns=(10_000_000,) * round(100 * seconds), conditions_after=after)


@pytest.mark.parametrize("host_seconds", [None, 12.0])
def test_times_that_passed_are_taken(host_seconds: float | None) -> None:
    check_times(process_of(10, 11.0), "real", host_seconds)


def test_one_sample_of_a_hundred_days_from_a_process_of_a_second_is_rejected() -> None:
    process = make_process(latencies_ns=(2**53,), conditions_after=replace(QUIET, uptime_seconds=1001.0))
    with pytest.raises(ReportRejected, match=r"reported 9.01e\+06 s .* was up for 1 s") as caught:
        check_times(process, "real", None)
    assert "the device's clock is wrong" in caught.value.hint


def test_where_the_uptime_is_unknown_the_wall_clock_here_decides() -> None:
    with pytest.raises(ReportRejected, match="but this machine waited for 5 s"):
        check_times(process_of(10, None), "real", 5.0)


@pytest.mark.parametrize(("clock", "rejected"), [("real", True), ("emulated", True), ("virtual", False)])
def test_virtual_time_is_not_compared_with_this_machines(clock: Clock, rejected: bool) -> None:
    process = process_of(10, 11.0)
    if rejected:
        with pytest.raises(ReportRejected):
            check_times(process, clock, 5.0)
    else:
        check_times(process, clock, 5.0)


def test_an_uptime_that_stood_still_or_fell_is_rejected() -> None:
    for up_s in (0.0, -500.0):
        with pytest.raises(ReportRejected, match="but the device was up for 0 s"):
            check_times(process_of(10, up_s), "real", None)


def test_a_board_whose_clock_is_a_few_percent_faster_than_this_machines_is_taken() -> None:
    check_times(process_of(105, 106.0), "real", 100.0)
    with pytest.raises(ReportRejected, match="but this machine waited for 100 s"):
        check_times(process_of(115, 116.0), "real", 100.0)


def test_nothing_known_rejects_nothing() -> None:
    check_times(process_of(10, None), "real", None)


@pytest.mark.parametrize(
    ("figure", "value", "named"),
    [
        ("peak_rss_bytes", 1, "peak_rss_bytes is 1, below its rss_end_bytes 17500000"),
        ("cpus_allowed", "some", "cpus_allowed is 'some', which is not a list of cores"),
        ("instructions_per_inference", 0, "instructions_per_inference is 0"),
    ],
)
def test_figures_that_would_make_a_saved_cell_unreadable_are_rejected_on_arrival(
    figure: str, value: object, named: str
) -> None:
    check_possible(make_process(), make_plan())
    with pytest.raises(ReportRejected, match=f"the device's report is wrong: {named}"):
        check_possible(replace(make_process(), **{figure: value}), make_plan())
