"""One part of a run in a lab: devices of one host that are waited for, measured on, and freed."""

import contextlib
import getpass
import math
import os
import platform
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from harness.devices.target import Target
from harness.errors import ConnectionLost, HarnessError
from harness.lab.connection import Lab, host_resource
from harness.lab.facts import HostFacts
from harness.lab.host import Turn
from harness.lab.pools import Shares
from harness.lab.ray_library import RayError, ray
from harness.lab.remote_worker import RemoteWorker, StartWorker
from harness.lab.sent_errors import receive, send
from harness.lab.shipping import Shipper
from harness.lab.worker import Ended, Item, Order
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.background import Artifacts
from harness.measuring.first_session import FirstSession
from harness.records import Cell, Run, Variant
from harness.records.progress import Event, Listener
from harness.records.run_folder import write_cell
from harness.system.foreign_errors import as_harness_error
from harness.system.text import shell_word
from harness.system.threads import ENDING

ASK_AGAIN_S = 1.0
# Of a host that is missed, in a row and a second or more apart, or of processes that would measure there and
# did not start, before it is given up.
MOST_FAILURES = 4


@dataclass(frozen=True)
class SharedRun:
    """What all parts of a run share."""

    lab: Lab
    record: Run
    folder: Path
    listen: Listener
    artifacts: Artifacts
    cells: Sequence[Cell]
    shipper: Shipper
    shares: Shares
    start_worker: StartWorker
    writers: Executor
    presence: "Presence"
    first_sessions: dict[str, FirstSession] = field(default_factory=dict)


class Presence:
    """Which hosts are in the lab; all are asked once a second for all callers."""

    def __init__(self) -> None:
        self._resources: frozenset[str] = frozenset()
        self._asked = -math.inf

    def has(self, host: HostFacts) -> bool:
        """Whether a host is in the lab, as of a second ago."""
        now = time.monotonic()
        if now >= self._asked + ASK_AGAIN_S:
            self._resources, self._asked = frozenset(ray.cluster_resources()), now
        return host_resource(host.name) in self._resources


@dataclass(eq=False)
class Part:
    """The devices of one host that work one after the other: in line for them, then measuring, then ended.

    `awaited` is what the next event comes from; None between two questions whether the devices are free, and
    while it is idle: until another device of a pool gives something back, or all are done.
    """

    run: SharedRun
    host: HostFacts
    targets: tuple[Target, ...]
    errors: list[HarnessError] = field(default_factory=list)
    ended: bool = False
    awaited: Any = None
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    _next: Callable[[Any], None] | None = None
    _worker: RemoteWorker | None = None
    _question: Any = None
    _asked: float = -math.inf
    _user: str = ""
    _last: str = ""
    _saved: Future[None] | None = None
    _idle: bool = False
    _failed: bool = False
    _misses: int = 0
    _failures: int = 0
    _cancelled: bool = False
    _freed: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Of the devices."""
        return tuple(target.name for target in self.targets)

    def advance(self, awaited: Any) -> None:
        """Take what has come: an answer whether the devices are free, an event, or the end."""
        try:
            if self._next is not None:
                self._next(awaited)
        except StopIteration:
            self._go_on()
        except RayError as error:
            if self._next == self._take:
                self._lose(error)
            else:
                self._fail_to_start(error)

    def look_around(self) -> None:
        """Until the devices are ours, stay in line for them, and see that their host is still there."""
        now = time.monotonic()
        if self._idle:
            self._go_on()
        if self.ended or self._idle or self._next == self._take or now < self._asked + ASK_AGAIN_S:
            return
        self._asked = now
        if not self.run.presence.has(self.host):
            self._fail_to_start(None)
            return
        if self._question is not None and not ray.wait([self._question], timeout=0, fetch_local=False)[0]:
            # A busy host answers late. Asked once more for each second, it would answer later still.
            return
        try:
            actor = self.run.lab.actor(self.host.name)
        except ValueError:  # The host has just left.
            self._fail_to_start(None)
            return
        self._question = actor.wait_in_line.remote(self.token, self.names, holder())
        if self._worker is None:
            self.awaited, self._next = self._question, self._ask_for_devices

    def cancel(self) -> None:
        """End what is measured; the stream then ends by itself."""
        self._cancelled = True
        if self._worker and self._next == self._take and not self._idle:
            self._tell(ENDING)
            self._worker.cancel()
        else:
            self.ended = True

    def end(self) -> None:
        """Free the devices, or leave the line; what still runs there is ended."""
        if self._freed:
            return
        self._freed = True
        if self._worker is not None:
            self._worker.end()
        with contextlib.suppress(ValueError):
            self.run.lab.actor(self.host.name).release.remote(self.token)

    def _ask_for_devices(self, answer: Any) -> None:
        turn: Turn = ray.get(answer)
        self.awaited, self._misses = None, 0
        if turn.user and turn.user != self._user:
            self._user = turn.user
            self._tell(f"waiting for {turn.user}")
        if not turn.is_first:
            return
        self._worker = self.run.start_worker(self.host, self.names)
        self.awaited, self._next = self._worker.ready(), self._start

    def _fail_to_start(self, error: RayError | None) -> None:
        """Stay in line: nothing has been touched yet, and a host that has left is missed again and again."""
        if self._worker is None:
            self._misses += 1
        else:
            self._failures += 1
            self._worker.end()
        if max(self._misses, self._failures) > MOST_FAILURES:
            self._lose(error)
            return
        self._worker = self.awaited = self._question = None

    def _start(self, answer: Any) -> None:
        ray.get(answer)
        self._go_on()

    def _go_on(self) -> None:
        """Measure what is next; without any, end, or wait for what another device might not finish."""
        shares, first = self.run.shares, self.names[0]
        if self._failed:
            shares.give_back(first)
        variants = () if self._failed or self._cancelled else shares.take(first)
        self.awaited, self._idle = None, not variants
        if variants and self._worker:
            self._measure(self._worker, variants)
        elif self._failed or self._cancelled or shares.is_over():
            self.ended, self._idle = True, False

    def _measure(self, worker: RemoteWorker, variants: tuple[Variant, ...]) -> None:
        """Begin, with the programs that there are; the others follow as they are lowered."""
        begun, now = self.run.first_sessions, time.monotonic()
        elapsed_s = {name: now - begun[name].started for name in self.names if name in begun}
        for name in self.names:
            begun.setdefault(name, FirstSession(now))
        order = Order(
            host=self.host.name,
            token=self.token,
            holder=holder(),
            folder=str(self.run.folder.resolve()),
            run=self.run.record,
            targets=self.targets,
            variants=variants,
            cells=tuple(cell for cell in self.run.cells if cell.device.name in self.names),
            elapsed_s=elapsed_s,
        )
        self.awaited, self._next = worker.measure(order), self._take
        for variant in variants:
            self.run.artifacts[variant].add_done_callback(partial(self._give, worker, variant))

    def _take(self, stream: Any) -> None:
        item: Item = ray.get(next(stream))
        self.settle()
        if isinstance(item, Ended):
            self.errors += map(receive, item.errors)
            # An error of a variant does not keep the device from the others.
            self._failed = any(not error.variant for error in item.errors)
            return
        self._last = item.text or self._last
        if item.cell:
            self._saved = self.run.writers.submit(self._save, item.cell, item)
        else:
            self.run.listen(item)

    def settle(self) -> None:
        """Wait until what came last is saved; raises what kept it from that."""
        if self._saved is not None:
            saved, self._saved = self._saved, None
            saved.result()

    def _save(self, cell: Cell, event: Event) -> None:
        write_cell(self.run.folder, cell)
        self.run.listen(event)

    def _give(self, worker: RemoteWorker, variant: Variant, done: Future[StoredArtifact]) -> None:
        """Called by the thread that lowers, or at once for what is lowered already."""
        try:
            given = self.run.shipper.share(done.result())
        except Exception as error:
            worker.take(variant, send(error))
            if not done.exception():  # Where lowering failed, that is reported already.
                self.errors.append(as_harness_error(error))
        else:
            worker.take(variant, given)

    def _lose(self, error: RayError | None) -> None:
        self.ended = True
        self.run.shares.give_back(self.names[0])
        doing = f" while: {self._last}" if self._last else ""
        # A process ends before its host is missed.
        process = ", or its process that measures" if error else ""
        for name in self.names:
            lost = ConnectionLost(
                f"the lab's host {self.host.name} is gone{process}{doing}",
                hint="what was measured is saved; when the host or the device is back, also at another host:"
                f" harness run --resume {shell_word(self.run.folder)}",
                device=name,
            )
            lost.__cause__ = error
            self.errors.append(lost)

    def _tell(self, text: str) -> None:
        for name in self.names:
            self.run.listen(Event(name, text))


def holder() -> str:
    """This process in words, for others that wait."""
    return f"process {os.getpid()} of {getpass.getuser()} on {platform.node()}"
