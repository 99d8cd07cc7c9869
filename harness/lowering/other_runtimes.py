"""Lower a variant for a runtime beside ExecuTorch: the same network and weights, by its own converter."""

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import LoweringError
from harness.lowering.inputs import SEEDED, LoweringInputs
from harness.lowering.program import REFERENCE_SEED, LoweredProgram, build_network, one_thread
from harness.lowering.silence import quietly
from harness.lowering.synthetic_images import synthetic_images
from harness.records import RuntimeName, TensorSpec, Variant
from harness.system.files import hash_file
from models.mobilenet_v1 import MobileNetV1, count_cost, fold_batch_norm, hash_parameters

# Of the one input and the one output: the runner of ONNX Runtime asks for them by name.
INPUT, OUTPUT = "input", "logits"
NCHW, NHWC = (0, 1, 2, 3), (0, 2, 3, 1)


def lower_for(runtime: RuntimeName, variant: Variant, files: LoweringInputs = SEEDED) -> LoweredProgram:
    """Convert the float32 network; its reference is the eager network, as it is for ExecuTorch.

    Raises:
        LoweringError: the weights do not fit the variant, or the converter is missing or fails.
    """
    started = time.perf_counter()
    convert, dim_order = _CONVERTERS[runtime]
    with quietly(), one_thread(), torch.no_grad():
        network = build_network(variant, files.weights_file)
        _, side_px = variant.shape
        reference = synthetic_images(1, side_px, REFERENCE_SEED)
        program = _convert(convert, fold_batch_norm(network), reference, variant)
        expected: Tensor = network(reference)
        cost = count_cost(network, side_px)
    return LoweredProgram(
        program=program,
        reference_input=_raw(reference.permute(dim_order)),
        reference_output=_raw(expected),
        weights_sha256=hash_file(files.weights_file) if files.weights_file else hash_parameters(network),
        calibration=None,
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


def _convert(
    convert: Callable[[nn.Module, Tensor, Path], None],
    network: MobileNetV1,
    example: Tensor,
    variant: Variant,
) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "program"
        try:
            convert(network, example, path)
            return path.read_bytes()
        except Exception as error:  # converters raise any type
            raise LoweringError(
                f"the converter for {variant.runtime} failed: {type(error).__name__}: {error}",
                variant=variant.name,
            ) from error


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
