import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import make_process
from harness.analysis.warmup import move_warmup, steady_from


def noise(size: int, seed: int = 0, spread: float = 0.01) -> np.ndarray:
    return 1e7 * (1 + spread * np.random.default_rng(seed).standard_normal(size))


def as_ns(series: np.ndarray) -> tuple[int, ...]:
    return tuple(int(value) for value in series)


@pytest.mark.parametrize("seed", range(20))
def test_iterations_that_are_steady_from_the_start_are_all_kept(seed: int) -> None:
    assert steady_from(as_ns(noise(200, seed))) == 0


@pytest.mark.parametrize("length", [5, 20, 60])
def test_a_slow_beginning_is_cut_where_it_ends(length: int) -> None:
    series = noise(200)
    series[:length] *= 1.3
    assert length <= steady_from(as_ns(series)) <= length + 15


def test_a_beginning_that_fades_is_cut_until_it_no_longer_matters() -> None:
    series = noise(300) * (1 + 0.5 * np.exp(-np.arange(300) / 15))
    cut = steady_from(as_ns(series))
    assert 30 <= cut <= 100
    assert np.median(series[cut:]) == pytest.approx(1e7, rel=0.005)


def test_a_device_that_slows_down_half_way_is_not_warming_up() -> None:
    series = noise(200)
    series[80:] *= 1.4
    assert steady_from(as_ns(series)) == 0


def test_a_single_interruption_does_not_move_the_cut() -> None:
    series = noise(200)
    series[33] *= 20
    assert steady_from(as_ns(series)) == 0


def test_a_clock_that_repeats_exactly_is_steady() -> None:
    assert steady_from((20_040_000,) * 50) == 0


def test_too_few_iterations_are_left_alone() -> None:
    assert steady_from((9, 5, 5, 5, 5, 5, 5, 5, 5, 5)) == 0
    assert steady_from(()) == 0


@given(st.lists(st.integers(min_value=1, max_value=2**53), max_size=120))
def test_at_least_half_is_always_kept(latencies: list[int]) -> None:
    assert 0 <= steady_from(latencies) <= max(0, len(latencies) // 2 + 4)


def test_what_is_cut_is_kept_as_warm_up_in_the_order_of_time() -> None:
    series = noise(100)
    series[:10] *= 1.5
    process = make_process(warmup_ns=(7, 8), latencies_ns=as_ns(series))
    moved = move_warmup(process)
    assert moved.warmup_ns[:2] == (7, 8)
    assert moved.warmup_ns + moved.latencies_ns == process.warmup_ns + process.latencies_ns
    assert len(moved.warmup_ns) >= 12
    assert moved.warmup_cut == len(moved.warmup_ns) - 2
    assert move_warmup(make_process(latencies_ns=as_ns(noise(200)))).warmup_cut == 0
