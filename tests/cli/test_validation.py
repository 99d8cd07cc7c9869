"""Conflicting options are refused, naming both."""

import pytest

from harness.cli import validation
from harness.errors import UsageError


def test_a_maximum_time_below_the_minimum_is_refused() -> None:
    assert validation.check_max_time(1.0, 1.0) == 1.0
    assert validation.check_max_time(None, 0.0) == 0.0
    with pytest.raises(UsageError, match=r"--max-time 0[.]5s is less than --min-time 2s"):
        validation.check_max_time(2.0, 0.5)


def test_a_maximum_of_rounds_below_the_minimum_is_refused() -> None:
    assert validation.check_rounds(5, 5) == 5
    assert validation.check_rounds(None, 3) == 3
    with pytest.raises(UsageError, match="--max-rounds 3 is fewer than --processes 5"):
        validation.check_rounds(5, 3)
