"""The reference that a device's answers are compared with: PyTorch itself, on this machine."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from harness.accuracy.evaluation import Predictions
from harness.accuracy.loading import Unreadable
from harness.accuracy.packing import Chunk
from harness.accuracy.preprocessing import Preprocessing

BATCH = 64


def predict_eagerly(
    network: Callable[[Tensor], Tensor],
    chunks: Iterable[Chunk],
    preprocessing: Preprocessing,
    *,
    progress: Callable[[int], None] = lambda images: None,
) -> Predictions:
    """Logits of a network in evaluation mode, or of a quantized reference, for the very bytes sent."""
    rows: list[Tensor] = []
    indices: list[int] = []
    unreadable: list[Unreadable] = []
    for chunk in chunks:
        inputs = chunk.inputs(preprocessing)
        with torch.no_grad():
            for start in range(0, len(inputs), BATCH):
                batch = torch.from_numpy(inputs[start : start + BATCH]).permute(0, 3, 1, 2)
                rows.append(network(batch))
        indices += chunk.indices
        unreadable += chunk.unreadable
        progress(len(indices))
    return Predictions(torch.cat(rows).numpy().astype(np.float32), tuple(indices), tuple(unreadable))
