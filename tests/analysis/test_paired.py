"""The accuracy drop is counted on the same images, and its interval and test are the published ones."""

import pytest

from harness.analysis.paired import paired_drop
from harness.errors import MeasurementError


def test_a_drop_counts_the_images_whose_outcome_changed() -> None:
    # 100 images: 80 right in both, 9 lost, 2 won, 9 wrong in both.
    drop = paired_drop("1" * 89 + "0" * 11, "1" * 80 + "0" * 9 + "1" * 2 + "0" * 9)
    assert (drop.only_base, drop.only_new, drop.images) == (9, 2, 100)
    assert drop.drop_pp.estimate == pytest.approx(7.0)
    # Exact binomial: 2 * (1 + 11 + 55) / 2**11.
    assert drop.p_value == pytest.approx(134 / 2048)
    # Bonett and Price with (10, 3) / 102: 6.863 ± 1.96 * sqrt(0.12274 / 102).
    assert (drop.drop_pp.low, drop.drop_pp.high) == pytest.approx((0.063, 13.663), abs=0.002)


def test_no_change_is_no_drop() -> None:
    drop = paired_drop("101", "101")
    assert (drop.drop_pp.estimate, drop.p_value) == (0, 1)
    assert drop.drop_pp.low < 0 < drop.drop_pp.high


def test_only_images_that_both_could_read_are_paired() -> None:
    drop = paired_drop("11-0", "0-11")
    assert (drop.images, drop.only_base, drop.only_new) == (2, 1, 1)


@pytest.mark.parametrize(
    ("base", "new", "says"), [("11", "1", "2 and 1 images"), ("1-", "-1", "no image was readable in both")]
)
def test_other_images_cannot_be_paired(base: str, new: str, says: str) -> None:
    with pytest.raises(MeasurementError, match=says):
        paired_drop(base, new)
