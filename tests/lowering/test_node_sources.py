"""PyTorch's records of where a node is from are shared while a program is lowered, and only then."""

import contextlib

import pytest
from small_variants import SMALL, SMALL_INT8
from torch.fx.traceback import NodeSource

from harness.lowering.node_sources import shared_node_sources
from harness.lowering.silence import quietly
from harness.records import Variant

with quietly():
    from harness.lowering import program

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("variant", [SMALL, SMALL_INT8], ids=["fp32", "int8"])
def test_the_programs_bytes_are_those_that_copied_records_give(
    variant: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = program.lower_variant(variant)
    monkeypatch.setattr(program, "shared_node_sources", contextlib.nullcontext)
    assert program.lower_variant(variant).program == shared.program


def test_afterwards_a_record_is_copied_again() -> None:
    def is_shared() -> bool:
        return hasattr(NodeSource, "__deepcopy__")

    assert not is_shared()
    with contextlib.suppress(ValueError), shared_node_sources():
        assert is_shared()
        raise ValueError("ended early")
    assert not is_shared()
