import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from builders import make_process, make_processes
from harness.analysis.intervals import (
    autocorrelation,
    block_length,
    median_interval,
    percentile_intervals,
    within_process_interval,
)
from harness.analysis.ratios import probability_not_larger, rank_sum_tail, ratio_interval
from harness.analysis.summaries import summarize_latency
from harness.errors import MeasurementError
from harness.records import ProcessReport

positive = st.floats(min_value=1e3, max_value=1e12)


def ar1(size: int, rho: float, seed: int) -> np.ndarray:
    shocks = np.random.default_rng(seed).standard_normal(size)
    series = shocks.copy()
    for index in range(1, size):
        series[index] = rho * series[index - 1] + math.sqrt(1 - rho**2) * shocks[index]
    return series


# Latency ------------------------------------------------------------------------------------------


def test_latency_is_the_median_of_process_medians_with_pooled_tails() -> None:
    processes = (
        make_process(0, latencies_ns=(10, 10, 10)),
        make_process(1, latencies_ns=(20, 20, 20, 20, 20, 20, 20)),
        make_process(2, latencies_ns=(30, 31, 1000)),
    )
    latency = summarize_latency(processes, seed=0)
    assert latency.median_ns.estimate == 20
    assert (latency.processes, latency.samples) == (3, 13)
    assert (latency.min_ns, latency.max_ns) == (10, 1000)
    pooled = [10] * 3 + [20] * 7 + [30, 31, 1000]
    assert latency.p90_ns == pytest.approx(np.percentile(pooled, 90))
    assert latency.p99_ns == pytest.approx(np.percentile(pooled, 99))


def test_percentiles_have_an_interval_that_holds_them_and_outliers_are_counted() -> None:
    quiet = ar1(300, 0.5, seed=1) * 1e4 + 1e7
    processes = [make_process(i, latencies_ns=tuple(map(int, quiet * (1 + i / 100)))) for i in range(5)]
    processes[2] = make_process(2, latencies_ns=(*processes[2].latencies_ns, 10**9, 10**9))
    latency = summarize_latency(processes, seed=0)
    assert latency == summarize_latency(processes, seed=0)
    assert latency.p90_interval_ns is not None
    assert latency.p99_interval_ns is not None
    assert latency.outliers is not None
    assert latency.p90_interval_ns.low < latency.p90_ns < latency.p90_interval_ns.high
    assert latency.p90_interval_ns.high <= latency.p99_interval_ns.high
    assert 2 <= latency.outliers < 15


def test_the_interval_of_a_percentile_tells_of_differences_between_processes() -> None:
    alike = [ar1(400, 0, seed) + 1000 for seed in range(6)]
    apart = [one + 50 * index for index, one in enumerate(alike)]
    within, between = (percentile_intervals(samples, (90,), seed=3)[0] for samples in (alike, apart))
    assert between.high - between.low > 50 > 5 > within.high - within.low


def test_the_interval_of_a_percentile_mostly_holds_the_true_one() -> None:
    held = 0
    for experiment in range(60):
        generator = np.random.default_rng(experiment)
        samples = [generator.normal(generator.normal(100, 0.2), 1, 100) for _ in range(10)]
        (interval,) = percentile_intervals(samples, (90,), seed=experiment)
        held += interval.low <= stats.norm.ppf(0.9, 100, math.hypot(1, 0.2)) <= interval.high
    assert held >= 50


def test_many_samples_of_one_process_do_not_outvote_the_others() -> None:
    few = [make_process(i, latencies_ns=(100, 100, 100)) for i in range(4)]
    many = make_process(5, latencies_ns=(500,) * 10_000)
    assert summarize_latency([*few, many], seed=0).median_ns.estimate == 100


def test_one_process_has_the_interval_of_that_process_and_the_seed_repeats_it() -> None:
    noisy = tuple(int(1e6 * (1 + 0.01 * x)) for x in ar1(300, 0.5, seed=3))
    process = make_process(latencies_ns=noisy)
    first, second = (summarize_latency([process], seed=7).median_ns for _ in range(2))
    assert first == second
    assert first.low < first.estimate < first.high
    assert summarize_latency([process], seed=8).median_ns != first


@pytest.mark.parametrize("processes", [(), (make_process(latencies_ns=()),)])
def test_nothing_to_summarize_is_an_error(processes: tuple[ProcessReport, ...]) -> None:
    with pytest.raises(MeasurementError, match="no steady latencies"):
        summarize_latency(processes, seed=0)


# The interval of the median -----------------------------------------------------------------------


@pytest.mark.parametrize("processes", range(2, 12))
def test_a_clock_that_repeats_exactly_has_an_interval_without_width(processes: int) -> None:
    interval = median_interval([20_040_001] * processes)
    assert (interval.low, interval.estimate, interval.high) == (20_040_001,) * 3


@given(st.lists(positive, min_size=2, max_size=40))
def test_the_interval_holds_its_estimate_and_is_finite(values: list[float]) -> None:
    interval = median_interval(values)
    assert 0 < interval.low <= interval.estimate * (1 + 1e-12)
    assert interval.estimate * (1 - 1e-12) <= interval.high < math.inf or len(set(values)) > 1
    assert not math.isnan(interval.low + interval.high)


@given(st.lists(positive, min_size=2, max_size=20), st.floats(min_value=0.01, max_value=100))
def test_the_interval_scales_with_the_unit(values: list[float], factor: float) -> None:
    plain, scaled = median_interval(values), median_interval([factor * value for value in values])
    assert scaled.low == pytest.approx(factor * plain.low, rel=1e-6)
    assert scaled.high == pytest.approx(factor * plain.high, rel=1e-6)


@pytest.mark.parametrize(("count", "depth"), [(6, 1), (9, 2), (12, 3), (17, 5), (20, 6)])
def test_order_statistics_agree_with_the_binomial_distribution(count: int, depth: int) -> None:
    """The interval lies between the order statistics whose exact coverage is just above and below 95 %."""
    outer = 1 - 2 * stats.binom.cdf(depth - 1, count, 0.5)
    inner = 1 - 2 * stats.binom.cdf(depth, count, 0.5)
    assert inner < 0.95 <= outer
    interval = median_interval(range(1, count + 1))
    assert depth <= interval.low < depth + 1
    assert interval.low + interval.high == pytest.approx(count + 1)


def test_few_processes_take_students_interval_of_the_logarithms() -> None:
    values = [9.0, 10.0, 12.0, 11.0]
    logs = np.log(values)
    low, high = np.exp(stats.t.interval(0.95, 3, loc=logs.mean(), scale=stats.sem(logs)))
    interval = median_interval(values)
    assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-4)


def test_one_wild_process_of_nine_does_not_move_the_interval() -> None:
    steady = [100.0, 101.0, 99.0, 100.5, 99.5, 100.2, 99.8, 100.1, 100.3]
    assert median_interval([*steady[:-1], 1000.0]).high <= 101


# Correlated iterations ----------------------------------------------------------------------------


def test_blocks_grow_with_the_correlation_of_neighbours() -> None:
    assert autocorrelation(ar1(5000, 0.0, seed=1)) == pytest.approx(0, abs=0.05)
    assert autocorrelation(ar1(5000, 0.9, seed=1)) == pytest.approx(0.9, abs=0.05)
    assert autocorrelation(np.full(50, 7.0)) == 0
    assert block_length(ar1(1000, 0.0, seed=1)) <= 5
    assert block_length(ar1(1000, 0.9, seed=1)) > 25
    assert block_length(np.array([1.0, 2.0])) == 1


def test_correlated_iterations_widen_the_interval_of_a_process() -> None:
    """An independent bootstrap would give both the same width; the truth is about four times as wide."""
    free, correlated = (1e6 * (1 + 0.01 * ar1(1000, rho, seed=5)) for rho in (0.0, 0.9))
    widths = [within_process_interval(series, seed=0).relative_half_width for series in (free, correlated)]
    assert widths[1] > 2 * widths[0]


# Ratios -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), [(1, 1), (3, 3), (4, 7), (10, 10), (20, 12)])
def test_rank_sum_tail_agrees_with_scipy(first: int, second: int) -> None:
    generator = np.random.default_rng(first)
    base, new = generator.normal(10, 1, first), generator.normal(10.5, 1, second)
    expected = stats.mannwhitneyu(new, base, alternative="greater", method="exact").pvalue
    assert probability_not_larger(base, new) == pytest.approx(expected)
    assert rank_sum_tail(first, second)[-1] == pytest.approx(1)


def test_ratio_finds_a_slow_down_with_both_sides_uncertainty() -> None:
    generator = np.random.default_rng(4)
    base = 10e6 * np.exp(generator.normal(0, 0.01, 10))
    ratio = ratio_interval(base, 1.05 * base[::-1])
    assert ratio.low < 1.05 < ratio.high
    assert ratio.estimate == pytest.approx(1.05, abs=0.01)
    inverse = ratio_interval(1.05 * base[::-1], base)
    assert inverse.low == pytest.approx(1 / ratio.high)
    assert inverse.high == pytest.approx(1 / ratio.low)


def test_ratio_of_values_that_repeat_exactly_has_no_width() -> None:
    ratio = ratio_interval([20.0] * 5, [21.0] * 5)
    assert ratio.low == ratio.estimate == ratio.high == 1.05


def test_three_processes_a_side_cannot_reach_95_percent_and_say_so() -> None:
    assert ratio_interval([1, 2, 3], [4, 5, 6]).confidence == pytest.approx(0.9)
    assert ratio_interval([1, 2, 3, 4], [4, 5, 6, 7]).confidence == 0.95


def test_summary_of_many_processes_has_the_interval_of_their_medians() -> None:
    processes = make_processes(10_000, 11_000, 12_000, 13_000, 14_000, 15_000)
    medians = [float(np.median(process.latencies_ns)) for process in processes]
    assert summarize_latency(processes, seed=0).median_ns == median_interval(medians)
