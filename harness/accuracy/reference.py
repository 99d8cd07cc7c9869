"""The network that a device's answers are judged by: eager for floats, exact integers for int8."""

import torch
from torch import Tensor

from harness.accuracy.eager import Network
from harness.accuracy.scoring import Logits
from harness.lowering.inputs import LoweringInputs
from harness.lowering.int8_reference import IntegerReference
from harness.lowering.precisions import round_weights
from harness.lowering.program import build_network, one_thread, prepare_variant, quantize
from harness.records import TensorSpec, Variant
from models.mobilenet_v1 import fold_batch_norm


def reference_network(variant: Variant, files: LoweringInputs) -> Network:
    """The function that the variant's program computes, from the same files, for any number of images.

    Raises:
        LoweringError: the files do not fit the variant.
    """
    if variant.precision == "fp32":
        return build_network(variant, files.weights_file)
    if variant.precision == "fp16":
        return round_weights(fold_batch_norm(build_network(variant, files.weights_file)))
    quantized = quantize(variant, files)

    def predict(images: Tensor) -> Tensor:
        # Its small float64 convolutions gain nothing from more threads, and lose much on a busy machine.
        with one_thread():
            logits: Tensor = quantized(images)
        return logits

    return predict


def predict_exported(variant: Variant, files: LoweringInputs, inputs: Logits, spec: TensorSpec) -> Logits:
    """Logits of the graph that XNNPACK is given, by PyTorch; a quantized one is computed in exact integers.

    `inputs` are images back to back in the memory order of the program's input.

    Raises:
        LoweringError: the files do not fit the variant.
    """
    prepared = prepare_variant(variant, files)
    graph = prepared.exported.module()
    network = IntegerReference(graph) if isinstance(prepared.eager, IntegerReference) else graph
    order = spec.dim_order
    laid_out = torch.from_numpy(inputs).reshape(-1, *(spec.sizes[dimension] for dimension in order[1:]))
    images = laid_out.permute([order.index(dimension) for dimension in range(len(order))])
    with torch.no_grad(), one_thread():  # it was exported for one image
        logits: Logits = torch.cat([network(image[None]) for image in images]).numpy()
    return logits
