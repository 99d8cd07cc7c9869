"""The Pareto frontier: what cannot be made better in one respect without getting worse in the other."""

from collections.abc import Sequence


def frontier(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Indices of the (cost, gain) points that no other point dominates, cheapest first.

    A point dominates another when it costs no more, gains no less, and differs. Of equal points the
    first stands for all.
    """
    cheapest_first = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1], i))
    chosen: list[int] = []
    for index in cheapest_first:
        if not chosen or points[index][1] > points[chosen[-1]][1]:
            chosen.append(index)
    return tuple(chosen)
