"""The runner's sustained run: what each second comes to, in memory that does not grow."""

import shutil
import statistics
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from runner_program import Runner

from harness.runner.bundle import Bundle, ensure_bench_bundle
from harness.system.paths import DEVICE_SCRIPTS

SECOND_NS = 1_000_000_000
# Reads `began_ns latency_ns` pairs, prints a line for each second.
MAIN = """
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include "sustain.h"
int main(int, char** argv) {
  runner::SecondSummary summary(strtoul(argv[1], nullptr, 10), strtoul(argv[2], nullptr, 10));
  int64_t began, latency;
  while (scanf("%" SCNd64 " %" SCNd64, &began, &latency) == 2) summary.add(began, latency);
  for (const auto& second : summary.finish())
    printf("%lld %lld %lld %lld\\n", static_cast<long long>(second.inferences),
           static_cast<long long>(second.median_ns), static_cast<long long>(second.p90_ns),
           static_cast<long long>(second.max_ns));
}
"""
Summarize = Callable[[int, int, Sequence[tuple[int, int]]], list[list[int]]]


@pytest.fixture(scope="module")
def summarize(tmp_path_factory: pytest.TempPathFactory) -> Summarize:
    """`summarize(seconds, most_kept, inferences)`: the figures of each second."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed (apt-get install g++)")
    folder = tmp_path_factory.mktemp("summary")
    (folder / "main.cpp").write_text(MAIN)
    sources = DEVICE_SCRIPTS / "runner"
    build = [compiler, "-std=c++17", "-O1", f"-I{sources}", "-o", str(folder / "summary")]
    subprocess.run([*build, str(folder / "main.cpp"), str(sources / "sustain.cpp")], check=True, timeout=120)

    def run(seconds: int, most_kept: int, inferences: Sequence[tuple[int, int]]) -> list[list[int]]:
        text = "\n".join(f"{began} {latency}" for began, latency in inferences)
        argv = [str(folder / "summary"), str(seconds), str(most_kept)]
        ended = subprocess.run(argv, input=text, capture_output=True, text=True, check=True, timeout=60)
        return [[int(word) for word in line.split()] for line in ended.stdout.splitlines()]

    return run


def test_each_second_has_the_nearest_ranks_of_the_inferences_that_began_in_it(summarize: Summarize) -> None:
    first = [(index * 1_000_000, 100 + index) for index in range(10)]
    second = [(SECOND_NS + index, latency) for index, latency in enumerate((7, 5, 6, 9))]
    assert summarize(2, 1000, first + second) == [[10, 104, 108, 109], [4, 6, 9, 9]]


def test_an_inference_belongs_to_the_second_in_which_it_began(summarize: Summarize) -> None:
    assert summarize(3, 10, [(SECOND_NS - 1, 40), (SECOND_NS, 50), (2 * SECOND_NS, 60)]) == [
        [1, 40, 40, 40],
        [1, 50, 50, 50],
        [1, 60, 60, 60],
    ]


def test_a_second_in_which_none_began_has_no_figures(summarize: Summarize) -> None:
    inferences = [(10, 3 * SECOND_NS), (3 * SECOND_NS + 10, 7)]
    assert summarize(5, 10, inferences) == [
        [1, *[3 * SECOND_NS] * 3],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [1, 7, 7, 7],
        [0, 0, 0, 0],
    ]


def test_what_begins_after_the_last_second_is_left_out(summarize: Summarize) -> None:
    assert summarize(1, 10, [(0, 5), (SECOND_NS, 500)]) == [[1, 5, 5, 5]]


def test_of_more_inferences_than_are_kept_the_median_stays_close_and_the_count_exact(
    summarize: Summarize,
) -> None:
    latencies = [1000 + (index * 7919) % 1009 for index in range(20_000)]
    slowest = max(latencies)
    [[count, median, p90, longest]] = summarize(1, 256, list(enumerate(latencies)))
    assert count == 20_000
    assert longest == slowest
    assert median == pytest.approx(statistics.median(latencies), rel=0.03)
    assert p90 == pytest.approx(sorted(latencies)[18_000], rel=0.03)


def test_the_runner_reports_each_second_and_no_timed_inference(any_runner: Runner) -> None:
    report = any_runner.measure("delegated", "--sustain-seconds", "2")
    sustained = report.sustained
    assert sustained is not None
    assert report.latencies_ns == ()
    assert len(sustained.inferences) == len(sustained.median_ns) == len(sustained.max_ns) == 2
    for count, median, p90, longest in zip(
        sustained.inferences, sustained.median_ns, sustained.p90_ns, sustained.max_ns, strict=True
    ):
        assert (median is None) == (count == 0)
        assert median is None or median <= (p90 or 0) <= (longest or 0)
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    assert 0 < uptime_s - sustained.began_uptime_ns / 1e9 < 60


def test_a_longer_run_takes_no_more_memory(runner: Runner) -> None:
    brief, long = (runner.measure("delegated", "--sustain-seconds", seconds) for seconds in ("1", "6"))
    assert brief.sustained is not None
    assert long.sustained is not None
    assert brief.peak_rss_bytes is not None
    assert long.peak_rss_bytes is not None
    more = sum(long.sustained.inferences) - sum(brief.sustained.inferences)
    # One number kept of each would take 8 bytes; two processes differ by some pages anyway.
    assert long.peak_rss_bytes - brief.peak_rss_bytes < 2 * more + 400_000


def test_a_planted_slow_down_begins_in_its_second(
    runner_of: Callable[[Bundle], Runner], native_bundle: Bundle
) -> None:
    bundle = ensure_bench_bundle(native_bundle.abi, slow_down_operations=5_000_000, slow_down_from_second=1)
    sustained = runner_of(bundle).measure("delegated", "--sustain-seconds", "2").sustained
    assert sustained is not None
    fast, slow = sustained.inferences
    # Millions of operations more each time: fewer inferences on any machine.
    assert slow * 5 < fast


@pytest.mark.parametrize("seconds", ["-1", "0.5", "nan", "14401", "ten"])
def test_what_is_no_number_of_seconds_is_refused(runner: Runner, seconds: str) -> None:
    ended = runner.run(
        *("--model", runner.programs.path("delegated"), "--input", runner.programs.input),
        *("--report", runner.report, "--sustain-seconds", seconds),
    )
    assert ended.returncode == 2
    assert "option --sustain-seconds takes a" in ended.stderr


def test_a_schedule_does_not_go_with_a_sustained_run(runner: Runner) -> None:
    ended = runner.run(
        *("--model", runner.programs.path("delegated"), "--input", runner.programs.input),
        *("--report", runner.report, "--sustain-seconds", "1", "--period-ns", "1000000"),
    )
    assert ended.returncode == 2
    assert "runs back to back" in ended.stderr
