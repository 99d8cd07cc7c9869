"""What measures on a host of the lab: the work of `harness run` on one host, its events streamed back."""

import contextlib
import hashlib
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from harness.devices.target import Target
from harness.errors import HarnessError
from harness.lab.host import NAMESPACE, PREFIX
from harness.lab.ray_library import ray
from harness.lab.sent_errors import SentError, receive, send
from harness.lab.shipping import Parcel, unpack
from harness.lowering.artifact_store import StoredArtifact
from harness.measuring.first_session import FirstSession
from harness.measuring.parallel import DeviceGroup
from harness.measuring.plans import Uncomputable
from harness.records import Cell, Run, Variant
from harness.records.progress import Event
from harness.records.run_folder import write_cell, write_run
from harness.runner.bundle import ensure_bundle
from harness.system.foreign_errors import as_harness_error
from harness.system.paths import cache_folder


@dataclass(frozen=True)
class Order:
    """What one group of a host's devices has to measure; `cells` are those that the run has of them.

    `token` and `holder` say who asked: as one of those that wait for the devices, and in words. `folder` is
    the run folder on the host that asked: with its name, a process that an earlier part of the same run left
    on a device is known again. `elapsed_s` has the devices on which the run has measured before.
    """

    host: str
    token: str
    holder: str
    folder: str
    run: Run
    targets: tuple[Target, ...]
    variants: tuple[Variant, ...]
    cells: tuple[Cell, ...] = ()
    elapsed_s: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """The last item of a stream: what went wrong."""

    errors: tuple[SentError, ...]


Item = Event | Ended


class RemoteMeasuring:
    """Measures on one group of devices; while it lives, these are its own."""

    def __init__(self) -> None:
        # What calls of other threads reach while `measure` runs.
        self._lock = threading.Lock()
        self._artifacts: dict[Variant, Future[StoredArtifact]] = {}
        self._not_received: list[HarnessError] = []
        self._group: DeviceGroup | None = None
        self._cancelled = False
        # A pool's devices get one variant after the other.
        self._first_sessions: dict[str, FirstSession] = {}

    def ready(self) -> None:
        """Answers once the devices are free."""

    def take(self, variant: Variant, given: Parcel | SentError) -> None:
        """A program to measure, or why there is none."""
        future = self._future(variant)
        if isinstance(given, SentError):
            future.set_exception(receive(given))
            return
        try:
            future.set_result(unpack(given))
        except Exception as error:
            # Nobody else knows that the host could not store it, for example on a full disk.
            known = as_harness_error(error)
            known.add_subject(variant=variant.name)
            self._not_received.append(known)
            future.set_exception(known)

    def cancel(self) -> None:
        """End what is being measured; what was measured has been sent."""
        with self._lock:
            self._cancelled = True
            group = self._group
        if group:
            group.cancellation.cancel()

    def measure(self, order: Order) -> Iterator[Item]:
        """Measure, and yield each event as it happens."""
        items: queue.Queue[Item | None] = queue.Queue()
        thread = threading.Thread(target=self._measure, args=(order, items.put), name="measuring")
        thread.start()
        while (item := items.get()) is not None:
            yield item
        thread.join()

    def _measure(self, order: Order, put: Callable[[Item | None], None]) -> None:
        for name, elapsed_s in order.elapsed_s.items():
            self._first_sessions.setdefault(name, FirstSession(time.monotonic() - elapsed_s))
        errors: tuple[SentError, ...] = ()
        try:
            with _recorded_hold(order), _folder_of(order) as folder:
                group = DeviceGroup(
                    order.targets,
                    order.run.request,
                    {variant: self._future(variant) for variant in order.variants},
                    folder,
                    put,
                    ensure_bundle,
                    None,
                    first_sessions=self._first_sessions,
                )
                with self._lock:
                    self._group = group
                    if self._cancelled:
                        group.cancellation.event.set()
                group.work()
                _name_variant(group.errors, order)
                errors = tuple(map(send, (*group.errors, *self._errors_of_programs(order))))
        except Exception as error:
            errors = (send(error),)
        finally:
            put(Ended(errors))
            put(None)

    def _future(self, variant: Variant) -> Future[StoredArtifact]:
        """The future of a variant, made by whichever comes first: the order, or the program."""
        with self._lock:
            return self._artifacts.setdefault(variant, Future())

    def _errors_of_programs(self, order: Order) -> list[HarnessError]:
        """Of those that did not arrive since the last order, each an error of the first device."""
        found = list(self._not_received)
        self._not_received.clear()
        for error in found:
            error.add_subject(device=order.targets[0].name)
        return found


def _name_variant(errors: Sequence[HarnessError], order: Order) -> None:
    """Of a pool's device that cannot compute the one variant it was given: it is there for the others."""
    for error in errors:
        if isinstance(error, Uncomputable) and len(order.variants) == 1:
            error.add_subject(variant=order.variants[0].name)


# One call measures; the others bring programs, or end it.
DeviceWorker = ray.remote(num_cpus=0, max_restarts=0, max_concurrency=8)(RemoteMeasuring)


@contextlib.contextmanager
def _recorded_hold(order: Order) -> Iterator[None]:
    """Let `lab status` say who uses the devices."""
    host = ray.get_actor(PREFIX + order.host, namespace=NAMESPACE)
    ray.get(host.hold.remote(order.token, tuple(target.name for target in order.targets), order.holder))
    try:
        yield
    finally:
        with contextlib.suppress(Exception):
            ray.get(host.release.remote(order.token))


@contextlib.contextmanager
def _folder_of(order: Order) -> Iterator[Path]:
    """A run folder on this host, of the same name for each part of the run; removed when it has ended."""
    devices = " ".join(target.name for target in order.targets)
    name = hashlib.sha256(f"{order.folder}\n{order.run.id}\n{devices}".encode()).hexdigest()
    folder = cache_folder() / "lab" / "runs" / name[:32]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_run(folder, order.run)
    for cell in order.cells:
        write_cell(folder, cell)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
