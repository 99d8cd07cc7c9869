"""What PyTorch makes for each pass and nothing reads is left out while lowering, and only then."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import torch
from small_variants import SMALL, SMALL_INT8
from torch.fx import GraphModule, symbolic_trace
from torch.fx.traceback import NodeSource

from harness.lowering.silence import quietly
from harness.lowering.unread_work import code_when_called, shared_node_sources
from harness.records import Variant

with quietly():
    from harness.lowering import program

pytestmark = pytest.mark.slow
RECOMPILE = GraphModule.recompile


@pytest.mark.parametrize("variant", [SMALL, SMALL_INT8], ids=["fp32", "int8"])
def test_the_programs_bytes_are_those_that_all_work_gives(
    variant: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = program.lower_variant(variant)
    for name in ("shared_node_sources", "code_when_called"):
        monkeypatch.setattr(program, name, contextlib.nullcontext)
    assert program.lower_variant(variant).program == short.program


@pytest.mark.parametrize("shortcut", [shared_node_sources, code_when_called])
def test_afterwards_all_is_made_again(shortcut: Callable[[], AbstractContextManager[None]]) -> None:
    def is_short() -> bool:
        return hasattr(NodeSource, "__deepcopy__") or GraphModule.recompile is not RECOMPILE

    assert not is_short()
    with contextlib.suppress(ValueError), shortcut():
        assert is_short()
        raise ValueError("ended early")
    assert not is_short()


def test_a_module_that_is_called_computes_its_graph_inside_the_block_and_after_it() -> None:
    class Doubled(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + x

    with code_when_called():
        inside, after = symbolic_trace(Doubled()), symbolic_trace(Doubled())
        assert inside(torch.ones(1)).item() == 2
        for node in inside.graph.nodes:
            if node.op == "call_function":
                node.target = torch.mul
        inside.recompile()
        assert inside(torch.full((1,), 3.0)).item() == 9
    assert after(torch.ones(1)).item() == 2
    assert "return" in after.code
