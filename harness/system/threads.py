"""Work in several threads that Ctrl-C ends."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from harness.errors import Interrupted

ENDING = "stopping the processes on this device; a second Ctrl-C does not wait for them"


def work_at_once(tasks: Sequence[tuple[Callable[[], None], Callable[[], None]]]) -> None:
    """Run each pair's task in a thread and wait for all; on Ctrl-C call each pair's cancel function.

    Raises:
        KeyboardInterrupt: Ctrl-C, after all tasks have ended. A second Ctrl-C does not wait for tasks that
            still run, such as one that waits for a silent device: the process must then end without joining
            its threads (`cli.main`).
    """
    with ThreadPoolExecutor(max_workers=2 * len(tasks) or 1) as executor:
        try:
            for future in [executor.submit(work) for work, _ in tasks]:
                future.result()
        except KeyboardInterrupt:
            for _, cancel in tasks:
                executor.submit(cancel)
            raise


class Cancellation:
    """Lets one thread end the work of another: `event` ends its waits, and its programs are stopped."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._lock = threading.Lock()
        self._ending = threading.Lock()
        self._stops: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Set `event` and stop what runs now; called from another thread than the one that works."""
        with self._ending:
            with self._lock:
                self.event.set()
                stops = tuple(self._stops)
            for stop in stops:
                stop()

    def check(self, device: str = "") -> None:
        """Raise Interrupted once `cancel` was called."""
        if self.event.is_set():
            raise Interrupted("interrupted", device=device)

    @contextmanager
    def stopping(self, stop: Callable[[], None], device: str = "") -> Iterator[None]:
        """Let `cancel` call `stop` while the block runs, and wait for it: then nothing of the block is left.

        Raises:
            Interrupted: `cancel` was called before: the block does not run.
        """
        with self._lock:
            self.check(device)
            self._stops.append(stop)
        try:
            yield
        finally:
            with self._lock:
                self._stops.remove(stop)
            with self._ending:
                pass
