"""A precision's recipe in torch: the graph that XNNPACK gets, and the network its outputs are compared with.

Torch is imported only when a recipe is applied: a hit in the artifact cache needs none.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.analysis.precisions import Arithmetic, Recipe
from harness.records import Calibration, Observer

if TYPE_CHECKING:
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer
    from torch import Tensor, fx, nn
    from torch.export import ExportedProgram

# Synthetic images, used when no real ones are given; the artifact's record says which were used.
RANDOM_CALIBRATION = Calibration(source="random", images=8, seed=1)
# Of activations; ExecuTorch's own, from its `get_symmetric_quantization_config`.
SMALLEST_SCALE = 2**-12


@dataclass(frozen=True)
class CalibrationData:
    """Images, NCHW float32 as the network is fed, and the rule that turns observed values into ranges."""

    images: "Tensor"
    observer: Observer


@dataclass(frozen=True)
class Source:
    """What a recipe starts from; `folded` is the network with BatchNorm folded, `example` one NCHW image."""

    network: "nn.Module"
    folded: "nn.Module"
    example: "Tensor"
    calibration: CalibrationData | None


@dataclass(frozen=True)
class PreparedNetwork:
    """`exported` is what XNNPACK gets; `eager` is the same function in torch, the reference for parity."""

    exported: "ExportedProgram"
    eager: "nn.Module"


def prepare(recipe: Recipe, source: Source) -> PreparedNetwork:
    """Export the network as the recipe says."""
    return _PREPARE[recipe.arithmetic](recipe, source)


def make_reference(recipe: Recipe, source: Source) -> "nn.Module":
    """`prepare(…).eager`, without an export where the reference does not need one."""
    if recipe.arithmetic == "float32":
        return source.network
    if recipe.arithmetic == "float16":
        return _round_weights(source.folded)
    return prepare(recipe, source).eager


def _prepare_float32(recipe: Recipe, source: Source) -> PreparedNetwork:
    """The reference keeps its BatchNorms, so that parity also proves the folding."""
    return PreparedNetwork(_export(source.folded, source.example), make_reference(recipe, source))


def _prepare_float16(recipe: Recipe, source: Source) -> PreparedNetwork:
    """FP16 weights and arithmetic; the reference has the same weights and computes in float32."""
    from harness.lowering.fp16 import HalfNetwork

    halves = HalfNetwork(copy.deepcopy(source.folded).half())
    return PreparedNetwork(_export(halves, source.example), make_reference(recipe, source))


def _round_weights(folded: "nn.Module") -> "nn.Module":
    """The network with each parameter rounded to half precision, computing in float32."""
    return copy.deepcopy(folded).half().float()


def _prepare_int8(recipe: Recipe, source: Source) -> PreparedNetwork:
    """Post-training quantization: int8 activations per tensor, int8 weights as the recipe says."""
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    from harness.lowering.int8_reference import IntegerReference

    if source.calibration is None:
        raise ValueError("int8 needs calibration images")
    quantizer = relu6_quantizer(source.calibration.observer, recipe)
    observed = prepare_pt2e(_export(source.folded, source.example).module(), quantizer)
    for image in source.calibration.images:
        observed(image[None])
    quantized = convert_pt2e(observed)
    return PreparedNetwork(_export(quantized, source.example), IntegerReference(quantized))


def _export(network: "nn.Module", example: "Tensor") -> "ExportedProgram":
    from torch.export import export

    return export(network, (example,), strict=False)


_PREPARE: dict[Arithmetic, Callable[[Recipe, Source], PreparedNetwork]] = {
    "float32": _prepare_float32,
    "float16": _prepare_float16,
    "int8": _prepare_int8,
}


def relu6_quantizer(observer: Observer, recipe: Recipe) -> "XNNPACKQuantizer":
    """XNNPACK's symmetric quantizer, extended to treat a convolution and its ReLU6 as one operator.

    The stock quantizer pairs a convolution with ReLU only. It would observe the convolution's output before
    the clamp, negative half included, and spend most of the 256 levels on values that ReLU6 then discards.
    """
    import torch
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantizer import QuantizationAnnotation

    from harness.lowering.observers import OBSERVERS

    class Relu6Quantizer(XNNPACKQuantizer):  # type: ignore[misc]
        # BatchNorm is folded. Each pattern that has one would export itself again for each network.
        SUPPORTED_PATTERNS = tuple(
            pattern for pattern in XNNPACKQuantizer.SUPPORTED_PATTERNS if "_bn" not in pattern.name
        )

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

    config = get_symmetric_quantization_config(is_per_channel=recipe.weight_scales == "per_channel")
    activation = replace(
        config.output_activation, observer_or_fake_quant_ctr=OBSERVERS[observer].with_args(eps=SMALLEST_SCALE)
    )
    config = replace(config, input_activation=activation, output_activation=activation)
    return Relu6Quantizer().set_global(config)
