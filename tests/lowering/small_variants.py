"""Variants that are quick to lower, and what a program computes on this machine."""

import torch

from harness.analysis.parity import read_reference
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.silence import quietly
from harness.records import Variant

SMALL = Variant(width=0.25, resolution_px=32, precision="fp32")
SMALL_FP16 = Variant(width=0.25, resolution_px=32, precision="fp16")
SMALL_INT8 = Variant(width=0.25, resolution_px=32, precision="int8", classes=1001, padding="tf_same")


def run_on_host(stored: StoredArtifact) -> list[float]:
    """The reference input through ExecuTorch's own runtime, in the program's memory order."""
    with quietly():
        from executorch.runtime import Runtime

    sizes, order = stored.artifact.input.sizes, stored.artifact.input.dim_order
    values = torch.tensor(read_reference(stored.reference_input))
    in_memory_order = values.reshape([sizes[dimension] for dimension in order])
    image = in_memory_order.permute([order.index(dimension) for dimension in range(len(sizes))])
    method = Runtime.get().load_program(stored.program).load_method("forward")
    assert method is not None
    logits: list[float] = method.execute([image])[0].flatten().tolist()
    return logits
