import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.bars import Axis, ticks


def test_ticks_are_round_values_within_the_axis() -> None:
    assert ticks(Axis(0.0, 10.0)) == (0, 2, 4, 6, 8, 10)
    assert ticks(Axis(-0.3, 1.2)) == (0, 0.5, 1)


@pytest.mark.parametrize("span", [1e-9, 1.0, 1e15, 1e18, 2.5e196])
def test_any_span_has_a_few_ticks(span: float) -> None:
    assert 2 <= len(ticks(Axis(0.0, span))) <= 7


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e9))
def test_ticks_are_evenly_apart_and_on_the_axis(low: float, span: float) -> None:
    axis = Axis(low, low + span)
    found = ticks(axis)
    slack = span * 1e-6
    assert all(axis.low - slack <= value <= axis.high + slack for value in found)
    steps = [after - before for before, after in pairwise(found)]
    assert all(math.isclose(step, steps[0], rel_tol=1e-6, abs_tol=1e-9) for step in steps)
