"""What the page's drawer says of a cell's program."""

from builders import make_artifact, make_cell
from harness.records import Variant
from reports.details import describe_details


def test_the_operators_outside_the_delegate_are_counted() -> None:
    artifact = make_artifact(undelegated_nodes=("aten.mean", "aten.mean"))
    details = dict(describe_details(make_cell(artifact=artifact)))
    assert details["delegated"] == "85 operators in XNNPACK, 2 outside"


def test_of_another_runtime_nothing_is_said_of_delegates() -> None:
    variant = Variant(width=0.5, resolution_px=128, precision="fp32", runtime="litert")
    artifact = make_artifact(variant=variant, delegates=0, delegated_nodes=None, planned_arena_bytes=None)
    details = dict(describe_details(make_cell(artifact=artifact)))
    assert "delegated" not in details
    assert details["parameters"] == "1.34 M"
    assert not any("None" in text for text in details.values())
