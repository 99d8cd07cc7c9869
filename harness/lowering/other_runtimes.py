"""Lower a variant for a runtime beside ExecuTorch: the same network and weights, by its own converter."""

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.errors import LoweringError
from harness.lowering.inputs import SEEDED, LoweringInputs
from harness.lowering.onnx_reference import INPUT, OUTPUT
from harness.lowering.other_quantizers import NHWC, quantize
from harness.lowering.program import (
    REFERENCE_SEED,
    LoweredProgram,
    build_network,
    calibration_data,
    one_thread,
)
from harness.lowering.quantized_references import open_reference
from harness.lowering.silence import quietly
from harness.lowering.synthetic_images import synthetic_images
from harness.records import RuntimeName, TensorSpec, Variant
from harness.system.files import hash_file
from models.mobilenet_v1 import count_cost, fold_batch_norm, hash_parameters

NCHW = (0, 1, 2, 3)
# Between the logits of a quantized program and of the float32 network. Below it the quantizer failed,
# whatever the images: eight seeded variants (0.25 to 1.0, 32 to 224 px) had 0.81 to 1.00.
SMALLEST_COSINE = 0.5


def lower_for(runtime: RuntimeName, variant: Variant, files: LoweringInputs = SEEDED) -> LoweredProgram:
    """Convert the float32 network, and quantize what came out where the precision is int8.

    The reference of float32 is the eager network, as it is for ExecuTorch; that of int8 what the very program
    computes (`quantized_references`), because each runtime has a quantizer and kernels of its own.

    Raises:
        LoweringError: the weights or the calibration images do not fit the variant, or the converter or the
            quantizer is missing or fails.
    """
    started = time.perf_counter()
    convert, dim_order = _CONVERTERS[runtime]
    with quietly(), one_thread(), torch.no_grad():
        network = build_network(variant, files.weights_file)
        data, calibration = calibration_data(variant, files)
        _, side_px = variant.shape
        reference = synthetic_images(1, side_px, REFERENCE_SEED)
        expected: Tensor = network(reference)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "program"
            with _as_lowering_error("converter", variant):
                convert(fold_batch_norm(network), reference, path)
            if data is not None:
                quantized = Path(folder) / "quantized"
                with _as_lowering_error("quantizer", variant):
                    quantize(variant.runtime, path, quantized, data.images)
                path, expected = quantized, _compute(quantized, reference, expected, variant)
            program = path.read_bytes()
        cost = count_cost(network, side_px)
    return LoweredProgram(
        program=program,
        reference_input=_raw(reference.permute(dim_order)),
        reference_output=_raw(expected),
        weights_sha256=hash_file(files.weights_file) if files.weights_file else hash_parameters(network),
        calibration=calibration and msgspec.structs.replace(calibration, observer=None),
        macs=cost.macs,
        params=cost.params,
        delegates=0,
        delegated_nodes=None,
        undelegated_nodes=(),
        planned_arena_bytes=None,
        input=TensorSpec(dtype="float32", sizes=tuple(reference.shape), dim_order=dim_order),
        output=TensorSpec(dtype="float32", sizes=tuple(expected.shape), dim_order=(0, 1)),
        seconds=time.perf_counter() - started,
    )


@contextmanager
def _as_lowering_error(part: str, variant: Variant) -> Iterator[None]:
    """Converters and quantizers raise any type."""
    try:
        yield
    except Exception as error:
        raise LoweringError(
            f"the {part} for {variant.runtime} failed: {type(error).__name__}: {error}",
            variant=variant.name,
        ) from error


def _compute(program: Path, image: Tensor, eager: Tensor, variant: Variant) -> Tensor:
    """The logits of a quantized program; raises LoweringError if they are not at all the network's."""
    logits = open_reference(variant.runtime, program)(image)
    cosine = float(functional.cosine_similarity(logits, eager))
    if not cosine >= SMALLEST_COSINE:
        raise LoweringError(
            f"the quantizer for {variant.runtime} failed: the cosine of the program's logits and the float32"
            f" network's is {cosine:.2f}",
            hint="give other calibration images with --calibrate, or leave this runtime's int8 out",
            variant=variant.name,
        )
    return logits


def _to_onnx(network: nn.Module, example: Tensor, path: Path) -> None:
    torch.onnx.export(
        network,
        (example,),
        str(path),
        dynamo=True,
        input_names=[INPUT],
        output_names=[OUTPUT],
        external_data=False,
        verbose=False,
    )


def _to_tflite(network: nn.Module, example: Tensor, path: Path) -> None:
    # LiteRT computes in NHWC: such an input needs no transposition.
    litert: Any = importlib.import_module("litert_torch")
    channels_last = litert.to_channel_last_io(network, args=[0])
    litert.convert(channels_last, (example.permute(NHWC).contiguous(),)).export(str(path))


_CONVERTERS: dict[RuntimeName, tuple[Callable[[nn.Module, Tensor, Path], None], tuple[int, ...]]] = {
    "onnxruntime": (_to_onnx, NCHW),
    "litert": (_to_tflite, NHWC),
}


def _raw(tensor: Tensor) -> bytes:
    return tensor.detach().contiguous().numpy().astype("<f4").tobytes()
