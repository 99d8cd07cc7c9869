"""Measuring on the devices of a lab: each host does its part, and cells are saved here as they come."""

import contextlib
import getpass
import math
import os
import platform
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from harness.devices.places import group_by_place
from harness.devices.target import Target
from harness.errors import ConnectionLost, HarnessError, Interrupted, UsageError
from harness.lab.connection import Lab, host_resource, resource
from harness.lab.facts import HostFacts
from harness.lab.host import Turn
from harness.lab.ray_library import RayError, ray
from harness.lab.sent_errors import receive, send
from harness.lab.shipping import Shipper
from harness.lab.worker import DeviceWorker, Ended, Item, Order
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.background import Artifacts
from harness.measuring.base_side import BaseSide
from harness.records import RunRequest, Variant
from harness.records.progress import Event, Listener
from harness.records.run_folder import read_cells, read_run, write_cell
from harness.system.threads import ENDING

POLL_S = 0.5
# What runs on a device is ended within its own time-outs.
CANCEL_TIMEOUT_S = 60.0
ASK_AGAIN_S = 1.0
# Places work on a host; any number of them is there.
SMALL_SHARE = 0.0001


def measure_in_lab(
    lab: Lab,
    targets: Sequence[Target],
    request: RunRequest,
    artifacts: Artifacts,
    folder: Path,
    listen: Listener,
    *,
    base: BaseSide | None = None,
    power_command: tuple[str, ...] = (),
) -> list[HarnessError]:
    """Measure on all devices at once; cells are saved in the folder, errors are returned with their device.

    Raises:
        UsageError: there is a base or a meter's command, which stay on one host.
        Interrupted: Ctrl-C; the processes being measured have been ended.
    """
    if base or power_command:
        raise UsageError("a lab measures beside no base, and runs no meter's command")
    shipper = Shipper(min(host.object_store_bytes for host in lab.hosts))
    run, cells = read_run(folder), read_cells(folder)

    def begin(part: _Part) -> None:
        own = tuple(cell for cell in cells if cell.device.name in part.names)
        order = Order(
            host=part.host.name,
            token=part.token,
            holder=holder(),
            folder=str(folder.resolve()),
            run=run,
            targets=part.targets,
            variants=tuple(artifacts),
            cells=own,
        )
        part.measure(order, artifacts, shipper)

    parts = [_Part(host, group, lab, folder, listen, begin) for host, group in _groups(lab, targets)]
    try:
        _follow(parts)
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted; what was measured is saved",
            hint=f"continue with: harness run --lab {lab.address} --resume {folder}",
        ) from None
    finally:
        for part in parts:
            part.end()
    return [error for part in parts for error in part.errors]


def _groups(lab: Lab, targets: Sequence[Target]) -> Iterator[tuple[HostFacts, tuple[Target, ...]]]:
    """The devices that work one after the other, with their host."""
    for host in lab.hosts:
        names = {device.name for device in host.devices}
        for group in group_by_place([target for target in targets if target.name in names]):
            yield host, group


def _follow(parts: Sequence["_Part"]) -> None:
    """Take what comes until every part has ended; Ctrl-C ends them, and is raised once they have."""
    interrupted: float | None = None
    while working := [part for part in parts if not part.ended]:
        try:
            awaited = {part.awaited: part for part in working if part.awaited is not None}
            for one in _ready(list(awaited)):
                awaited[one].advance(one)
            for part in working:
                part.look_around()
        except KeyboardInterrupt:
            if interrupted is not None:
                raise
            interrupted = time.monotonic()
            for part in working:
                part.cancel()
        if interrupted and time.monotonic() > interrupted + CANCEL_TIMEOUT_S:
            break
    if interrupted is not None:
        raise KeyboardInterrupt


def _ready(awaited: list[Any]) -> list[Any]:
    """All that have something now; without any, wait a little for the first."""
    if not awaited:
        time.sleep(POLL_S)
        return []
    first, _ = ray.wait(awaited, num_returns=1, timeout=POLL_S, fetch_local=False)
    if not first or len(awaited) == 1:
        return list(first)
    return list(ray.wait(awaited, num_returns=len(awaited), timeout=0, fetch_local=False)[0])


@dataclass(eq=False)
class _Part:
    """The devices of one host that work one after the other: in line for them, then measuring, then ended.

    `awaited` is what the next event comes from; None between two questions whether the devices are free.
    """

    host: HostFacts
    targets: tuple[Target, ...]
    lab: Lab
    folder: Path
    listen: Listener
    begin: Callable[["_Part"], None]
    errors: list[HarnessError] = field(default_factory=list)
    ended: bool = False
    awaited: Any = None
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    _next: Callable[[Any], None] | None = None
    _actor: Any = None
    _asked: float = -math.inf
    _user: str = ""
    _last: str = ""

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
            self.ended = True
        except RayError as error:
            self._lose(error)

    def look_around(self) -> None:
        """Until the devices are ours, stay in line for them, and see that their host is still there."""
        now = time.monotonic()
        if self.ended or self._next == self._take or now < self._asked + ASK_AGAIN_S:
            return
        self._asked = now
        if host_resource(self.host.name) not in ray.cluster_resources():
            self._lose(None)
            return
        try:
            answer = self.lab.actor(self.host.name).wait_in_line.remote(self.token, self.names, holder())
        except ValueError:
            self._lose(None)
            return
        if self._actor is None:
            self.awaited, self._next = answer, self._ask_for_devices

    def cancel(self) -> None:
        """End what is measured; the stream then ends by itself."""
        if self._next == self._take:
            self._tell(ENDING)
            self._actor.cancel.remote()
        else:
            self.ended = True

    def end(self) -> None:
        """Free the devices, or leave the line; what still runs there is ended."""
        if self._actor is not None:
            ray.kill(self._actor)
        with contextlib.suppress(ValueError):
            self.lab.actor(self.host.name).release.remote(self.token)

    def measure(self, order: Order, artifacts: Artifacts, shipper: Shipper) -> None:
        """Begin, with the programs that there are; the others follow as they are lowered."""
        self.awaited = self._actor.measure.options(num_returns="streaming").remote(order)
        self._next = self._take
        for variant, future in artifacts.items():
            future.add_done_callback(partial(self._give, variant, shipper))

    def _ask_for_devices(self, answer: Any) -> None:
        turn: Turn = ray.get(answer)
        self.awaited = None
        if turn.user and turn.user != self._user:
            self._user = turn.user
            self._tell(f"waiting for {turn.user}")
        if not turn.is_first:
            return
        needed: dict[str, float] = {resource(name): 1 for name in self.names}
        here = {host_resource(self.host.name): SMALL_SHARE}
        self._actor = DeviceWorker.options(resources={**needed, **here}).remote()
        self.awaited, self._next = self._actor.ready.remote(), self._start

    def _start(self, answer: Any) -> None:
        ray.get(answer)
        self.begin(self)

    def _take(self, stream: Any) -> None:
        item: Item = ray.get(next(stream))
        if isinstance(item, Ended):
            self.errors += map(receive, item.errors)
            return
        self._last = item.text or self._last
        if item.cell:
            write_cell(self.folder, item.cell)
        self.listen(item)

    def _give(self, variant: Variant, shipper: Shipper, done: Future[StoredArtifact]) -> None:
        """Called by the thread that lowers, or at once for what is lowered already."""
        try:
            given = shipper.pack(done.result())
        except Exception as error:
            self._actor.take.remote(variant, send(error))
        else:
            self._actor.take.remote(variant, given)

    def _lose(self, error: RayError | None) -> None:
        self.ended = True
        doing = f" while: {self._last}" if self._last else ""
        for name in self.names:
            lost = ConnectionLost(
                f"the lab's host {self.host.name} is gone{doing}",
                hint="what was measured is saved; when the host or the device is back, also at another host:"
                f" harness run --lab {self.lab.address} --resume {self.folder}",
                device=name,
            )
            lost.__cause__ = error
            self.errors.append(lost)

    def _tell(self, text: str) -> None:
        for name in self.names:
            self.listen(Event(name, text))


def holder() -> str:
    """This process in words, for others that wait."""
    return f"process {os.getpid()} of {getpass.getuser()} on {platform.node()}"
