from builders import make_cell, make_processes
from harness.analysis.intervals import median_interval
from harness.analysis.summaries import summarize_startup
from harness.records import Failure, Interval

FIRST = (20_000_000, 24_000_000, 21_000_000, 22_000_000, 23_000_000, 19_000_000)


def test_startup_is_load_and_init_and_first_inference_of_each_process() -> None:
    processes = make_processes(*(first // 2 for first in FIRST), load_ns=4_000_000, init_ns=20_000_000)
    startup = summarize_startup(processes)
    assert startup is not None
    assert (startup.load_ns.estimate, startup.init_ns.estimate) == (4_000_000, 20_000_000)
    assert startup.first_ns == median_interval(FIRST)
    assert startup.total_ns == median_interval([24_000_000 + first for first in FIRST])
    assert make_cell(processes=processes).startup == startup


def test_one_process_gives_figures_without_an_interval() -> None:
    startup = summarize_startup(make_processes(10_000_000))
    assert startup is not None
    assert startup.total_ns == Interval(estimate=44e6, low=44e6, high=44e6, confidence=0.0)


def test_without_processes_or_after_a_failure_there_is_no_startup() -> None:
    assert summarize_startup(()) is None
    killed = Failure(what="killed")
    assert make_cell(processes=(), failure=killed).startup is None
    assert make_cell(processes=make_processes(10_000_000), failure=killed).startup is None
