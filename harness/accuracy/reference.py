"""The network that a device's answers are judged by: eager for floats, exact integers for int8."""

from torch import Tensor

from harness.accuracy.eager import Network
from harness.lowering.cache import LoweringInputs
from harness.lowering.precisions import round_weights
from harness.lowering.program import build_network, one_thread, quantize
from harness.records import Variant
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
    quantized = quantize(
        variant, weights_file=files.weights_file, calibration_images=files.calibration_images
    )

    def predict(images: Tensor) -> Tensor:
        # Its small float64 convolutions gain nothing from more threads, and lose much on a busy machine.
        with one_thread():
            logits: Tensor = quantized(images)
        return logits

    return predict
