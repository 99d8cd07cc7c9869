"""The Pareto frontier of cost and gain: the points that no other point dominates."""

from collections.abc import Sequence


def frontier(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Indices of the (cost, gain) points that no other point dominates, cheapest first.

    A point dominates another if it costs no more, gains no less, and differs. Of equal points only the
    first is returned.
    """
    cheapest_first = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1], i))
    chosen: list[int] = []
    for index in cheapest_first:
        if not chosen or points[index][1] > points[chosen[-1]][1]:
            chosen.append(index)
    return tuple(chosen)
