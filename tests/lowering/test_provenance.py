"""PyTorch's records of where a node is from are shared while a program is lowered, and only then."""

import contextlib

import pytest
from small_variants import SMALL, SMALL_INT8
from torch.fx.traceback import NodeSource

from harness.lowering import program
from harness.lowering.program import lower_variant
from harness.lowering.provenance import shared_provenance
from harness.records import Variant

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("variant", [SMALL, SMALL_INT8], ids=["fp32", "int8"])
def test_the_programs_bytes_are_those_that_copied_records_give(
    variant: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = lower_variant(variant)
    monkeypatch.setattr(program, "shared_provenance", contextlib.nullcontext)
    assert lower_variant(variant).program == shared.program


def test_afterwards_a_record_is_copied_again() -> None:
    assert not hasattr(NodeSource, "__deepcopy__")
    with pytest.raises(ValueError, match="ended early"), shared_provenance():
        assert hasattr(NodeSource, "__deepcopy__")
        raise ValueError("ended early")
    assert not hasattr(NodeSource, "__deepcopy__")
