"""What a program made of each image of a data set, in a form that two programs can be compared by."""

from harness.accuracy.datasets import Dataset
from harness.accuracy.labels import expected_outputs
from harness.accuracy.scoring import Predictions
from harness.analysis.paired import RIGHT, UNREADABLE, WRONG


def list_outcomes(predictions: Predictions, dataset: Dataset, *, class_offset: int = 0) -> str:
    """One character for each image of the data set, in its order: RIGHT (top-1), WRONG or UNREADABLE."""
    classes = predictions.logits.shape[1]
    expected = expected_outputs(dataset, predictions.indices, classes=classes, class_offset=class_offset)
    outcomes = [UNREADABLE] * len(dataset)
    hits = predictions.logits.argmax(axis=1) == expected
    for index, hit in zip(predictions.indices, hits, strict=True):
        outcomes[index] = RIGHT if hit else WRONG
    return "".join(outcomes)
