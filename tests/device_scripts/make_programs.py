"""Lowers the small programs that the runner is tested with; in a separate process, as torch warns a lot.

`python make_programs.py FOLDER` writes `<name>.pte`, the input `input.bin` (NHWC float32, as the programs
want it) and `expected.json`: the eager model's outputs of the input and of the input times 2.
"""

import json
import sys
from pathlib import Path

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import ExecutorchBackendConfig, to_edge_transform_and_lower
from executorch.exir.passes import MemoryPlanningPass


class SmallNetwork(torch.nn.Module):
    """MobileNet's ingredients: a strided convolution, a depthwise one, pooling, a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.depthwise = torch.nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.pool = torch.nn.AdaptiveAvgPool2d(1)
        self.classifier = torch.nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.convolution(x))
        x = torch.relu(self.depthwise(x))
        logits: torch.Tensor = self.classifier(torch.flatten(self.pool(x), 1))
        return logits


class Chain(torch.nn.Module):
    """Enough steps of one shape for the memory plan to give the input's memory to later tensors."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(4):
            x = torch.sin(x) + x
        return x


class Smallest(torch.nn.Module):
    """One operator on four numbers, for benchmarks of what surrounds an inference."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + x


class NotFinite(torch.nn.Module):
    """Answers minus infinity."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.log(torch.sin(x) - torch.sin(x))


class TwoInputs(torch.nn.Module):
    """Wants more than the runner feeds."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x + y


def write_program(
    path: Path,
    model: torch.nn.Module,
    inputs: tuple[torch.Tensor, ...],
    *,
    delegated: bool,
    planned_input: bool,
    planned_output: bool = True,
) -> None:
    exported = torch.export.export(model, inputs)
    edge = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()] if delegated else [])
    plan = MemoryPlanningPass(alloc_graph_input=planned_input, alloc_graph_output=planned_output)
    program = edge.to_executorch(ExecutorchBackendConfig(memory_planning_pass=plan))
    path.write_bytes(program.buffer)


def main(folder: Path) -> None:
    torch.manual_seed(0)
    image = torch.randn(1, 3, 32, 32).to(memory_format=torch.channels_last)
    network, chain = SmallNetwork().eval(), Chain()
    programs = {
        "delegated": (network, (image,), {"delegated": True, "planned_input": False}),
        "planned_input": (network, (image,), {"delegated": True, "planned_input": True}),
        "unplanned_output": (
            network,
            (image,),
            {"delegated": True, "planned_input": False, "planned_output": False},
        ),
        "portable": (network, (image,), {"delegated": False, "planned_input": True}),
        "reused_input": (chain, (image,), {"delegated": False, "planned_input": True}),
        "not_finite": (NotFinite(), (image,), {"delegated": False, "planned_input": False}),
        "two_inputs": (TwoInputs(), (image, image), {"delegated": False, "planned_input": False}),
        "whole_numbers": (chain, (image.to(torch.int32),), {"delegated": False, "planned_input": False}),
    }
    for name, (model, inputs, options) in programs.items():
        write_program(folder / f"{name}.pte", model, inputs, **options)
    write_program(folder / "smallest.pte", Smallest(), (torch.ones(4),), delegated=False, planned_input=False)
    torch.ones(4).numpy().tofile(folder / "smallest.bin")
    image.permute(0, 2, 3, 1).contiguous().numpy().tofile(folder / "input.bin")
    expected = {
        # An output lies in memory as the program has it: NHWC again where it has the input's shape.
        name: [in_memory_order(programs[name][0](image * factor)) for factor in (1, 2)]
        for name in ("delegated", "planned_input", "unplanned_output", "portable", "reused_input")
    }
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


def in_memory_order(output: torch.Tensor) -> list[float]:
    ordered = output.permute(0, 2, 3, 1) if output.dim() == 4 else output
    return ordered.contiguous().flatten().tolist()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
