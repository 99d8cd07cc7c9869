"""The story of `harness run`: lower each variant, measure it on each device, save each cell."""

import contextlib
import dataclasses
import importlib.metadata
import itertools
import platform
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from harness.devices import open_device
from harness.devices.device import Device
from harness.devices.target import Target
from harness.errors import DeviceUnfit, HarnessError, Interrupted
from harness.locks import hold_device
from harness.lowering.cache import StoredArtifact
from harness.lowering.pool import LoweringPool
from harness.measuring.jobs import Job
from harness.measuring.plans import make_plan
from harness.measuring.session import CellRequest, Session
from harness.paths import PROJECT
from harness.records import Cell, PushedArtifact, Run, RunRequest, Variant
from harness.results import read_cells, read_run, write_cell, write_run
from harness.transports.local import run_local

PACKAGES = ("mobilenet-harness", "torch", "executorch", "torchao", "adb-shell")
# How long an interrupted device may take to let go of what it is doing.
INTERRUPT_TIMEOUT_S = 20


@dataclass(frozen=True)
class Event:
    """Something the user may want to see: `device` is empty for the lowering."""

    device: str
    text: str = ""
    cell: Cell | None = None
    step: int = 0
    steps: int = 0


Listener = Callable[[Event], None]


@dataclass
class Outcome:
    """How a run ended: its folder's cells, and what went wrong with which device or variant."""

    folder: Path
    cells: tuple[Cell, ...] = ()
    errors: list[HarnessError] = field(default_factory=list)


def run(request: RunRequest, targets: Sequence[Target], folder: Path, listen: Listener) -> Outcome:
    """Measure everything asked for; a folder with cells of the same request goes on from there.

    Raises:
        Interrupted: Ctrl-C; what was measured is saved.
    """
    record = _open_record(request, folder)
    variants = variants_of(request)
    errors: list[HarnessError] = []
    with LoweringPool(variants, allow_undelegated=request.allow_undelegated) as pool:
        _announce_lowering(pool.futures, listen)
        workers = [_Worker(group, request, folder, pool.futures, listen, errors) for group in _group(targets)]
        _work(workers)
    errors.extend(_lowering_errors(pool.futures))
    cells = read_cells(folder)
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    write_run(folder, msgspec.structs.replace(record, finished_at=finished, artifacts=_pushed(cells)))
    return Outcome(folder, cells, errors)


def variants_of(request: RunRequest) -> tuple[Variant, ...]:
    """The product of the lists, in the order given."""
    return tuple(
        Variant(
            width=width,
            resolution_px=resolution_px,
            precision=precision,
            padding=request.padding,
            classes=request.classes,
            weights=request.weights,
        )
        for width, resolution_px, precision in itertools.product(
            request.widths, request.resolutions_px, request.precisions
        )
    )


def _open_record(request: RunRequest, folder: Path) -> Run:
    if (folder / "run.json").exists():
        return read_run(folder)
    record = Run(
        id=folder.name,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        finished_at=None,
        request=request,
        versions={name: importlib.metadata.version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
        git_revision=_git_revision(),
        host=f"{platform.system()} {platform.release()} {platform.machine()}",
        artifacts=(),
    )
    write_run(folder, record)
    return record


def _git_revision() -> str | None:
    """The harness's own revision, when it runs from a checkout."""
    told = run_local(["git", "-C", str(PROJECT), "rev-parse", "HEAD"], timeout_s=10)
    return told.text.strip() if told.exit_code == 0 else None


def _pushed(cells: Sequence[Cell]) -> tuple[PushedArtifact, ...]:
    pushed = {
        cell.artifact.sha256: PushedArtifact(
            name=cell.variant.name, sha256=cell.artifact.sha256, size_bytes=cell.artifact.size_bytes
        )
        for cell in cells
    }
    return tuple(pushed.values())


def _announce_lowering(futures: Mapping[Variant, Future[StoredArtifact]], listen: Listener) -> None:
    def announce(variant: Variant) -> None:
        done = sum(future.done() for future in futures.values())
        listen(Event("", f"lowered {variant.name}", step=done, steps=len(futures)))

    for variant, future in futures.items():
        future.add_done_callback(lambda _, variant=variant: announce(variant))  # type: ignore[misc]


def _lowering_errors(futures: Mapping[Variant, Future[StoredArtifact]]) -> Iterator[HarnessError]:
    for future in futures.values():
        error = future.exception() if future.done() and not future.cancelled() else None
        if isinstance(error, HarnessError):
            yield error
        elif error is not None:
            raise error


def _group(targets: Sequence[Target]) -> Iterator[tuple[Target, ...]]:
    """Devices that live on this machine are measured one after the other, all others at once."""
    here = tuple(target for target in targets if target.lives_here)
    if here:
        yield here
    for target in targets:
        if not target.lives_here:
            yield (target,)


def _work(workers: Sequence["_Worker"]) -> None:
    with ThreadPoolExecutor(max_workers=len(workers)) as executor:
        futures = [executor.submit(worker.work) for worker in workers]
        try:
            for future in futures:
                future.result()
        except KeyboardInterrupt:
            for worker in workers:
                worker.cancel()
            raise Interrupted("interrupted: what was measured so far is saved") from None


@dataclass
class _Worker:
    """Measures a group of devices, one after the other, in a thread of its own."""

    targets: Sequence[Target]
    request: RunRequest
    folder: Path
    futures: Mapping[Variant, Future[StoredArtifact]]
    listen: Listener
    errors: list[HarnessError]
    cancelled: threading.Event = field(default_factory=threading.Event)
    session: Session | None = None

    def work(self) -> None:
        """One device failing does not stop the others."""
        for target in self.targets:
            try:
                self._measure(target)
            except Interrupted:
                return
            except HarnessError as error:
                error.device = error.device or target.name
                self.errors.append(error)

    def _measure(self, target: Target) -> None:
        if target.lives_here:
            self._wait_for_lowering(target)
        self.listen(Event(target.name, "connecting"))
        with (
            hold_device(target, lambda text: self.listen(Event(target.name, text))),
            open_device(target) as device,
        ):
            requests = _cell_requests(self.request, self.futures, device)
            progress = _Progress(
                target.name, sum(r.plan.processes for r in requests), self.folder, self.listen
            )
            self.session = Session(device, self.futures, progress.save, progress.tell, self.cancelled)
            self.session.measure(requests, read_cells(self.folder), seed=self.request.seed)

    def _wait_for_lowering(self, target: Target) -> None:
        """This machine is not timed while it lowers."""
        for future in self.futures.values():
            while not future.done():
                if self.cancelled.wait(0.1):
                    raise Interrupted("interrupted", device=target.name)

    def cancel(self) -> None:
        """Called from another thread: end the process being measured, on a connection of its own."""
        self.cancelled.set()
        session = self.session
        job = session.current_job if session else None
        if session and job:
            with contextlib.suppress(HarnessError), _connection(session.device) as device:
                Job(device, job.bundle, job.folder).stop()


@contextmanager
def _connection(device: Device) -> Iterator[Device]:
    transport = device.connect()
    try:
        yield dataclasses.replace(device, transport=transport)
    finally:
        transport.close()


def _cell_requests(
    request: RunRequest, futures: Mapping[Variant, Future[StoredArtifact]], device: Device
) -> list[CellRequest]:
    available = len(device.info.cores)
    too_many = [threads for threads in request.threads if available and threads > available]
    if too_many:
        raise DeviceUnfit(
            f"it has {available} cores, fewer than {too_many[0]} threads",
            device=device.info.name,
            mend=f"--threads {available}",
        )
    return [
        CellRequest(variant, make_plan(request, device.info.clock, threads))
        for variant in futures
        for threads in request.threads
    ]


@dataclass
class _Progress:
    """Saves cells as they grow and counts the processes measured."""

    device: str
    steps: int
    folder: Path
    listen: Listener
    step: int = 0

    def tell(self, text: str) -> None:
        """Pass on what a device is doing."""
        self.listen(Event(self.device, text, step=self.step, steps=self.steps))

    def save(self, cell: Cell) -> None:
        """Write the cell to the run folder."""
        write_cell(self.folder, cell)
        self.step += 1
        if cell.failure:
            self.step += cell.plan.processes - len(cell.processes) - 1
        self.listen(Event(self.device, cell=cell, step=self.step, steps=self.steps))
