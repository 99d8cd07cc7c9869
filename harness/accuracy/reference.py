"""The network that a device's answers are judged by: eager for floats, exact integers for int8."""

import torch
from torch import Tensor

from harness.accuracy.eager import Network
from harness.lowering.cache import LoweringInputs
from harness.lowering.program import build_network, quantize
from harness.records import Variant


def reference_network(variant: Variant, files: LoweringInputs) -> Network:
    """The function that the variant's program computes, from the same files.

    Raises:
        LoweringError: the files do not fit the variant.
    """
    if variant.precision == "fp32":
        return build_network(variant, files.weights_file)
    quantized = quantize(
        variant, weights_file=files.weights_file, calibration_images=files.calibration_images
    )

    def one_by_one(images: Tensor) -> Tensor:
        """It was exported for a batch of one."""
        return torch.cat([quantized(image[None]) for image in images])

    return one_by_one
