"""Lower one variant: build, fold, quantize, export, delegate to XNNPACK, and compute the parity reference."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy
import torch
from executorch.exir import EdgeProgramManager, ExecutorchBackendConfig, to_edge
from executorch.exir.lowered_backend_module import get_lowered_submodules
from executorch.exir.passes import MemoryPlanningPass
from torch import Tensor, fx, nn

from harness.analysis.precisions import find_precision
from harness.errors import LoweringError
from harness.lowering.fp16 import make_partitioner
from harness.lowering.inputs import SEEDED, LoweringInputs
from harness.lowering.recipes import (
    RANDOM_CALIBRATION,
    CalibrationData,
    PreparedNetwork,
    Source,
    make_reference,
    prepare,
)
from harness.lowering.silence import quietly
from harness.lowering.synthetic_images import synthetic_images
from harness.lowering.unread_work import code_when_called, shared_node_sources
from harness.records import Calibration, TensorSpec, Variant
from harness.system.files import hash_file
from models.mobilenet_v1 import MobileNetV1, count_cost, fold_batch_norm, hash_parameters, initialize

REFERENCE_SEED = 20170417


@dataclass(frozen=True)
class LoweredProgram:
    """A program's bytes and facts, before it is stored.

    `reference_input` is little-endian float32 in the program's memory order (`input.dim_order`);
    `reference_output` is the reference network's output for it.
    """

    program: bytes
    reference_input: bytes
    reference_output: bytes
    weights_sha256: str
    calibration: Calibration | None
    macs: int
    params: int
    delegates: int
    delegated_nodes: int | None
    undelegated_nodes: tuple[str, ...]
    planned_arena_bytes: int | None
    input: TensorSpec
    output: TensorSpec
    seconds: float


def lower_variant(variant: Variant, files: LoweringInputs = SEEDED) -> LoweredProgram:
    """Lower with one thread, so that the bytes do not depend on this machine's number of cores.

    Raises:
        LoweringError: the weights or the calibration images do not fit the variant.
    """
    started = time.perf_counter()
    with quietly(), one_thread(), torch.no_grad(), shared_node_sources():
        network = build_network(variant, files.weights_file)
        data, calibration = calibration_data(variant, files)
        _, side_px = variant.shape
        reference = synthetic_images(1, side_px, REFERENCE_SEED)
        recipe = find_precision(variant.precision).recipe
        # The example's layout becomes the program's input layout. XNNPACK computes in NHWC, so an NHWC input
        # needs no transposition. Portable kernels outside a delegate refuse NHWC, so a program that has any
        # takes NCHW. The network's weights stay NCHW in both: XNNPACK's passes require it.
        for layout in (torch.channels_last, torch.contiguous_format):
            example = reference.contiguous(memory_format=layout)
            prepared = prepare(recipe, Source(network, fold_batch_norm(network), example, data))
            edge = partition(prepared)
            # Read before the program is emitted, which adds its own nodes to the same graph.
            delegated, undelegated = _count_operators(edge)
            if not undelegated:
                break
        expected: Tensor = prepared.eager(reference)
        cost = count_cost(network, side_px)
        program, arena_bytes = _emit(edge)
        return LoweredProgram(
            program=program,
            reference_input=_raw(example.permute(example.dim_order())),
            reference_output=_raw(expected),
            weights_sha256=hash_file(files.weights_file) if files.weights_file else hash_parameters(network),
            calibration=calibration,
            macs=cost.macs,
            params=cost.params,
            delegates=len(delegated),
            delegated_nodes=sum(delegated),
            undelegated_nodes=undelegated,
            planned_arena_bytes=arena_bytes,
            input=TensorSpec(dtype="float32", sizes=tuple(example.shape), dim_order=example.dim_order()),
            output=TensorSpec(dtype="float32", sizes=tuple(expected.shape), dim_order=(0, 1)),
            seconds=time.perf_counter() - started,
        )


def build_reference(variant: Variant, files: LoweringInputs = SEEDED) -> nn.Module:
    """The network that a variant's program is compared with, without lowering it.

    Raises:
        LoweringError: the weights or the calibration images do not fit the variant.
    """
    with quietly(), one_thread(), torch.no_grad():
        return make_reference(find_precision(variant.precision).recipe, _source(variant, files))


def prepare_variant(variant: Variant, files: LoweringInputs = SEEDED) -> PreparedNetwork:
    """The graph that would be lowered, for one image, and its reference.

    Raises:
        LoweringError: the weights or the calibration images do not fit the variant.
    """
    with quietly(), one_thread(), torch.no_grad():
        return prepare(find_precision(variant.precision).recipe, _source(variant, files))


def _source(variant: Variant, files: LoweringInputs) -> Source:
    network = build_network(variant, files.weights_file)
    data, _ = calibration_data(variant, files)
    # The layout of a fully delegated program: it changes the float sums that ranges are taken from.
    _, side_px = variant.shape
    example = synthetic_images(1, side_px, REFERENCE_SEED).contiguous(memory_format=torch.channels_last)
    return Source(network, fold_batch_norm(network), example, data)


def build_network(variant: Variant, weights_file: Path | None) -> MobileNetV1:
    """The variant's network in evaluation mode, with seeded weights or those of a file.

    The file holds a state dict of this network, or one under `state_dict` beside `bn_eps` and `activation`.

    Raises:
        LoweringError: the file cannot be loaded or does not fit the variant.
    """
    width, _ = variant.shape
    if weights_file is None:
        network = MobileNetV1(width, classes=variant.outputs, padding=variant.padding)
        initialize(network, variant.weights.seed or 0)
        return network.eval()
    try:
        content = torch.load(weights_file, map_location="cpu", weights_only=True)
        state = content.pop("state_dict", None)
        network = MobileNetV1(
            width,
            classes=variant.outputs,
            padding=variant.padding,
            **(content if state is not None else {}),
        )
        network.load_state_dict(content if state is None else state)
    except Exception as error:  # torch.load raises exceptions of pickle, zip and torch alike
        raise LoweringError(
            f"cannot load {weights_file}: {error}",
            hint="give a state dict saved from this network with the same width and number of classes",
            variant=variant.name,
        ) from error
    return network.eval()


def partition(prepared: PreparedNetwork) -> EdgeProgramManager:
    """Give XNNPACK every operator it takes.

    `to_edge_transform_and_lower` would decompose the graph three times, for operators that this network does
    not have. This takes half the time; the program has the same size, instruction count and logits.
    """
    with code_when_called():
        return to_edge(prepared.exported).to_backend(make_partitioner())


def _emit(edge: EdgeProgramManager) -> tuple[bytes, int]:
    """The program's bytes and the bytes of the arenas planned for it."""
    # The runner passes its own buffer as the input: none is planned, and no inference copies its input.
    planning = MemoryPlanningPass(alloc_graph_input=False)
    with code_when_called():
        manager = edge.to_executorch(ExecutorchBackendConfig(memory_planning_pass=planning))
    (plan,) = manager.executorch_program.execution_plan
    return bytes(manager.buffer), sum(plan.non_const_buffer_sizes)


def _count_operators(edge: EdgeProgramManager) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The number of operators in each delegate, and the names of those outside all delegates."""
    graph = edge.exported_program().graph_module
    delegates = [module.original_module.graph_module for _, module, _ in get_lowered_submodules(graph)]
    taken = tuple(len(list(_operators(delegate))) for delegate in delegates)
    return taken, tuple(_describe(node) for node in _operators(graph))


def _operators(graph: fx.GraphModule) -> Iterator[fx.Node]:
    """Nodes that compute, without calls of delegates and the unpacking of their results."""
    for node in graph.graph.nodes:
        if node.op == "call_function" and _target(node) not in ("executorch_call_delegate", "getitem"):
            yield node


def _target(node: fx.Node) -> str:
    target: Any = node.target
    return getattr(target, "__name__", str(target))


def _describe(node: fx.Node) -> str:
    """An operator and the network's module that it is from, such as `aten.mean.dim (pool)`."""
    modules: dict[str, tuple[str, Any]] = node.meta.get("nn_module_stack") or {}
    path = next((path for path, _ in reversed(modules.values()) if path), "")
    return f"{_target(node)} ({path})" if path else _target(node)


def calibration_data(
    variant: Variant, files: LoweringInputs
) -> tuple[CalibrationData | None, Calibration | None]:
    """The calibration data of a precision that needs any, and what is recorded of them.

    Raises:
        LoweringError: the images cannot be read, or do not fit the variant.
    """
    if not find_precision(variant.precision).recipe.calibrated:
        return None, None
    if (file := files.calibration_images) is None:
        record = RANDOM_CALIBRATION
        images = synthetic_images(record.images, variant.shape[1], record.seed or 0)
    else:
        images = _load_images(variant, file)
        record = Calibration(source=file.name, images=len(images), sha256=hash_file(file))
    return CalibrationData(images, files.observer), msgspec.structs.replace(record, observer=files.observer)


def _load_images(variant: Variant, file: Path) -> Tensor:
    try:
        images = torch.from_numpy(numpy.load(file, allow_pickle=False))
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise LoweringError(
            f"cannot read calibration images {file}: {error}", variant=variant.name
        ) from error
    shape = (3, variant.resolution_px, variant.resolution_px)
    if images.dtype != torch.float32 or images.ndim != 4 or images.shape[1:] != shape or not len(images):
        raise LoweringError(
            f"calibration images {file} are {images.dtype} {tuple(images.shape)}",
            hint=f"save a float32 array (images, {', '.join(map(str, shape))}) with numpy.save",
            variant=variant.name,
        )
    return images


def _raw(tensor: Tensor) -> bytes:
    return tensor.detach().contiguous().numpy().astype("<f4").tobytes()


@contextmanager
def one_thread() -> Iterator[None]:
    """Make torch use one thread inside the block."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
