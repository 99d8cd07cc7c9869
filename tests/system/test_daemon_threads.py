"""Calls in threads: their results in order, their errors, and an end to waiting."""

import threading
import time

import pytest

from harness.system.daemon_threads import call_each


def test_results_come_in_the_order_of_the_items() -> None:
    def wait_less_and_less(item: int) -> int:
        time.sleep((9 - item) / 1000)
        return item * item

    squares = list(call_each(wait_less_and_less, range(10), threads=4, silent_seconds=5))
    assert squares == [item * item for item in range(10)]


def test_several_calls_run_at_a_time() -> None:
    together = threading.Barrier(3, timeout=5)
    assert len(list(call_each(lambda _: together.wait(), range(3), threads=3, silent_seconds=5))) == 3


def test_no_more_items_are_taken_than_results_may_wait() -> None:
    taken: list[int] = []
    items = (taken.append(item) or item for item in range(100))  # type: ignore[func-returns-value]
    results = call_each(lambda item: item, items, threads=2, silent_seconds=5)
    assert next(results) == 0
    assert len(taken) <= 5
    results.close()


def test_the_error_of_a_call_is_raised_in_its_place() -> None:
    results = call_each(lambda item: 1 // item, [1, 0], threads=1, silent_seconds=5)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_a_call_that_never_returns_is_left_alone() -> None:
    for_ever = threading.Event()
    try:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            next(call_each(lambda _: for_ever.wait(), [0], threads=1, silent_seconds=0.05))
        assert time.monotonic() - start < 2
    finally:
        for_ever.set()


def test_nothing_is_started_for_no_items() -> None:
    before = threading.active_count()
    assert list(call_each(lambda item: item, [], threads=16, silent_seconds=1)) == []
    assert threading.active_count() == before
