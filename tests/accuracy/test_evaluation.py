"""An evaluation separates a low accuracy from a wrong runtime, and resumes where it stopped."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from harness.accuracy.batches import CHUNK_BYTES
from harness.accuracy.datasets import Dataset, open_dataset
from harness.accuracy.evaluation import (
    Evaluation,
    RunBatch,
    Subject,
    check_dataset,
    evaluate_program,
    keep_outputs,
)
from harness.accuracy.packing import Chunk
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.reference import predict_chunks
from harness.errors import UsageError
from harness.records import Variant, Weights
from models.mobilenet_v1 import MobileNetV1, initialize

SHIPPED = f"idx:{Path(__file__).parent.parent / 'data' / 'fashion-mnist-1k'}"
PREPROCESSING = Preprocessing(resolution_px=32)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return open_dataset(SHIPPED)


@pytest.fixture(scope="module")
def network() -> MobileNetV1:
    network = MobileNetV1(0.25, classes=10)
    initialize(network, 0)
    return network.eval()


def _subject(dataset: Dataset, classes: int = 10) -> Subject:
    return Subject(
        artifact_sha256="0" * 64,
        weights=Weights(source="random", seed=0),
        classes=classes,
        class_offset=0,
        class_names=dataset.classes,
        preprocessing=PREPROCESSING,
    )


def _device(network: Callable[[torch.Tensor], torch.Tensor], folder: Path) -> RunBatch:
    """A device that computes with PyTorch what the runner would with ExecuTorch."""

    def run(chunk: Chunk) -> Path:
        output = folder / "output.bin"
        predict_chunks(network, [chunk], PREPROCESSING).logits.astype("<f4").tofile(output)
        return output

    return run


def _evaluate(
    dataset: Dataset,
    network: MobileNetV1,
    run_batch: RunBatch,
    folder: Path,
    *,
    chunk_bytes: int = CHUNK_BYTES,
) -> Evaluation:
    evaluation, _ = evaluate_program(
        _subject(dataset),
        dataset,
        run_batch,
        lambda chunks: predict_chunks(network, chunks, PREPROCESSING),
        measured_on="made",
        packed_folder=folder / "packed",
        chunk_bytes=chunk_bytes,
    )
    return evaluation


def test_a_faithful_device_agrees_on_every_image(
    dataset: Dataset, network: MobileNetV1, tmp_path: Path
) -> None:
    evaluation = _evaluate(dataset, network, _device(network, tmp_path), tmp_path)
    assert evaluation.accuracy.agreement_with_eager == 1
    assert evaluation.mismatching_top1 == ()
    assert evaluation.accuracy.images == sum(entry.images for entry in evaluation.scores.classes) == 1000
    assert evaluation.accuracy.preprocessing == PREPROCESSING.description
    saved = msgspec.json.encode(evaluation)
    assert msgspec.json.decode(saved, type=Evaluation) == evaluation


def test_a_wrong_runtime_shows_as_images_that_differ(
    dataset: Dataset, network: MobileNetV1, tmp_path: Path
) -> None:
    few = dataset.take(range(20))

    def wrong(images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = network(images)
        return -logits

    evaluation = _evaluate(few, network, _device(wrong, tmp_path), tmp_path)
    assert evaluation.accuracy.agreement_with_eager == 0
    assert evaluation.mismatching_top1 == few.image_names


def test_an_evaluation_goes_on_with_the_chunks_that_are_missing(
    dataset: Dataset, network: MobileNetV1, tmp_path: Path
) -> None:
    chunk_bytes = 300 * 32 * 32 * 3
    run, ran = _device(network, tmp_path), []

    def dies_at_the_third(chunk: Chunk) -> Path:
        ran.append(chunk.indices[0])
        if len(ran) == 3:
            raise KeyboardInterrupt
        return run(chunk)

    kept = keep_outputs(dies_at_the_third, tmp_path / "kept")
    with pytest.raises(KeyboardInterrupt):
        _evaluate(dataset, network, kept, tmp_path, chunk_bytes=chunk_bytes)
    evaluation = _evaluate(dataset, network, kept, tmp_path, chunk_bytes=chunk_bytes)
    assert ran == [0, 300, 600, 600, 900]
    assert evaluation.accuracy.agreement_with_eager == 1


def test_labels_that_mean_something_else_are_refused_before_anything_runs(dataset: Dataset) -> None:
    with pytest.raises(UsageError, match="the network has 1000 classes, fashion-mnist-1k has 10"):
        check_dataset(_subject(dataset, classes=1000), dataset)
    renamed = Dataset(
        "other",
        "test",
        tuple(reversed(dataset.classes)),
        dataset.labels,
        dataset.image_names,
        "",
        dataset.read,
    )
    with pytest.raises(UsageError, match="in another order"):
        check_dataset(_subject(dataset), renamed)


@pytest.mark.slow
def test_the_real_runner_agrees_with_eager_on_every_shipped_image(
    dataset: Dataset, network: MobileNetV1, tmp_path: Path
) -> None:
    from harness.lowering.artifact import lower_cached
    from harness.runner.bundle import ensure_bundle
    from harness.runner.bundle.wheel import runs_natively

    bundle = ensure_bundle("x86_64" if runs_natively("x86_64") else "arm64-v8a")
    stored = lower_cached(Variant(width=0.25, resolution_px=32, precision="fp32", classes=10))
    output = tmp_path / "output.bin"

    def run(chunk: Chunk) -> Path:
        runner = [bundle.folder / bundle.loader, "--library-path", bundle.folder, bundle.folder / "runner"]
        options = ["--model", stored.program, "--report", tmp_path / "report.json", "--threads", 1]
        batch = ["--batch-input", chunk.path, "--batch-output", output]
        scaling = ["--batch-scale", repr(chunk.scale), "--batch-offset", repr(chunk.offset)]
        subprocess.run([*map(str, (*runner, *options, *batch, *scaling))], check=True, timeout=300)
        return output

    evaluation = _evaluate(dataset, network, run, tmp_path)
    assert evaluation.accuracy.agreement_with_eager == 1
    logits = np.fromfile(output, dtype="<f4").reshape(1000, 10)
    assert len(np.unique(logits.argmax(axis=1))) > 1
