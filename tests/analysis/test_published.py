import pytest
from msgspec.structs import replace

from harness.analysis.published import published_accuracy
from harness.records import PrecisionName, Variant


def variant(width: float, resolution_px: int, precision: PrecisionName) -> Variant:
    return Variant(width=width, resolution_px=resolution_px, precision=precision)


@pytest.mark.parametrize(
    ("width", "resolution_px", "precision", "top1", "top5"),
    [
        # tensorflow/models research/slim/nets/mobilenet_v1.md
        (1.0, 224, "fp32", 0.709, 0.899),
        (1.0, 224, "int8", 0.697, 0.895),
        (0.25, 128, "fp32", 0.415, 0.663),
        (0.25, 128, "int8", 0.399, 0.658),
    ],
)
def test_accuracy_is_that_of_the_published_checkpoint(
    width: float, resolution_px: int, precision: PrecisionName, top1: float, top5: float
) -> None:
    published = published_accuracy(variant(width, resolution_px, precision))
    assert published is not None
    assert (published.top1, published.top5) == pytest.approx((top1, top5))


def test_all_sixteen_shapes_are_published_in_both_precisions_and_int8_is_never_better() -> None:
    for width in (0.25, 0.5, 0.75, 1.0):
        for resolution_px in (128, 160, 192, 224):
            fp32, int8 = (published_accuracy(variant(width, resolution_px, p)) for p in ("fp32", "int8"))
            assert fp32 is not None
            assert int8 is not None
            assert int8.top1 < fp32.top1 < fp32.top5


@pytest.mark.parametrize(("width", "resolution_px"), [(0.6, 224), (1.0, 96), (1.25, 224)])
def test_other_shapes_are_not_published(width: float, resolution_px: int) -> None:
    assert published_accuracy(variant(width, resolution_px, "fp32")) is None


def test_a_classifier_of_other_classes_is_not_the_published_one() -> None:
    shape = variant(1.0, 224, "fp32")
    assert published_accuracy(replace(shape, classes=10)) is None
    assert published_accuracy(replace(shape, classes=1001)) == published_accuracy(shape)
