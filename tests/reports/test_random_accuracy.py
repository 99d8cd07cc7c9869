from msgspec.structs import replace

from harness.records import Accuracy, Interval, Variant
from reports.figures import top1_of
from synthetic import PHONE, simulate_cell


def test_the_accuracy_of_random_weights_stands_on_no_frontier() -> None:
    accuracy = Accuracy(
        top1=Interval(estimate=0.99, low=0.9, high=1.0),
        top5=Interval(estimate=0.99, low=0.9, high=1.0),
        images=10,
        dataset="some",
        split="test",
        preprocessing="",
        measured_on="pixel",
        agreement_with_eager=None,
    )
    cell = simulate_cell(PHONE, Variant(width=0.5, resolution_px=128, precision="fp32"))
    top1 = top1_of(replace(cell, accuracy=accuracy))
    assert top1 is None or top1.kind == "published"
