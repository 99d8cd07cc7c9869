"""What each precision does to the network before it is lowered; a new precision is one entry here.

Free of torch until one is applied, so that the artifact cache can ask which of them need calibration.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.records import Calibration, Observer, Precision

if TYPE_CHECKING:
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer
    from torch import Tensor, fx, nn
    from torch.export import ExportedProgram

# Synthetic pictures, used when no real ones are given; the artifact says so.
RANDOM_CALIBRATION = Calibration(source="random", images=8, seed=1)
# Of activations; ExecuTorch's own, from its `get_symmetric_quantization_config`.
SMALLEST_SCALE = 2**-12


@dataclass(frozen=True)
class PreparedNetwork:
    """`exported` is what XNNPACK gets; `eager` is the same function in torch, the reference for parity."""

    exported: "ExportedProgram"
    eager: "nn.Module"


@dataclass(frozen=True)
class CalibrationData:
    """Images, NCHW float32 as the network is fed, and how ranges follow from what is seen of them."""

    images: "Tensor"
    observer: Observer


@dataclass(frozen=True)
class Recipe:
    """`prepare` takes the network, the same with BatchNorm folded, an example input, calibration data."""

    calibrated: bool
    prepare: "Callable[[nn.Module, nn.Module, Tensor, CalibrationData | None], PreparedNetwork]"


def prepare_fp32(
    network: "nn.Module", folded: "nn.Module", example: "Tensor", calibration: "CalibrationData | None"
) -> PreparedNetwork:
    """Single precision; the reference keeps its BatchNorms, so that parity also proves the folding."""
    from torch.export import export

    return PreparedNetwork(export(folded, (example,), strict=False), network)


def prepare_fp16(
    network: "nn.Module", folded: "nn.Module", example: "Tensor", calibration: "CalibrationData | None"
) -> PreparedNetwork:
    """Half-precision weights and arithmetic; the reference has the same weights and computes in float32."""
    from torch.export import export

    from harness.lowering.fp16 import HalfNetwork

    halves = HalfNetwork(copy.deepcopy(folded).half())
    return PreparedNetwork(export(halves, (example,), strict=False), round_weights(folded))


def round_weights(folded: "nn.Module") -> "nn.Module":
    """The network with each parameter rounded to half precision, computing in float32."""
    return copy.deepcopy(folded).half().float()


def prepare_int8(
    network: "nn.Module", folded: "nn.Module", example: "Tensor", calibration: "CalibrationData | None"
) -> PreparedNetwork:
    """Post-training quantization: int8 activations per tensor, int8 weights per output channel."""
    from torch.export import export
    from torchao.quantization.pt2e import move_exported_model_to_eval
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    from harness.lowering.int8_reference import IntegerReference

    if calibration is None:
        raise ValueError("int8 needs calibration images")
    observed = prepare_pt2e(
        export(folded, (example,), strict=False).module(), relu6_quantizer(calibration.observer)
    )
    for image in calibration.images:
        observed(image[None])
    quantized = convert_pt2e(observed)
    move_exported_model_to_eval(quantized)
    return PreparedNetwork(export(quantized, (example,), strict=False), IntegerReference(quantized))


def relu6_quantizer(observer: Observer) -> "XNNPACKQuantizer":
    """XNNPACK's symmetric per-channel quantizer that also knows the pair convolution and ReLU6.

    The stock one pairs with ReLU only. It would observe the convolution's output before the clamp, negative
    half included, and spend most of the 256 levels on values that ReLU6 then discards.
    """
    import torch
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantizer import QuantizationAnnotation

    from harness.lowering.observers import OBSERVERS

    class Relu6Quantizer(XNNPACKQuantizer):  # type: ignore[misc]
        def annotate(self, model: "fx.GraphModule") -> "fx.GraphModule":
            super().annotate(model)
            for act in model.graph.find_nodes(
                op="call_function", target=torch.ops.aten.hardtanh.default, sort=False
            ):
                conv = act.args[0].meta["quantization_annotation"]
                act.meta["quantization_annotation"] = QuantizationAnnotation(
                    output_qspec=conv.output_qspec, _annotated=True
                )
                conv.output_qspec = None
            return model

    config = get_symmetric_quantization_config(is_per_channel=True)
    activation = replace(
        config.output_activation, observer_or_fake_quant_ctr=OBSERVERS[observer].with_args(eps=SMALLEST_SCALE)
    )
    config = replace(config, input_activation=activation, output_activation=activation)
    return Relu6Quantizer().set_global(config)


PRECISIONS: dict[Precision, Recipe] = {
    "fp32": Recipe(calibrated=False, prepare=prepare_fp32),
    "fp16": Recipe(calibrated=False, prepare=prepare_fp16),
    "int8": Recipe(calibrated=True, prepare=prepare_int8),
}
