"""One device's part of `harness evaluate`: deploy each timed program, run the images, save its accuracy."""

import contextlib
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.accuracy.batches import CHUNK_BYTES
from harness.accuracy.datasets import Dataset
from harness.accuracy.divergence import mismatch_errors, record_mismatches
from harness.accuracy.evaluation import RunBatch, evaluate_program, keep_outputs
from harness.accuracy.image_runner import ImageJob, ImageRunner, OpenImageRunner, open_image_runner
from harness.accuracy.packing import Chunk
from harness.accuracy.preparation import Prepared
from harness.accuracy.reference import CheckedProgram, SharedReferences
from harness.accuracy.scoring import Predictions
from harness.accuracy.store import save_evaluation
from harness.devices.target import Target
from harness.errors import HarnessError, Interrupted, MeasurementError
from harness.lowering.artifact import lower_cached
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.inputs import LoweringInputs
from harness.records import Accuracy, Cell, Variant
from harness.records.cell_files import cell_file_name
from harness.records.outcomes import EVALUATIONS_FOLDER
from harness.records.progress import Event, Listener
from harness.system.foreign_errors import as_harness_error, of_one_item
from harness.system.paths import cache_folder
from harness.system.text import printable


@dataclass(frozen=True)
class TimedProgram:
    """One program and the cells that timed it: cells that differ only in threads share its accuracy."""

    variant: Variant
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class EvaluationRun:
    """What all devices of an evaluation share: the run folder, weights and inputs, images, references.

    `open_runner` opens a device, here or on the host of a lab that has it.
    """

    folder: Path
    prepared: Prepared
    dataset: Dataset
    listen: Listener
    references: SharedReferences = field(default_factory=SharedReferences)
    cancelled: threading.Event = field(default_factory=threading.Event)
    open_runner: OpenImageRunner = open_image_runner

    def check_cancelled(self) -> None:
        """Raise Interrupted once the user has pressed Ctrl-C."""
        if self.cancelled.is_set():
            raise Interrupted("interrupted")


@dataclass
class DeviceEvaluation:
    """Evaluates programs on one device, one after the other; `errors` has what went wrong."""

    run: EvaluationRun
    target: Target
    programs: Sequence[TimedProgram]
    errors: list[HarnessError] = field(default_factory=list)
    _runner: ImageRunner | None = None

    def evaluate(self) -> None:
        """Evaluate all programs; one that fails, with whatever error, does not stop the others."""

        def log(text: str) -> None:
            self.run.listen(Event(self.target.name, text))

        try:
            self.run.check_cancelled()
            log("connecting")
            with self.run.open_runner(self.target, log, self.run.cancelled) as runner:
                self._runner = runner
                for number, program in enumerate(self.programs):
                    self.run.check_cancelled()
                    try:
                        self._evaluate(program, runner, number)
                    except Exception as error:
                        self._add(of_one_item(error), program.variant.name)
        except Exception as error:
            self._add(as_harness_error(error))

    def cancel(self) -> None:
        """Stop the program that runs on the device; called from another thread, once `cancelled` is set."""
        if runner := self._runner:
            runner.cancel()

    def _add(self, error: HarnessError, variant: str = "") -> None:
        error.add_subject(device=self.target.name, variant=variant)
        self.errors.append(error)

    def _evaluate(self, program: TimedProgram, runner: ImageRunner, number: int) -> None:
        run, name = self.run, program.variant.name
        images = len(run.dataset)

        def log(text: str, done: int = 0) -> None:
            step, steps = number * images + done, len(self.programs) * images
            run.listen(Event(runner.name, f"{name}: {text}", step=step, steps=steps))

        checked = find_timed_program(program, run.prepared.inputs[program.variant])
        stored = checked.stored
        subject = run.prepared.subject(program.variant, stored.artifact.sha256)

        def predict_reference(chunks: Sequence[Chunk]) -> Predictions:
            log("computing the reference's logits", images)
            unless_cancelled = self._unless_cancelled(chunks)
            return run.references.find_or_predict(checked, unless_cancelled, subject.preprocessing)

        outputs = self._outputs_folder(runner, stored)
        job = ImageJob(
            stored,
            threads=max(cell.plan.threads for cell in program.cells),
            images_bytes=images * 3 * program.variant.shape[1] ** 2,
        )
        with runner.running(job, outputs, log) as run_batch:
            evaluation, logits = evaluate_program(
                subject,
                run.dataset,
                keep_outputs(self._unless_ended(run_batch), outputs),
                predict_reference,
                measured_on=runner.name,
                packed_folder=cache_folder() / "packed",
                chunk_bytes=CHUNK_BYTES,
                dim_order=stored.artifact.input.dim_order,
                progress=lambda done: log("evaluating", done),
            )
        evaluation = record_mismatches(
            evaluation,
            logits,
            run.dataset,
            checked,
            log,
            on_host=runner.on_host,
            cancelled=run.cancelled,
        )
        save_evaluation(run.folder, evaluation, program.cells)
        self.errors += mismatch_errors(evaluation, program.variant, runner.name)
        run.listen(Event(runner.name, f"{name}: {describe_accuracy(evaluation.accuracy)}"))
        _remove_outputs(outputs)

    def _unless_cancelled(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            self.run.check_cancelled()
            yield chunk

    def _unless_ended(self, run_batch: RunBatch) -> RunBatch:
        def run(chunk: Chunk) -> Path:
            self.run.check_cancelled()
            return run_batch(chunk)

        return run

    def _outputs_folder(self, runner: ImageRunner, stored: StoredArtifact) -> Path:
        """For this program on this device alone: an outputs file found there is taken as its logits."""
        kept_as = Path(cell_file_name(f"{runner.name}-{stored.artifact.sha256}")).stem
        return self.run.folder / EVALUATIONS_FOLDER / "outputs" / kept_as


def find_timed_program(program: TimedProgram, inputs: LoweringInputs) -> CheckedProgram:
    """The very bytes that were timed.

    Raises:
        MeasurementError: lowering gives other bytes now.
    """
    stored = lower_cached(program.variant, inputs, allow_undelegated=True)
    if stored.artifact.sha256 != program.cells[0].artifact.sha256:
        raise MeasurementError(
            "the weights, calibration images or library versions have changed since the program was timed",
            hint="time the program again: accuracy must be that of the same file",
        )
    return CheckedProgram(stored, inputs)


def _remove_outputs(outputs: Path) -> None:
    shutil.rmtree(outputs)
    with contextlib.suppress(OSError):  # other programs' outputs are still kept there
        outputs.parent.rmdir()


def describe_accuracy(accuracy: Accuracy) -> str:
    """The log line for a finished evaluation."""
    top1 = accuracy.top1
    text = f"top-1 {top1.estimate:.1%} ({top1.low:.1%} to {top1.high:.1%}) of {accuracy.images} images"
    if accuracy.unreadable:
        first = printable(accuracy.unreadable_images[0])
        text += f"; {accuracy.unreadable} images could not be read; the first: {first}"
    for remark in accuracy.remarks:
        text += f"; {printable(remark)}"
    return text
