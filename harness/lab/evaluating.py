"""Accuracy on the devices of a lab: their hosts run the images that the host which asked packs and scores."""

import contextlib
import platform
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from harness.accuracy.evaluation import RunBatch
from harness.accuracy.image_runner import ImageJob, ImageRunner, open_image_runner
from harness.accuracy.packing import Chunk
from harness.devices.target import Target
from harness.errors import ConnectionLost, Interrupted
from harness.lab.connection import Lab, host_resource, not_offered, resource
from harness.lab.facts import HostFacts
from harness.lab.host import Turn
from harness.lab.part import ASK_AGAIN_S, holder
from harness.lab.ray_library import RayError, ray
from harness.lab.sent_errors import SentError, receive, send
from harness.lab.shipping import Parcel, Shipper, unpack
from harness.records.progress import Log
from harness.system.files import hash_file

POLL_S = 0.5
END_TIMEOUT_S = 30.0

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Opened:
    """What an image runner says of its device."""

    name: str
    on_host: bool


class RemoteImages:
    """Runs images on one device of this host; while it lives, the device is its own."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._device = ExitStack()
        self._program = ExitStack()
        self._runner: ImageRunner | None = None
        self._run: RunBatch | None = None

    def open(self, target: Target) -> Opened | SentError:
        """Lock and open the device."""

        def work() -> Opened:
            opened = open_image_runner(target, lambda _: None, self._cancelled)
            runner = self._device.enter_context(opened)
            self._runner = runner
            return Opened(runner.name, runner.on_host)

        return _answer(work)

    def deploy(self, parcel: Parcel, threads: int, images_bytes: int) -> SentError | None:
        """Put a program on the device in place of the one before."""

        def work() -> None:
            self._program.close()
            runner = self._opened()
            scratch = Path(self._program.enter_context(tempfile.TemporaryDirectory()))
            job = ImageJob(unpack(parcel), threads, images_bytes)
            self._run = self._program.enter_context(runner.running(job, scratch, lambda _: None))

        return _answer(work)

    def run(self, chunk: Chunk, content: bytes) -> bytes | SentError:
        """Run a chunk's images; the bytes of their logits."""

        def work() -> bytes:
            if self._run is None:
                raise ValueError("no program was deployed")
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "chunk.bin"
                path.write_bytes(content)
                if hash_file(path) != chunk.sha256:
                    raise ConnectionLost("images were damaged between two hosts of the lab")
                logits = self._run(replace(chunk, path=path))
                return logits.read_bytes()

        return _answer(work)

    def close(self) -> None:
        """Free the device."""
        self._program.close()
        self._device.close()

    def cancel(self) -> None:
        """End what runs."""
        self._cancelled.set()
        if self._runner:
            self._runner.cancel()

    def _opened(self) -> ImageRunner:
        if self._runner is None:
            raise ValueError("no device was opened")
        return self._runner


# One thread has the device, as its locks want it; another one may end its work.
ImageWorker = ray.remote(num_cpus=0, max_restarts=0, concurrency_groups={"control": 1})(RemoteImages)


def _answer(work: Callable[[], Answer]) -> Answer | SentError:
    try:
        return work()
    except Exception as error:
        return send(error)


@contextmanager
def open_in_lab(lab: Lab, target: Target, log: Log, cancelled: threading.Event) -> Iterator[ImageRunner]:
    """Open a device of the lab at its host, once it is free; raises as `acquire` does."""
    host = lab.host_of(target.name)
    with _line(lab, host, target.name, log) as line:
        line.wait(cancelled)
        with _worker(host, target, cancelled) as remote:
            opened = line.open(remote, target)
            # References are computed where this process is.
            on_host = opened.on_host and host.machine == platform.node()
            yield _LabImageRunner(remote, Shipper(host.object_store_bytes), opened.name, on_host)


@contextmanager
def _worker(host: HostFacts, target: Target, cancelled: threading.Event) -> Iterator["_Remote"]:
    """Start the process that runs the images, and end it."""
    actor = ImageWorker.options(
        resources={resource(target.name): 1, host_resource(host.name): 0.0001}
    ).remote()
    try:
        yield _Remote(actor, host.name, target.name, cancelled)
    finally:
        with contextlib.suppress(Exception):
            ray.get(actor.close.remote(), timeout=END_TIMEOUT_S)
        ray.kill(actor)


@contextmanager
def _line(lab: Lab, host: HostFacts, device: str, log: Log) -> Iterator["_Line"]:
    """Stand in line for a device as runs do, and leave the line, or free the device."""
    try:
        answers = lab.actor(host.name)
    except ValueError as error:  # The host has just left.
        raise not_offered(device, "when its host is back, run the same command again") from error
    line = _Line(answers, host.name, device, log)
    try:
        yield line
    finally:
        with contextlib.suppress(Exception):
            answers.release.remote(line.token)


@dataclass
class _Line:
    """The place of this process in the line for one device; `answers` speaks for its host."""

    answers: Any
    host: str
    device: str
    log: Log
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    _user: str = ""

    def wait(self, cancelled: threading.Event) -> None:
        """Return when this process is the first in the line."""
        remote = _Remote(self.answers, self.host, self.device, cancelled)
        while not self._look(remote.ask(self._ask())):
            if cancelled.wait(ASK_AGAIN_S):
                raise Interrupted("interrupted", device=self.device)

    def open(self, remote: "_Remote", target: Target) -> Opened:
        """Open the device once it is free; until then this process stays in the line, and then holds it."""
        reference = remote.actor.open.remote(target)
        while not ray.wait([reference], timeout=ASK_AGAIN_S)[0] and not remote.cancelled.is_set():
            self._ask()
        opened: Opened = remote.ask(reference)
        self.answers.hold.remote(self.token, (self.device,), holder())
        return opened

    def _ask(self) -> Any:
        return self.answers.wait_in_line.remote(self.token, (self.device,), holder())

    def _look(self, turn: Turn) -> bool:
        # A run that has just measured is about to free the device.
        if turn.user not in ("", self._user, holder()):
            self._user = turn.user
            self.log(f"waiting for {turn.user}")
        return turn.is_first


@dataclass(frozen=True)
class _Remote:
    """Calls of one actor that a Ctrl-C does not wait for without end."""

    actor: Any
    host: str
    device: str
    cancelled: threading.Event

    def ask(self, reference: Any) -> Any:
        """The answer; raises the error that the host met."""
        while not ray.wait([reference], timeout=POLL_S)[0]:
            if self.cancelled.is_set():
                raise Interrupted("interrupted", device=self.device)
        try:
            answer = ray.get(reference)
        except RayError as error:
            raise ConnectionLost(
                f"the lab's host {self.host} is gone",
                hint="finished evaluations are saved; run `harness evaluate` again when the host is back",
                device=self.device,
            ) from error
        if isinstance(answer, SentError):
            raise receive(answer)
        return answer


@dataclass(frozen=True)
class _LabImageRunner:
    remote: _Remote
    shipper: Shipper
    name: str
    on_host: bool

    @contextmanager
    def running(self, job: ImageJob, scratch: Path, log: Log) -> Iterator[RunBatch]:
        actor = self.remote.actor
        log(f"sending the program to host {self.remote.host}")
        parcel = self.shipper.pack(job.stored)
        self.remote.ask(actor.deploy.remote(parcel, job.threads, job.images_bytes))

        def run(chunk: Chunk) -> Path:
            content = ray.put(chunk.path.read_bytes())
            logits: bytes = self.remote.ask(actor.run.remote(chunk, content))
            scratch.mkdir(parents=True, exist_ok=True)
            path = scratch / "logits.bin"
            path.write_bytes(logits)
            return path

        yield run

    def cancel(self) -> None:
        self.remote.actor.cancel.options(concurrency_group="control").remote()
