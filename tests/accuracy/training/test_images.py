"""Images are trained on alike, whether they are kept or decoded again."""

import pytest
import torch

from harness.accuracy.datasets import Dataset
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.training import images


def test_images_too_many_to_keep_are_decoded_in_every_epoch(
    splits: tuple[Dataset, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    preprocessing = Preprocessing(resolution_px=32)
    kept, _ = images.training_images(splits[0], preprocessing)
    monkeypatch.setattr(images, "KEEP_BYTES", 0)
    streamed, _ = images.training_images(splits[0], preprocessing)
    chosen = torch.tensor([7, 3, 399])
    for one, other in zip(kept.fetch(chosen), streamed.fetch(chosen), strict=True):
        assert torch.equal(one, other)
    assert kept.identity == streamed.identity
