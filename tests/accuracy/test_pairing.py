"""An outcome is listed for each image of the data set."""

import numpy as np
from PIL import Image

from harness.accuracy.datasets import Dataset
from harness.accuracy.pairing import list_outcomes
from harness.accuracy.scoring import Predictions


def test_outcomes_keep_the_order_of_the_data_set_and_mark_unreadable_images() -> None:
    dataset = Dataset(
        name="made",
        split="test",
        classes=("a", "b"),
        labels=(0, 1, 0, 1),
        image_names=tuple("0123"),
        content="",
        read=lambda index: Image.new("RGB", (1, 1)),
    )
    predictions = Predictions(np.eye(2, dtype=np.float32)[[0, 0, 1]], (0, 2, 3))
    assert list_outcomes(predictions, dataset) == "1-11"
    shifted = Predictions(np.eye(3, dtype=np.float32)[[0, 1, 2]], (0, 2, 3))
    assert list_outcomes(shifted, dataset, class_offset=1) == "0-11"
