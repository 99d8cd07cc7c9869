"""What int8 programs of the runtimes beside ExecuTorch are compared with: each needs another reference.

ONNX Runtime's is computed in exact integers. A `.tflite` file is computed by LiteRT on this machine, whose
XNNPACK kernels give the same logits on every core: seen on ARM, and on x86-64 with and without AVX2 and VNNI.
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.analysis.runtimes import find_runtime
from harness.errors import LoweringError
from harness.lowering.onnx_reference import OnnxReference
from harness.records import RuntimeName
from harness.system.extras import installed_version

# One NCHW float32 image (1, 3, side, side) to logits (1, classes).
Predict = Callable[[Tensor], Tensor]
LITERT = "ai-edge-litert"


def open_reference(runtime: RuntimeName, program: Path) -> Predict:
    """What a correct device returns for a quantized program.

    Raises:
        LoweringError: LiteRT's package is missing, or has another version than devices get; the program has
            an operator that cannot be computed here.
    """
    return _REFERENCES[runtime](program)


def _open_onnx(program: Path) -> Predict:
    try:
        return OnnxReference(program)
    except ValueError as error:
        raise LoweringError(f"ONNX Runtime's int8 has no reference: {error}") from error


def _open_tflite(program: Path) -> Predict:
    wanted, found = find_runtime("litert").library_version, installed_version(LITERT)
    if found != wanted:
        raise LoweringError(
            f"the reference of LiteRT's int8 is computed by {LITERT} {wanted}, as on devices; installed is"
            f" {found or 'none'}",
            hint=f"pip install {LITERT}=={wanted}",
        )
    litert: Any = importlib.import_module("ai_edge_litert.interpreter")
    interpreter = litert.Interpreter(model_path=str(program), num_threads=1)
    interpreter.allocate_tensors()
    ((fed,), (given,)) = interpreter.get_input_details(), interpreter.get_output_details()

    def predict(image: Tensor) -> Tensor:
        interpreter.set_tensor(fed["index"], image.permute(0, 2, 3, 1).contiguous().numpy())
        interpreter.invoke()
        return torch.from_numpy(interpreter.get_tensor(given["index"]).copy())

    return predict


_REFERENCES: dict[RuntimeName, Callable[[Path], Predict]] = {
    "onnxruntime": _open_onnx,
    "litert": _open_tflite,
}
