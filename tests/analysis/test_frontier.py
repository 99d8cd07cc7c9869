from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.frontier import frontier

# Few distinct values, so that ties are common.
coordinates = st.integers(0, 6).map(float) | st.floats(-1e9, 1e9)
clouds = st.lists(st.tuples(coordinates, coordinates), max_size=40)


def dominates(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[0] and one[1] >= other[1] and one != other


@given(clouds)
def test_no_point_dominates_one_on_the_frontier(points: list[tuple[float, float]]) -> None:
    for index in frontier(points):
        assert not any(dominates(other, points[index]) for other in points)


@given(clouds)
def test_every_other_point_is_dominated_by_one_on_the_frontier_or_equals_it(
    points: list[tuple[float, float]],
) -> None:
    chosen = frontier(points)
    for index in set(range(len(points))) - set(chosen):
        assert any(dominates(points[c], points[index]) or points[c] == points[index] for c in chosen)


@given(clouds)
def test_both_cost_and_gain_rise_along_the_frontier(points: list[tuple[float, float]]) -> None:
    chosen = [points[index] for index in frontier(points)]
    assert chosen == sorted(set(chosen))
    assert [gain for _, gain in chosen] == sorted({gain for _, gain in chosen})


def test_the_cheaper_of_two_equal_gains_is_chosen_and_of_equal_points_the_first() -> None:
    assert frontier([(2.0, 5.0), (1.0, 5.0), (1.0, 5.0), (3.0, 6.0), (0.5, 1.0)]) == (4, 1, 3)
