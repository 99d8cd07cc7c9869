"""Saved evaluations with plain figures, for tests of what is done with them."""

from harness.accuracy.evaluation import Evaluation, Subject
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.scoring import Scores
from harness.records import Accuracy, Weights
from harness.records.wilson import wilson_interval

PREPROCESSING = Preprocessing(resolution_px=32)
WEIGHTS = Weights(source="w.safetensors", sha256="a" * 64)


def make_evaluation(
    outcomes: str,
    *,
    device: str = "pixel",
    data: str = "d",
    identity: str = "d" * 64,
    artifact_sha256: str = "a" * 64,
    mismatching_logits: tuple[str, ...] = (),
) -> Evaluation:
    """An evaluation with these outcomes (`pairing.list_outcomes`) on the data set `data` of this identity."""
    interval = wilson_interval(outcomes.count("1"), len(outcomes))
    return Evaluation(
        accuracy=Accuracy(
            top1=interval,
            top5=interval,
            images=len(outcomes),
            dataset=data,
            split="test",
            preprocessing="p",
            measured_on=device,
            agreement_with_eager=1.0,
        ),
        scores=Scores(
            top1=interval, top5=interval, images=len(outcomes), classes=(), confusions=(), unreadable=()
        ),
        artifact_sha256=artifact_sha256,
        weights=WEIGHTS,
        dataset_identity=identity,
        preprocessing=PREPROCESSING,
        class_offset=0,
        outcomes=outcomes,
        mismatching_top1=(),
        mismatching_logits=mismatching_logits,
    )


def make_subject(artifact_sha256: str = "a" * 64) -> Subject:
    """The subject of such an evaluation."""
    return Subject(
        artifact_sha256=artifact_sha256,
        weights=WEIGHTS,
        classes=10,
        class_offset=0,
        class_names=(),
        preprocessing=PREPROCESSING,
    )
