"""The reference that a device's answers are compared with: PyTorch itself, on this machine."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from harness.accuracy.loading import Pixels
from harness.accuracy.packing import Chunk
from harness.accuracy.preprocessing import Preprocessing, normalize
from harness.accuracy.scoring import Logits, Predictions, join_predictions

BATCH = 64
# A network in evaluation mode or a quantized reference: NCHW float32 images to (N, classes) logits.
Network = Callable[[Tensor], Tensor]


def predict_chunks(
    network: Network,
    chunks: Iterable[Chunk],
    preprocessing: Preprocessing,
    *,
    progress: Callable[[int], None] = lambda images: None,
) -> Predictions:
    """Logits for the very bytes that are sent to a device."""
    parts: list[Predictions] = []
    for chunk in chunks:
        inputs = chunk.inputs(preprocessing)
        rows = [_run(network, inputs[at : at + BATCH]) for at in range(0, len(inputs), BATCH)]
        parts.append(Predictions(np.concatenate(rows), chunk.indices, chunk.unreadable))
        progress(sum(len(part.indices) for part in parts))
    return join_predictions(parts)


def predict_pixels(network: Network, pixels: Pixels, preprocessing: Preprocessing) -> Predictions:
    """Logits for prepared images, scaled a batch at a time."""
    rows = [
        _run(network, normalize(pixels.values[at : at + BATCH], preprocessing))
        for at in range(0, len(pixels.values), BATCH)
    ]
    return Predictions(np.concatenate(rows), pixels.indices, pixels.unreadable)


def _run(network: Network, inputs: Logits) -> Logits:
    with torch.no_grad():
        logits: Logits = network(torch.from_numpy(inputs).permute(0, 3, 1, 2)).numpy()
    return logits
