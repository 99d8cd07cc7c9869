"""What PyTorch makes for each pass over a graph and nothing here reads: left out, the bytes stay the same.

Neither is for two threads at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch.fx import GraphModule
from torch.fx.graph import _PyTreeCodeGen
from torch.fx.traceback import NodeSource


@contextmanager
def shared_node_sources() -> Iterator[None]:
    """Let a node's record of where it is from refer to those of the nodes before it.

    PyTorch copies all of them for each node of each pass, which takes a tenth of the time of an int8 program.
    None is changed once it is made.
    """

    def refer(source: NodeSource, _memo: dict[int, Any]) -> NodeSource:
        return source

    NodeSource.__deepcopy__ = refer  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del NodeSource.__deepcopy__  # type: ignore[attr-defined]


@contextmanager
def code_when_called() -> Iterator[None]:
    """Let a graph's Python code be written and compiled when its module is called, which few ever are.

    PyTorch does it after each pass, for an eighth of the time of an int8 program and a quarter of an fp32
    one. Until its first call a module has no code to print and takes any arguments: nothing may be exported
    inside the block.
    """
    recompile = GraphModule.recompile

    def postpone(module: GraphModule) -> None:
        kind: Any = type(module)  # each graph module has a class of its own

        def forward(module: GraphModule, *arguments: Any, **named: Any) -> Any:
            recompile(module)
            return kind.forward(module, *arguments, **named)

        kind.forward = forward
        module._code = ""
        if isinstance(codegen := module.graph._codegen, _PyTreeCodeGen):
            module._in_spec = codegen.pytree_info.in_spec
            module._out_spec = codegen.pytree_info.out_spec

    GraphModule.recompile = postpone  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        GraphModule.recompile = recompile  # type: ignore[method-assign]
