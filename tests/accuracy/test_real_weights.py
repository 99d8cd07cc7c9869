"""Published checkpoints: HARNESS_REAL_WEIGHTS names a folder of mobilenet_v1_<width>_<side>_quant.tflite."""

import os
from pathlib import Path

import pytest
import torch

from harness.accuracy.weights import load_weights
from harness.errors import UsageError

FOLDER = os.environ.get("HARNESS_REAL_WEIGHTS")
pytestmark = pytest.mark.skipif(not FOLDER, reason="HARNESS_REAL_WEIGHTS is not set")


@pytest.mark.parametrize(
    ("name", "width", "side"),
    [("0.25_128", 0.25, 128), ("0.5_160", 0.5, 160), ("0.75_192", 0.75, 192)],
)
def test_published_tflite_classifiers_load(name: str, width: float, side: int) -> None:
    loaded = load_weights(Path(FOLDER or "") / f"mobilenet_v1_{name}_quant.tflite", width=width, classes=1001)
    assert (loaded.resolution_px, loaded.padding, loaded.class_offset) == (side, "tf_same", 1)
    with torch.no_grad():
        logits = loaded.network()(torch.zeros(1, 3, side, side))
    # Trained classifiers are far from indifferent even to a grey picture.
    assert logits.std() > 0.5


def test_the_published_embedding_extractor_is_a_backbone() -> None:
    loaded = load_weights(Path(FOLDER or "") / "mobilenet_v1_1.0_224_quant_embedding_extractor.tflite")
    assert (loaded.width, loaded.classes, loaded.resolution_px) == (1.0, None, 224)
    with pytest.raises(UsageError, match="a backbone without a classifier"):
        loaded.network()
