"""int8 for the runtimes beside ExecuTorch: each by its own quantizer, from the same calibration images.

Quantizers choose ranges, zero points and what stays in float32 each in another way, so that int8 programs of
two runtimes are two networks. Input and output are float32 in all of them.
"""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from harness.lowering.onnx_reference import INPUT
from harness.records import RuntimeName

NHWC = (0, 2, 3, 1)
# One program, and the images it is fed: NCHW float32. Gives the quantized program in the second file.
Quantize = Callable[[Path, Path, Tensor], None]


def quantize(runtime: RuntimeName, source: Path, target: Path, images: Tensor) -> None:
    """Quantize a float32 program of a runtime: weights per output channel, activations per tensor."""
    _QUANTIZERS[runtime](source, target, images)


def _quantize_onnx(source: Path, target: Path, images: Tensor) -> None:
    """ONNX Runtime's static quantization: QDQ, signed 8 bits, ranges from smallest to largest value."""
    quantization: Any = importlib.import_module("onnxruntime.quantization")
    quantization.quantize_static(str(source), str(target), _Reader(images), per_channel=True)


class _Reader:
    """The images as ONNX Runtime's quantizer asks for them: one after the other, then None."""

    def __init__(self, images: Tensor) -> None:
        self._rest: Iterator[Tensor] = iter(images)

    def get_next(self) -> dict[str, Any] | None:
        """The next image by the name of the program's input."""
        image = next(self._rest, None)
        return None if image is None else {INPUT: image[None].numpy()}


def _quantize_tflite(source: Path, target: Path, images: Tensor) -> None:
    """AI Edge Quantizer's recipe of static int8, without the one for inputs and outputs."""
    quantizer: Any = importlib.import_module("ai_edge_quantizer.quantizer")
    recipes: Any = importlib.import_module("ai_edge_quantizer.recipe")
    names: Any = importlib.import_module("ai_edge_quantizer.qtyping").TFLOperationName
    interpreter: Any = importlib.import_module("ai_edge_litert.interpreter")
    signatures = interpreter.Interpreter(model_path=str(source)).get_signature_list()
    ((signature, tensors),) = signatures.items()
    (name,) = tensors["inputs"]
    made = quantizer.Quantizer(str(source), recipes.static_wi8_ai8())
    for kept_float in (names.INPUT, names.OUTPUT):
        made.update_quantization_recipe(".*", kept_float, algorithm_key="no_quantize")
    fed = [{name: image[None].permute(NHWC).contiguous().numpy()} for image in images]
    ranges = made.calibrate({signature: fed}, num_threads=1)
    target.write_bytes(made.quantize(ranges, enable_progress_report=False).quantized_model)


_QUANTIZERS: dict[RuntimeName, Quantize] = {"onnxruntime": _quantize_onnx, "litert": _quantize_tflite}
