"""The logits that a device's are compared with: the eager network's for floats, exact integers for int8.

Of a runtime beside ExecuTorch, int8's are those of the very program (`lowering/quantized_references.py`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from harness.accuracy.loading import Pixels
from harness.accuracy.packing import Chunk
from harness.accuracy.preprocessing import Preprocessing, normalize
from harness.accuracy.scoring import Logits, Predictions, join_predictions
from harness.analysis.precisions import is_quantized_apart
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.inputs import LoweringInputs
from harness.lowering.int8_reference import IntegerReference
from harness.lowering.silence import quietly
from harness.records import PrecisionName, TensorSpec, Variant

BATCH = 64
# A network in evaluation mode or a quantized reference: NCHW float32 images to (N, classes) logits.
Network = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class CheckedProgram:
    """A lowered program whose logits are compared with a reference's, and the inputs it was lowered from."""

    stored: StoredArtifact
    inputs: LoweringInputs

    @property
    def precision(self) -> PrecisionName:
        """Decides the tolerance."""
        return self.stored.artifact.variant.precision


def reference_network(variant: Variant, files: LoweringInputs) -> Network:
    """The function that the variant's program computes, from the same files, for any number of images.

    Raises:
        LoweringError: the files do not fit the variant.
    """
    with quietly():
        # ExecuTorch takes seconds to import, and training needs PyTorch alone.
        from harness.lowering.program import build_reference, one_thread

        reference = build_reference(variant, files)
    if not isinstance(reference, IntegerReference):
        return reference

    def predict(images: Tensor) -> Tensor:
        # Its small float64 convolutions gain nothing from more threads, and lose much on a busy machine.
        with one_thread():
            logits: Tensor = reference(images)
        return logits

    return predict


def reference_of(program: CheckedProgram) -> Network:
    """What a program's logits are compared with; raises LoweringError as `reference_network` does."""
    variant = program.stored.artifact.variant
    if not is_quantized_apart(variant):
        return reference_network(variant, program.inputs)
    # Only for these: they need the packages of other runtimes.
    from harness.lowering.program import one_thread
    from harness.lowering.quantized_references import open_reference

    predict_one = open_reference(variant.runtime, program.stored.program)

    def predict(images: Tensor) -> Tensor:
        with one_thread():
            return torch.cat([predict_one(image[None]) for image in images])

    return predict


def predict_exported(variant: Variant, files: LoweringInputs, inputs: Logits, spec: TensorSpec) -> Logits:
    """Logits of the graph that XNNPACK is given, by PyTorch; a quantized one is computed in exact integers.

    `inputs` are images back to back in the memory order of the program's input.

    Raises:
        LoweringError: the files do not fit the variant.
    """
    with quietly():
        from harness.lowering.program import one_thread, prepare_variant

        prepared = prepare_variant(variant, files)
        graph = prepared.exported.module()
        network = IntegerReference(graph) if isinstance(prepared.eager, IntegerReference) else graph
        order = spec.dim_order
        laid_out = torch.from_numpy(inputs).reshape(-1, *(spec.sizes[dimension] for dimension in order[1:]))
        images = laid_out.permute([order.index(dimension) for dimension in range(len(order))])
        with torch.no_grad(), one_thread():  # it was exported for one image
            logits: Logits = torch.cat([network(image[None]) for image in images]).numpy()
    return logits


def predict_chunks(network: Network, chunks: Iterable[Chunk], preprocessing: Preprocessing) -> Predictions:
    """Logits for the very bytes that are sent to a device; a chunk without images is left out."""
    parts: list[Predictions] = []
    for chunk in chunks:
        if not chunk.indices:
            continue
        inputs = chunk.inputs(preprocessing)
        rows = [_run(network, inputs[at : at + BATCH]) for at in range(0, len(inputs), BATCH)]
        parts.append(Predictions(np.concatenate(rows), chunk.indices, chunk.unreadable))
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


@dataclass
class SharedReferences:
    """The reference's predictions for each program of a run, computed once for all its devices."""

    _by_artifact: dict[str, Predictions] = field(default_factory=dict)

    def find_or_predict(
        self,
        program: CheckedProgram,
        chunks: Iterable[Chunk],
        preprocessing: Preprocessing,
    ) -> Predictions:
        """Logits for these chunks, which are read the first time only; threads take turns."""
        sha256 = program.stored.artifact.sha256
        with quietly():
            if sha256 not in self._by_artifact:
                self._by_artifact[sha256] = predict_chunks(reference_of(program), chunks, preprocessing)
            return self._by_artifact[sha256]
