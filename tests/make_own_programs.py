"""Lowers small programs unlike the built-in network; in a separate process, as torch warns a lot.

`python make_own_programs.py FOLDER` writes two_inputs, int64, dynamic, two_outputs, portable, infinite,
dtypes, stateful, random and methods, each `.pte`.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export


class TwoInputs(nn.Module):
    """A sum of two."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        found: Tensor = self.linear(a) + b
        return found


class Tokens(nn.Module):
    """Integers in, and one of two outputs of integers."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 8)
        self.linear = nn.Linear(8, 4)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        return self.linear(self.embedding(tokens)), tokens + 1


class Batch(nn.Module):
    """Any number of rows up to eight."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.linear(x))


class Outputs(nn.Module):
    """A map, its means and the places of its largest values."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        found = self.convolution(x)
        return found, found.mean((2, 3)), found.argmax(1)


class Portable(nn.Module):
    """Nothing is delegated."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.linear(x), -1)


class Infinite(nn.Module):
    """Minus infinity for half of its input."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.log(torch.relu(x))


class Types(nn.Module):
    """The other types, in and out."""

    def forward(self, a: Tensor, b: Tensor, c: Tensor, d: Tensor, e: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return a * 2, b & c.bool(), d.to(torch.int32) + e


class Counter(nn.Module):
    """Adds how often it has run: a buffer that it changes."""

    runs: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("runs", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.runs.add_(1)
        return x + self.runs


class Noise(nn.Module):
    """Adds random numbers."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.rand(8)


class Scaled(nn.Module):
    """A second method beside `forward`."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.network(x) * 2
        return found


def exported(network: nn.Module, *inputs: Tensor, **options: Any) -> ExportedProgram:
    """The network's graph for these inputs."""
    torch.manual_seed(0)
    return export(network.eval(), inputs, **options)


def write(folder: Path, name: str, graphs: Any, *, delegated: bool = True) -> None:
    """Lower, to XNNPACK where it takes an operator."""
    partitioner = [XnnpackPartitioner()] if delegated else []
    lowered = to_edge_transform_and_lower(graphs, partitioner=partitioner)
    (folder / f"{name}.pte").write_bytes(bytes(lowered.to_executorch().buffer))


def main(folder: Path) -> None:
    """Write all of them."""
    torch.manual_seed(0)
    write(folder, "two_inputs", exported(TwoInputs(), torch.randn(2, 8), torch.randn(2, 8)))
    write(folder, "int64", exported(Tokens(), torch.randint(0, 50, (1, 6))))
    rows = ({0: Dim("rows", min=1, max=8)},)
    write(folder, "dynamic", exported(Batch(), torch.randn(2, 16), dynamic_shapes=rows))
    write(folder, "two_outputs", exported(Outputs(), torch.randn(1, 3, 16, 16)))
    write(folder, "portable", exported(Portable(), torch.randn(2, 8)), delegated=False)
    write(folder, "infinite", exported(Infinite(), torch.randn(2, 8)), delegated=False)
    types = (torch.float16, torch.bool, torch.uint8, torch.int8, torch.int32)
    values = [torch.tensor([1, 0, 1, 1]).to(dtype) for dtype in types]
    write(folder, "dtypes", exported(Types(), *values), delegated=False)
    write(folder, "stateful", exported(Counter(), torch.randn(2, 8)), delegated=False)
    write(folder, "random", exported(Noise(), torch.randn(2, 8)), delegated=False)
    network = nn.Linear(8, 8)
    row = torch.randn(1, 8)
    methods = {"forward": exported(network, row), "scaled": exported(Scaled(network), row)}
    write(folder, "methods", methods)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
