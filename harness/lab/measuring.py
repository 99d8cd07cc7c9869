"""Measuring on the devices of a lab: each host does its part, and cells are saved here as they come."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from harness.devices.places import group_by_place
from harness.devices.target import Target
from harness.errors import HarnessError, Interrupted, UsageError
from harness.lab.connection import Lab, not_offered
from harness.lab.facts import HostFacts
from harness.lab.part import Part, Presence, SharedRun
from harness.lab.pools import Everything, Pool, Shares
from harness.lab.ray_library import ray
from harness.lab.remote_worker import RemoteWorker, StartWorker
from harness.lab.shipping import Shipper
from harness.lowering.background import Artifacts
from harness.measuring.base_side import BaseSide
from harness.measuring.finished import is_finished
from harness.measuring.first_session import FirstSession
from harness.records import Cell, RunRequest, Variant
from harness.records.progress import Event, Listener
from harness.records.run_folder import read_cells, read_run
from harness.system.text import shell_word

POLL_S = 0.5
# Saving waits for the disk, up to 20 ms where it is busy, and a disk takes several at once.
WRITERS = 8
# Of a continued run, until it is known which programs the caches have.
CACHES_TIMEOUT_S = 10.0
# What runs on a device is ended within its own time-outs.
CANCEL_TIMEOUT_S = 60.0


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
    first_sessions: dict[str, FirstSession] | None = None,
    start_worker: StartWorker = RemoteWorker.start,
) -> list[HarnessError]:
    """Measure on all devices at once; cells are saved in the folder, errors are returned with their device.

    `start_worker` starts the process that holds a group of devices and measures on them.

    Raises:
        UsageError: there is a base or a meter's command, which stay on one host.
        Interrupted: Ctrl-C; the processes being measured have been ended.
    """
    if base or power_command:
        raise UsageError("a lab measures beside no base, and runs no meter's command")
    cells = read_cells(folder)
    present = [target for target in targets if lab.offers(target.name)]
    shares, asked = _share(targets, present, request, artifacts, cells, listen)
    writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="saving cells")
    run = SharedRun(
        lab=lab,
        record=read_run(folder),
        folder=folder,
        listen=listen,
        artifacts=artifacts,
        cells=cells,
        shipper=Shipper(min(host.object_store_bytes for host in lab.hosts)),
        shares=shares,
        start_worker=start_worker,
        writers=writers,
        presence=Presence(),
        first_sessions={} if first_sessions is None else first_sessions,
    )
    parts = [Part(run, host, group) for host, group in _by_host(lab, asked, alone=bool(request.any_of))]
    try:
        _follow(parts)
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted; what was measured is saved",
            hint=f"continue with: harness run --resume {shell_word(folder)}",
        ) from None
    finally:
        for part in parts:
            part.end()
        writers.shutdown()
    for part in parts:
        part.settle()
    hint = f"when the device is back, also at another host: harness run --resume {shell_word(folder)}"
    missed = [not_offered(target.name, hint) for target in asked if target not in present]
    return [*(error for part in parts for error in part.errors), *missed]


def _share(
    targets: Sequence[Target],
    present: Sequence[Target],
    request: RunRequest,
    artifacts: Artifacts,
    cells: Sequence[Cell],
    listen: Listener,
) -> tuple[Shares, Sequence[Target]]:
    """Who measures what, and the devices that are needed for it, `present` or not."""
    if not request.any_of:
        return Everything(tuple(artifacts)), _without_finished(targets, request, artifacts, cells, listen)
    if cells:
        wait(artifacts.values(), timeout=CACHES_TIMEOUT_S)
    known = {target.name: target for target in targets}

    def is_measured(device: str, variant: Variant) -> bool:
        own = [cell for cell in cells if cell.device.name == device]
        of_variant = {variant: artifacts[variant]}
        return device in known and is_finished(known[device], request, of_variant, own)

    pool = Pool(tuple(artifacts), (target.name for target in present), cells, is_measured)
    if not pool.has_work():
        return pool, ()
    # The devices that are there do the work of those that are not.
    return pool, present or targets


def _without_finished(
    targets: Sequence[Target],
    request: RunRequest,
    artifacts: Artifacts,
    cells: Sequence[Cell],
    listen: Listener,
) -> Sequence[Target]:
    """Of a continued run, the devices that have something left to measure: the others may be gone.

    What the caches have is known soon; a device is asked where that is not so.
    """
    measured: dict[str, list[Cell]] = {}
    for cell in cells:
        measured.setdefault(cell.device.name, []).append(cell)
    if not measured:
        return targets
    wait(artifacts.values(), timeout=CACHES_TIMEOUT_S)
    finished = [one for one in targets if is_finished(one, request, artifacts, measured.get(one.name, ()))]
    for target in finished:
        listen(Event(target.name, "measured completely before"))
    return [target for target in targets if target not in finished]


def group_in_lab(lab: Lab, targets: Sequence[Target]) -> Iterator[tuple[Target, ...]]:
    """The devices that work one after the other; of different hosts they work at once."""
    for _, group in _by_host(lab, targets, alone=False):
        yield group


def _by_host(
    lab: Lab, targets: Sequence[Target], *, alone: bool
) -> Iterator[tuple[HostFacts, tuple[Target, ...]]]:
    """The devices that work one after the other, with their host; `alone`, each for itself."""
    for host in lab.hosts:
        names = {device.name for device in host.devices}
        own = [target for target in targets if target.name in names]
        for group in ((target,) for target in own) if alone else group_by_place(own):
            yield host, group


def _follow(parts: Sequence[Part]) -> None:
    """Take what comes until every part has ended; Ctrl-C ends them, and is raised once they have."""
    interrupted: float | None = None
    while working := [part for part in parts if not part.ended]:
        try:
            awaited = {part.awaited: part for part in working if part.awaited is not None}
            for one in _ready(list(awaited)):
                awaited[one].advance(one)
            for part in working:
                part.look_around()
                if part.ended:
                    part.end()
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
