"""Which tier first departs from PyTorch: the exported graph, the program lowered here, or the device.

Run only when a device's answers are not those of the eager model, to tell a wrong file from a wrong device.
"""

import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.accuracy.batches import Batches
from harness.accuracy.datasets import Dataset
from harness.accuracy.evaluation import Evaluation
from harness.accuracy.loading import load_pixels
from harness.accuracy.packing import Chunk
from harness.accuracy.preprocessing import normalize
from harness.accuracy.scoring import Logits, Predictions, read_logits
from harness.analysis.parity import HINTS, RELATIVE_TOLERANCE, read_reference
from harness.devices.host import open_host
from harness.devices.host_lock import hold_device
from harness.devices.target import Target
from harness.errors import HarnessError, Interrupted, MeasurementError
from harness.lowering.cache import StoredArtifact
from harness.lowering.inputs import LoweringInputs
from harness.lowering.silence import quietly
from harness.records import Precision, Stage, Variant
from harness.runner.bundle import ensure_bundle
from harness.runner.deploy import deploy_artifact, deploy_bundle
from harness.runner.job import Job
from harness.system.text import printable

HOST = Target(name="host", kind="host", transport="local")
# Enough to tell which tier departs.
ASKED_IMAGES = 8

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Question:
    """A program whose answers are doubted, and the files it was lowered from."""

    stored: StoredArtifact
    files: LoweringInputs


def check_answers(
    evaluation: Evaluation,
    predictions: Predictions,
    expected: Predictions,
    dataset: Dataset,
    question: Question,
    log: Tell,
    *,
    on_host: bool,
    cancelled: threading.Event | None = None,
) -> Evaluation:
    """Name the images whose logits are not PyTorch's, and the tier at which they depart."""
    rows = find_mismatching(predictions.logits, expected.logits, question.stored.artifact.variant.precision)
    if not rows:
        return evaluation
    few = rows[:ASKED_IMAGES]
    pixels = load_pixels(dataset, evaluation.preprocessing, [predictions.indices[row] for row in few])
    inputs = normalize(pixels.values, evaluation.preprocessing)
    answers = expected.logits[list(few)]
    stage = find_first_mismatch(question, inputs, answers, log, on_host=on_host, cancelled=cancelled)
    return msgspec.structs.replace(
        evaluation,
        accuracy=msgspec.structs.replace(evaluation.accuracy, first_mismatch_at=stage),
        mismatching=tuple(dataset.image_names[predictions.indices[row]] for row in rows),
    )


def mismatch_errors(evaluation: Evaluation, variant: Variant, device: str) -> Iterator[MeasurementError]:
    """The error that an evaluation is whose logits are not PyTorch's."""
    if evaluation.mismatching:
        stage = evaluation.accuracy.first_mismatch_at
        yield MeasurementError(
            f"the logits of {len(evaluation.mismatching)} of {evaluation.accuracy.images} images are not"
            f" PyTorch's{_where(stage)}; the first is {printable(evaluation.mismatching[0])}",
            hint=HINTS[stage],
            device=device,
            variant=variant.name,
        )


def find_reference_mismatch(question: Question, log: Tell, *, on_host: bool) -> Stage | None:
    """The tier at which the answer to the input that every process is checked with departs."""
    inputs, expected = (
        np.array(read_reference(file), dtype=np.float32)
        for file in (question.stored.reference_input, question.stored.reference_output)
    )
    return find_first_mismatch(question, inputs, expected[None], log, on_host=on_host)


def find_first_mismatch(
    question: Question,
    inputs: NDArray[np.float32],
    expected: Logits,
    log: Tell,
    *,
    on_host: bool,
    cancelled: threading.Event | None = None,
) -> Stage | None:
    """The tier whose answers are not those of the one before, given that the device's are not PyTorch's.

    `inputs` are images in the memory order of the program's input, `expected` PyTorch's logits (images,
    classes); `on_host` says that the device is this machine. None when this machine cannot run the file.
    The host comes first: when it is right, nothing before it can be wrong, and torch is not needed.

    Raises:
        Interrupted: `cancelled` was set while this machine was another harness's.
    """
    log("looking for the tier that departs from PyTorch")
    variant = question.stored.artifact.variant
    if not on_host:
        try:
            lowered = _run_here(question, inputs, expected, log, cancelled)
        except Interrupted:
            raise
        except HarnessError as error:
            log(f"it cannot be run on this machine, so the tier is not known: {error.what}")
            return None
        if not find_mismatching(lowered, expected, variant.precision):
            return "device"
    with quietly():  # ExecuTorch's imports talk
        from harness.accuracy.reference import predict_exported

        exported = predict_exported(variant, question.files, inputs, question.stored.artifact.input)
    return "exported" if find_mismatching(exported, expected, variant.precision) else "host"


def find_mismatching(logits: Logits, expected: Logits, precision: Precision) -> tuple[int, ...]:
    """The rows that differ by more than the arithmetic of the precision explains."""
    distances = np.abs(logits - expected).max(axis=1)
    return tuple(
        int(row)
        for row in np.flatnonzero(distances > RELATIVE_TOLERANCE[precision] * np.abs(expected).max(axis=1))
    )


def _run_here(
    question: Question,
    inputs: NDArray[np.float32],
    expected: Logits,
    log: Tell,
    cancelled: threading.Event | None,
) -> Logits:
    """The very file on this machine, by the same runner."""
    with (
        tempfile.TemporaryDirectory() as name,
        hold_device(HOST, log, cancelled),
        open_host(HOST, log) as host,
    ):
        folder = Path(name)
        bundle = deploy_bundle(host, ensure_bundle(host.info.abi), log)
        deployed = deploy_artifact(host, question.stored, log)
        job = Job(host, bundle, f"{host.folder}/jobs/current")
        batches = Batches(job, deployed.program, 1, folder, log, keep_inputs=False)
        images, classes = expected.shape
        output = batches.run(_as_chunk(inputs, images, folder))
        return read_logits(output, images=images, classes=classes)


def _as_chunk(inputs: NDArray[np.float32], images: int, folder: Path) -> Chunk:
    content = inputs.astype("<f4").tobytes()
    file = folder / "inputs.bin"
    file.write_bytes(content)
    return Chunk(file, hashlib.sha256(content).hexdigest(), tuple(range(images)), (), None, None)


def _where(stage: Stage | None) -> str:
    return f"; they depart where it is {stage}" if stage else ""
