"""Calls that may never return, in threads that do not hold the process when it ends."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_Job = tuple["Future[R]", T]


def call_each(
    function: Callable[[T], R], items: Iterable[T], *, threads: int, silent_seconds: float
) -> Generator[R]:
    """Call the function with each item, several at a time, and yield the results in the items' order.

    At most twice as many results as threads are in memory.

    Raises:
        TimeoutError: the next result did not come within `silent_seconds`; its thread is left alone.
        Exception: what the function raised.
    """
    jobs: queue.SimpleQueue[_Job[R, T] | None] = queue.SimpleQueue()
    waiting: deque[Future[R]] = deque()
    started = 0
    try:
        for item in items:
            if len(waiting) >= 2 * threads:
                yield _result(waiting.popleft(), silent_seconds)
            waiting.append(Future())
            jobs.put((waiting[-1], item))
            if started < threads:
                threading.Thread(target=_work, args=(function, jobs), daemon=True).start()
                started += 1
        while waiting:
            yield _result(waiting.popleft(), silent_seconds)
    finally:
        for future in waiting:
            future.cancel()
        for _ in range(started):
            jobs.put(None)


def _result(future: "Future[R]", silent_seconds: float) -> R:
    # Apart from a TimeoutError that the function itself raised.
    if not wait((future,), timeout=silent_seconds).done:
        raise TimeoutError
    return future.result()


def _work(function: Callable[[T], R], jobs: "queue.SimpleQueue[_Job[R, T] | None]") -> None:
    while job := jobs.get():
        future, item = job
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(function(item))
        except BaseException as error:
            future.set_exception(error)
