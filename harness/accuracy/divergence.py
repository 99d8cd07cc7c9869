"""Where a device's logits first differ from the reference: the exported graph, the program, or the device.

Used only after a mismatch was found, to separate a wrong program from a wrong device.
"""

import hashlib
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.accuracy.batches import Batches
from harness.accuracy.datasets import Dataset
from harness.accuracy.evaluation import Evaluation, PairedLogits
from harness.accuracy.loading import load_pixels
from harness.accuracy.packing import Chunk, lay_out
from harness.accuracy.preprocessing import normalize
from harness.accuracy.reference import CheckedProgram, predict_exported
from harness.accuracy.scoring import Logits, read_logits
from harness.analysis.parity import PLACES, mismatch_hint, read_reference, reference_name
from harness.analysis.precisions import find_precision, is_quantized_apart
from harness.devices.acquire import acquire
from harness.devices.target import Target
from harness.errors import HarnessError, Interrupted, MeasurementError
from harness.records import PrecisionName, Stage, Variant
from harness.records.progress import Log
from harness.runner.bundle import ensure_bundle
from harness.runner.deploy import deploy_artifact, deploy_bundle, deploy_runtime
from harness.runner.job import Job
from harness.system.text import printable

HOST = Target(name="host", kind="host", transport="local")
# Enough to find the stage; running them on this machine takes a moment.
LOCALIZED_IMAGES = 8


def record_mismatches(
    evaluation: Evaluation,
    logits: PairedLogits,
    dataset: Dataset,
    program: CheckedProgram,
    log: Log,
    *,
    on_host: bool,
    cancelled: threading.Event | None = None,
) -> Evaluation:
    """Add the images whose logits differ from the reference's, and the stage where they first differ."""
    device, reference = logits.device, logits.reference
    rows = find_mismatching(device.logits, reference.logits, program.precision)
    if not rows:
        return evaluation
    few = rows[:LOCALIZED_IMAGES]
    pixels = load_pixels(dataset, evaluation.preprocessing, [device.indices[row] for row in few])
    images = normalize(pixels.values, evaluation.preprocessing)
    inputs = lay_out(images, program.stored.artifact.input.dim_order)
    expected = reference.logits[list(few)]
    stage = find_first_mismatch(program, inputs, expected, log, on_host=on_host, cancelled=cancelled)
    return msgspec.structs.replace(
        evaluation,
        accuracy=msgspec.structs.replace(evaluation.accuracy, first_mismatch_at=stage),
        mismatching_logits=tuple(dataset.image_names[device.indices[row]] for row in rows),
    )


def mismatch_errors(evaluation: Evaluation, variant: Variant, device: str) -> Iterator[MeasurementError]:
    """One error if any image's logits differ from the reference's, else none."""
    if evaluation.mismatching_logits:
        apart = is_quantized_apart(variant)
        source = f"those of {reference_name(variant)}" if apart else "PyTorch's"
        stage = evaluation.accuracy.first_mismatch_at
        yield MeasurementError(
            f"logits of {len(evaluation.mismatching_logits)} of {evaluation.accuracy.images} images differ"
            f" from {source}"
            + (f"; first mismatch: {PLACES[stage]}" if stage else "")
            + f"; first image: {printable(evaluation.mismatching_logits[0])}",
            hint=mismatch_hint(variant, stage),
            device=device,
            variant=variant.name,
        )


def find_reference_mismatch(program: CheckedProgram, log: Log, *, on_host: bool) -> Stage | None:
    """The stage where the output for the reference input, which checks every process, first differs."""
    inputs, expected = (
        np.array(read_reference(file), dtype=np.float32)
        for file in (program.stored.reference_input, program.stored.reference_output)
    )
    return find_first_mismatch(program, inputs, expected[None], log, on_host=on_host)


def find_first_mismatch(
    program: CheckedProgram,
    inputs: NDArray[np.float32],
    expected: Logits,
    log: Log,
    *,
    on_host: bool,
    cancelled: threading.Event | None = None,
) -> Stage | None:
    """The first stage whose logits differ, given that the device's differ from the reference's.

    `inputs` are images in the memory order of the program's input, `expected` the reference's logits (images,
    classes); `on_host` means that the device is this machine. None when this machine cannot run the program.
    The program is run here first: if its logits are right here, the stages before it are right as well.

    Raises:
        Interrupted: `cancelled` was set while another harness process held this machine.
    """
    log("output differs from the reference; looking for the first stage that differs")
    if not on_host:
        try:
            here = _run_on_host(program, inputs, expected, log, cancelled)
        except Interrupted:
            raise
        except HarnessError as error:
            log(f"the program cannot run on this machine; first stage that differs unknown: {error.what}")
            return None
        if not find_mismatching(here, expected, program.precision):
            return "device"
    artifact = program.stored.artifact
    if is_quantized_apart(artifact.variant):
        return "host"
    exported = predict_exported(artifact.variant, program.inputs, inputs, artifact.input)
    return "exported" if find_mismatching(exported, expected, program.precision) else "host"


def find_mismatching(logits: Logits, expected: Logits, precision: PrecisionName) -> tuple[int, ...]:
    """The rows with a logit off by more than the precision's tolerance of the row's largest."""
    distances = np.abs(logits - expected).max(axis=1)
    allowed = find_precision(precision).relative_tolerance * np.abs(expected).max(axis=1)
    return tuple(int(row) for row in np.flatnonzero(distances > allowed))


def _run_on_host(
    program: CheckedProgram,
    inputs: NDArray[np.float32],
    expected: Logits,
    log: Log,
    cancelled: threading.Event | None,
) -> Logits:
    """Logits of the same program file on this machine, by the same runner."""
    with tempfile.TemporaryDirectory() as name, acquire(HOST, log, cancelled) as host:
        folder = Path(name)
        bundle = deploy_bundle(host, ensure_bundle(host.info.abi), log)
        deployed = deploy_artifact(host, program.stored, log)
        job = Job(host, bundle, f"{host.folder}/jobs/current")
        images, classes = expected.shape
        runner = deploy_runtime(host, program.stored.artifact.variant.runtime, log)
        batches = Batches(
            job, deployed.program, 1, 4 * classes, folder, log, keep_inputs=False, runner=runner
        )
        output = batches.run(_as_chunk(inputs, images, folder))
        return read_logits(output, images=images, classes=classes)


def _as_chunk(inputs: NDArray[np.float32], images: int, folder: Path) -> Chunk:
    content = inputs.astype("<f4").tobytes()
    file = folder / "inputs.bin"
    file.write_bytes(content)
    return Chunk(file, hashlib.sha256(content).hexdigest(), tuple(range(images)), (), None, None)
