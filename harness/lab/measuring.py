"""Measuring on the devices of a lab: each host's part runs there, and its cells are saved here as they come."""

import getpass
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.devices.places import group_by_place
from harness.devices.target import Target
from harness.errors import ConnectionLost, HarnessError, Interrupted, UsageError
from harness.lab.connection import Lab, host_resource, resource
from harness.lab.facts import HostFacts
from harness.lab.ray_library import RayError, ray
from harness.lab.sent_errors import receive, send
from harness.lab.shipping import Shipper
from harness.lab.worker import DeviceWorker, Ended, Item, Order
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.background import Artifacts
from harness.measuring.base_side import BaseSide
from harness.records import Cell, Run, RunRequest, Variant
from harness.records.progress import Event, Listener
from harness.records.run_folder import read_cells, read_run, write_cell
from harness.system.threads import ENDING

POLL_S = 0.5
# What runs on a device is ended within its own time-outs.
CANCEL_TIMEOUT_S = 60.0
ANNOUNCE_AFTER_S = 2.0
LOOK_AGAIN_S = 5.0


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
    parts = [_Part(host, group, lab, request, folder, listen) for host, group in _groups(lab, targets)]
    try:
        for part in parts:
            part.start(_order(part, run, artifacts, cells), artifacts, shipper)
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
    while waiting := {part.awaited: part for part in parts if not part.ended}:
        try:
            for awaited in _ready(list(waiting)):
                waiting[awaited].advance(awaited)
            for part in waiting.values():
                part.look_around()
        except KeyboardInterrupt:
            if interrupted is not None:
                raise
            interrupted = time.monotonic()
            for part in waiting.values():
                part.cancel()
        if interrupted and time.monotonic() > interrupted + CANCEL_TIMEOUT_S:
            break
    if interrupted is not None:
        raise KeyboardInterrupt


def _ready(awaited: list[Any]) -> list[Any]:
    """All that have something now; without any, wait a little for the first."""
    first, _ = ray.wait(awaited, num_returns=1, timeout=POLL_S, fetch_local=False)
    if not first or len(awaited) == 1:
        return list(first)
    return list(ray.wait(awaited, num_returns=len(awaited), timeout=0, fetch_local=False)[0])


@dataclass(eq=False)
class _Part:
    """The devices of one host that work one after the other: waiting for them, then measuring, then ended."""

    host: HostFacts
    targets: tuple[Target, ...]
    lab: Lab
    request: RunRequest
    folder: Path
    listen: Listener
    errors: list[HarnessError] = field(default_factory=list)
    ended: bool = False
    awaited: Any = None
    _actor: Any = None
    _begin: Callable[[], None] = lambda: None
    _measuring: bool = False
    _announced: bool = False
    _since: float = field(default_factory=time.monotonic)
    _looked: float = 0.0
    _last: str = ""

    def start(self, order: Order, artifacts: Artifacts, shipper: Shipper) -> None:
        """Ask for the devices; who asked first gets them first."""
        needed: dict[str, float] = {resource(target.name): 1 for target in self.targets}
        self._actor = DeviceWorker.options(
            resources={**needed, host_resource(self.host.name): 0.0001}
        ).remote()
        self.awaited = self._actor.ready.remote()
        self._begin = lambda: self._measure(order, artifacts, shipper)

    def advance(self, awaited: Any) -> None:
        """Take what has come: the devices are free, or an event, or the end."""
        try:
            if not self._measuring:
                ray.get(awaited)
                self._begin()
                return
            self._take(ray.get(next(awaited)))
        except StopIteration:
            self.ended = True
        except RayError as error:
            self._lose(error)

    def look_around(self) -> None:
        """While the devices are in use, report by whom; and see that their host is still there."""
        now = time.monotonic()
        if (
            self._measuring
            or self.ended
            or now < max(self._since + ANNOUNCE_AFTER_S, self._looked + LOOK_AGAIN_S)
        ):
            return
        self._looked = now
        if host_resource(self.host.name) not in ray.cluster_resources():
            self._lose(None)
        elif not self._announced:
            self._announced = True
            self._tell(f"waiting for {self._find_holder()}")

    def cancel(self) -> None:
        """End what is measured; the stream then ends by itself."""
        if self._measuring:
            self._tell(ENDING)
            self._actor.cancel.remote()
        else:
            self.ended = True

    def end(self) -> None:
        """Free the devices; what still runs there is ended."""
        if self._actor is not None:
            ray.kill(self._actor)

    def _measure(self, order: Order, artifacts: Artifacts, shipper: Shipper) -> None:
        self._measuring = True
        self.awaited = self._actor.measure.options(num_returns="streaming").remote(order)
        for variant, future in artifacts.items():
            future.add_done_callback(lambda done, variant=variant: self._give(variant, done, shipper))

    def _give(self, variant: Variant, done: Future[StoredArtifact], shipper: Shipper) -> None:
        """Called by the thread that lowers, or at once for what is lowered already."""
        try:
            given = shipper.pack(done.result())
        except Exception as error:
            self._actor.take.remote(variant, send(error))
        else:
            self._actor.take.remote(variant, given)

    def _take(self, item: Item) -> None:
        if isinstance(item, Ended):
            self.errors += map(receive, item.errors)
            return
        self._last = item.text or self._last
        if item.cell:
            write_cell(self.folder, item.cell)
        self.listen(item)

    def _lose(self, error: RayError | None) -> None:
        self.ended = True
        doing = f" while: {self._last}" if self._last else ""
        for target in self.targets:
            lost = ConnectionLost(
                f"the lab's host {self.host.name} is gone{doing}",
                hint="what was measured is saved; when the host or the device is back, also at another host:"
                f" harness run --lab {self.lab.address} --resume {self.folder}",
                device=target.name,
            )
            lost.__cause__ = error
            self.errors.append(lost)

    def _tell(self, text: str) -> None:
        for target in self.targets:
            self.listen(Event(target.name, text))

    def _find_holder(self) -> str:
        names = {target.name for target in self.targets}
        try:
            facts = ray.get(self.lab.actor(self.host.name).describe.remote(), timeout=POLL_S * 4)
        except Exception:  # the next look sees whether the host is gone
            return f"a process on host {self.host.name}"
        used = [hold.holder for hold in facts.holds if names & set(hold.devices)]
        return used[0] if used else f"a process on host {self.host.name}"


def _order(part: _Part, run: Run, artifacts: Artifacts, cells: Sequence[Cell]) -> Order:
    names = {target.name for target in part.targets}
    return Order(
        host=part.host.name,
        holder=f"process {os.getpid()} of {getpass.getuser()} on {platform.node()}",
        folder=str(part.folder.resolve()),
        run=run,
        targets=part.targets,
        variants=tuple(artifacts),
        cells=tuple(cell for cell in cells if cell.device.name in names),
    )
