"""A device that runs images through programs, opened on this host; a lab opens those of its other hosts."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.accuracy.batches import Batches
from harness.accuracy.evaluation import RunBatch
from harness.devices.acquire import acquire
from harness.devices.device import Device
from harness.devices.target import Target
from harness.lowering.artifact_store import StoredArtifact
from harness.records.progress import Log
from harness.runner.bundle import ensure_bundle
from harness.runner.deploy import deploy_artifact, deploy_bundle, deploy_runtime
from harness.runner.job import Job


@dataclass(frozen=True)
class ImageJob:
    """What is run: a program with at most `threads` threads, over `images_bytes` of images in all."""

    stored: StoredArtifact
    threads: int
    images_bytes: int


class ImageRunner(Protocol):
    """An open device: its name, and whether it is the host that computes the references."""

    @property
    def name(self) -> str:
        """The device's name."""

    @property
    def on_host(self) -> bool:
        """Whether the device is this machine."""

    def running(self, job: ImageJob, scratch: Path, log: Log) -> AbstractContextManager[RunBatch]:
        """Put the program on the device; what is yielded runs a chunk and returns the file of its logits."""

    def cancel(self) -> None:
        """Stop the program that runs; called from another thread."""


OpenImageRunner = Callable[[Target, Log, threading.Event], AbstractContextManager[ImageRunner]]


@contextmanager
def open_image_runner(target: Target, log: Log, cancelled: threading.Event) -> Iterator[ImageRunner]:
    """Lock and open a device of this host; raises as `acquire` does."""
    with acquire(target, log, cancelled) as device:
        yield _DeviceImageRunner(device)


@dataclass
class _DeviceImageRunner:
    device: Device
    _job: Job | None = None

    @property
    def name(self) -> str:
        return self.device.info.name

    @property
    def on_host(self) -> bool:
        return self.device.info.kind == "host"

    @contextmanager
    def running(self, job: ImageJob, scratch: Path, log: Log) -> Iterator[RunBatch]:
        """Deploy the program, and let `cancel` stop its job: it would go on running without us."""
        device, stored = self.device, job.stored
        bundle = deploy_bundle(device, ensure_bundle(device.info.abi), log)
        deployed = deploy_artifact(device, stored, log)
        running = Job(device, bundle, f"{device.folder}/jobs/current")
        running.stop()
        threads = min(job.threads, len(device.info.cores) or 1)
        keep_inputs = device.free_bytes is None or job.images_bytes < device.free_bytes / 2
        logits_bytes = stored.artifact.output.size_bytes
        runner = deploy_runtime(device, stored.artifact.variant.runtime, log)
        self._job = running
        try:
            yield Batches(
                running, deployed.program, threads, logits_bytes, scratch, log, keep_inputs, runner
            ).run
        finally:
            self._job = None

    def cancel(self) -> None:
        if job := self._job:
            job.cancel()
