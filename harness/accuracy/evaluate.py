"""The story of `harness evaluate`: run each timed file over a data set and add its accuracy to its cells."""

import contextlib
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from harness.accuracy.batches import CHUNK_BYTES, Batches
from harness.accuracy.datasets import Dataset
from harness.accuracy.divergence import Question, check_answers, mismatch_errors
from harness.accuracy.eager import predict_chunks
from harness.accuracy.evaluation import RunBatch, evaluate, keep_outputs
from harness.accuracy.packing import Chunk
from harness.accuracy.preparation import Prepared
from harness.accuracy.scoring import Predictions
from harness.accuracy.store import FOLDER, find_evaluation, pair_with_fp32, save_evaluation
from harness.devices.device import Device
from harness.devices.host_lock import hold_device, hold_there
from harness.devices.kinds import open_device
from harness.devices.target import Target, group_by_place
from harness.errors import HarnessError, Interrupted, MeasurementError, UsageError
from harness.lowering.artifact import lower_cached
from harness.lowering.cache import StoredArtifact
from harness.lowering.silence import quietly
from harness.measuring.parallel import ENDING, work_at_once
from harness.records import Accuracy, Cell, Variant
from harness.records.run_folder import cell_file_name, read_cells
from harness.runner.bundle import ensure_bundle
from harness.runner.deploy import deploy_artifact, deploy_bundle
from harness.runner.job import Job
from harness.system.paths import cache_folder
from harness.system.progress import Event, Listener
from harness.system.text import printable

NHWC = (0, 2, 3, 1)


@dataclass(frozen=True)
class Work:
    """One file and the cells that timed it: those that differ in threads alone share its accuracy."""

    variant: Variant
    cells: tuple[Cell, ...]


def evaluate_run(
    folder: Path, prepared: Prepared, targets: Sequence[Target], listen: Listener, *, on_host: bool
) -> tuple[HarnessError, ...]:
    """Evaluate what a run folder holds, on its devices or all of it here, and return what went wrong.

    Raises:
        UsageError: a cell whose weights are not given.
        Interrupted: Ctrl-C; finished evaluations are saved, and so are outputs fetched until then.
    """
    if prepared.dataset is None:
        return ()
    return Evaluator(folder, prepared, prepared.dataset, listen).evaluate_cells(targets, on_host=on_host)


@dataclass
class Evaluator:
    """A run folder, what its cells were made from, the images, and whom to tell."""

    folder: Path
    prepared: Prepared
    dataset: Dataset
    listen: Listener
    errors: list[HarnessError] = field(default_factory=list)
    # By artifact: several devices are compared with the same answers of PyTorch.
    eager: dict[str, Predictions] = field(default_factory=dict)
    # By device: what runs there now.
    jobs: dict[str, Job] = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def evaluate_cells(self, targets: Sequence[Target], *, on_host: bool) -> tuple[HarnessError, ...]:
        """All devices at once, those on this machine in turn; raises as `evaluate_run` does."""
        cells = [cell for cell in read_cells(self.folder) if not cell.failure]
        work = {
            target: self._unfinished(target, [c for c in cells if on_host or c.device.name == target.name])
            for target in targets
        }
        groups = list(group_by_place([target for target, waiting in work.items() if waiting]))
        evaluate_group = partial(self._evaluate_group, work)
        try:
            work_at_once([(partial(evaluate_group, group), partial(self._cancel, group)) for group in groups])
        except KeyboardInterrupt:
            raise Interrupted(
                "interrupted; what was evaluated is saved",
                hint=f"go on with: harness evaluate {self.folder}, and the same options",
            ) from None
        pair_with_fp32(self.folder)
        return tuple(self.errors)

    def _evaluate_group(self, work: Mapping[Target, Sequence[Work]], group: Sequence[Target]) -> None:
        for target in group:
            if not self.cancelled.is_set():
                self._evaluate_on(target, work[target])

    def _cancel(self, group: Sequence[Target]) -> None:
        self.cancelled.set()
        self.listen(Event(group[0].name, ENDING))
        for target in group:
            if job := self.jobs.get(target.name):
                job.cancel()

    def _unfinished(self, target: Target, cells: Sequence[Cell]) -> list[Work]:
        """What has no evaluation yet; one that is there already goes into all cells of the same file."""
        groups: defaultdict[str, list[Cell]] = defaultdict(list)
        for cell in cells:
            groups[cell.artifact.sha256].append(cell)
        unfinished = []
        for group in groups.values():
            work = Work(self._find_variant(group[0]), tuple(group))
            subject = self.prepared.subject(work.variant)
            found = find_evaluation(self.folder, group, subject, self.dataset, target.name)
            if found:
                save_evaluation(self.folder, found, group)
                self.errors += mismatch_errors(found, work.variant, target.name)
            else:
                unfinished.append(work)
        return unfinished

    def _find_variant(self, cell: Cell) -> Variant:
        for variant in self.prepared.weights:
            if variant.name == cell.variant.name:
                return variant
        raise UsageError(
            f"no weights are given for {cell.variant.name}",
            hint="name their file with --weights; the accuracy of random weights tells nothing",
        )

    def _evaluate_on(self, target: Target, waiting: Sequence[Work]) -> None:
        """One device or file failing does not stop the others."""

        def log(text: str) -> None:
            self.listen(Event(target.name, text))

        try:
            log("connecting")
            with (
                hold_device(target, log, self.cancelled),
                open_device(target, log) as opened,
                hold_there(target, opened, log, self.cancelled) as device,
            ):
                for number, work in enumerate(waiting):
                    self._check_cancelled()
                    try:
                        self._evaluate(work, device, number, len(waiting))
                    except MeasurementError as error:
                        error.variant = error.variant or work.variant.name
                        self._add(error, target)
        except HarnessError as error:
            self._add(error, target)

    def _unless_cancelled(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            self._check_cancelled()
            yield chunk

    def _check_cancelled(self) -> None:
        if self.cancelled.is_set():
            raise Interrupted("interrupted")

    def _add(self, error: HarnessError, target: Target) -> None:
        error.device = error.device or target.name
        self.errors.append(error)

    def _evaluate(self, work: Work, device: Device, number: int, files: int) -> None:
        images = len(self.dataset)
        name = work.variant.name

        def log(text: str, done: int = 0) -> None:
            step, steps = number * images + done, files * images
            self.listen(Event(device.info.name, f"{name}: {text}", step=step, steps=steps))

        stored = self._find_artifact(work)
        subject = self.prepared.subject(work.variant, stored.artifact.sha256)
        # Of this file on this device and no other: what is kept there is taken for its answers.
        kept_as = Path(cell_file_name(f"{device.info.name}-{stored.artifact.sha256}")).stem
        outputs = self.folder / FOLDER / "outputs" / kept_as
        image_bytes = 3 * subject.preprocessing.resolution_px**2
        keep_inputs = device.free_bytes is None or images * image_bytes < device.free_bytes / 2
        with self._running(device, stored, work, outputs, log, keep_inputs=keep_inputs) as run_batch:
            evaluation, predictions = evaluate(
                subject,
                self.dataset,
                keep_outputs(run_batch, outputs),
                measured_on=device.info.name,
                packed_folder=cache_folder() / "packed",
                chunk_bytes=CHUNK_BYTES,
                predict_eagerly=lambda chunks: self._predict_eagerly(stored, work.variant, chunks, log),
                progress=lambda done: log("evaluating", done),
            )
        question = Question(stored, self.prepared.inputs[work.variant])
        expected = self.eager[stored.artifact.sha256]
        on_host = device.info.kind == "host"
        evaluation = check_answers(
            *(evaluation, predictions, expected, self.dataset, question, log),
            on_host=on_host,
            cancelled=self.cancelled,
        )
        save_evaluation(self.folder, evaluation, work.cells)
        self.errors += mismatch_errors(evaluation, work.variant, device.info.name)
        shutil.rmtree(outputs)
        with contextlib.suppress(OSError):  # others are still kept there
            outputs.parent.rmdir()
        self.listen(Event(device.info.name, f"{name}: {_describe(evaluation.accuracy)}"))

    def _find_artifact(self, work: Work) -> StoredArtifact:
        """The very bytes that were timed.

        Raises:
            MeasurementError: other bytes come out now, or they take no NHWC images.
        """
        files = self.prepared.inputs[work.variant]
        stored = lower_cached(work.variant, files, allow_undelegated=True)
        if stored.artifact.sha256 != work.cells[0].artifact.sha256:
            raise MeasurementError(
                "its weights, calibration images or library versions are no longer those of the timed file",
                hint="time it again: accuracy must be that of the same file",
            )
        if stored.artifact.input.dim_order != NHWC:
            raise MeasurementError("it has operators outside the delegate, and takes no NHWC images")
        return stored

    def _predict_eagerly(
        self, stored: StoredArtifact, variant: Variant, chunks: list[Chunk], log: Callable[[str, int], None]
    ) -> Predictions:
        sha256 = stored.artifact.sha256
        log("comparing with PyTorch", len(self.dataset))
        with quietly():  # ExecuTorch's imports talk
            if sha256 not in self.eager:
                from harness.accuracy.reference import reference_network

                network = reference_network(variant, self.prepared.inputs[variant])
                preprocessing = self.prepared.subject(variant).preprocessing
                self.eager[sha256] = predict_chunks(network, self._unless_cancelled(chunks), preprocessing)
            return self.eager[sha256]

    @contextmanager
    def _running(
        self,
        device: Device,
        stored: StoredArtifact,
        work: Work,
        scratch: Path,
        log: Callable[[str], None],
        *,
        keep_inputs: bool,
    ) -> Iterator[RunBatch]:
        """Deploy, and let the job be ended when the user interrupts: it would go on without us."""
        bundle = deploy_bundle(device, ensure_bundle(device.info.abi), log)
        deployed = deploy_artifact(device, stored, log)
        job = Job(device, bundle, f"{device.folder}/jobs/current")
        job.stop()
        threads = min(max(cell.plan.threads for cell in work.cells), len(device.info.cores) or 1)
        batches = Batches(job, deployed.program, threads, scratch, log, keep_inputs)

        def run(chunk: Chunk) -> Path:
            self._check_cancelled()
            return batches.run(chunk)

        self.jobs[device.info.name] = job
        try:
            yield run
        finally:
            del self.jobs[device.info.name]


def _describe(accuracy: Accuracy) -> str:
    """The line that tells of a finished evaluation."""
    top1 = accuracy.top1
    text = f"top-1 {top1.estimate:.1%} ({top1.low:.1%} to {top1.high:.1%}) of {accuracy.images} images"
    if accuracy.unreadable:
        text += (
            f"; {accuracy.unreadable} could not be read, the first {printable(accuracy.unreadable_images[0])}"
        )
    return text
