"""Every figure of every cell over runs in the order of time, and the runs at which it changed for good.

A trend follows one program on one machine under one placement (`run_series`). What else differs at a change,
such as the system, versions, weights or the plan, is named beside it.
"""

from collections.abc import Iterable, Sequence

from harness.analysis.comparison_rule import FigureName
from harness.analysis.run_series import Member, collect_series, in_order_of_time
from harness.analysis.trend_changes import Change, changes_of
from harness.analysis.trends import FIGURES, Figure, is_exact
from harness.errors import UsageError
from harness.records import Cell, Interval, Record, Run

# Without the newest run the same change may be found a run or two beside.
SAME_CHANGE_WITHIN = 2


class Point(Record, frozen=True, kw_only=True):
    """One run's value, in the record's unit; accuracy as a fraction of one.

    `left_out` says why it decides nothing; None where it counts.
    """

    run_id: str
    started_at: str
    git_revision: str | None
    value: Interval
    left_out: str | None = None


class Trend(Record, frozen=True, kw_only=True):
    """One figure of one cell; `newly_worse` where the newest run shows a change for the worse first."""

    name: str
    figure: FigureName
    exact: bool
    points: tuple[Point, ...]
    changes: tuple[Change, ...]
    newly_worse: bool


class History(Record, frozen=True, kw_only=True):
    """All trends of runs; `left_out` counts the cells whose figures are those of no program, by reason.

    `copies` counts the folders that hold a run again, which counts once, `unreadable` the cells that were
    left out of all of them.
    """

    runs: int
    trends: tuple[Trend, ...]
    left_out: dict[str, int]
    copies: int = 0
    unreadable: int = 0

    @property
    def newly_worse(self) -> bool:
        """Whether the newest run shows a change for the worse first."""
        return any(trend.newly_worse for trend in self.trends)


def trace(
    runs: Iterable[tuple[Run, Sequence[Cell]]],
    *,
    smallest_change: float | None = None,
    unreadable: int = 0,
) -> History:
    """Follow every figure over the runs, of which `unreadable` cells were left out.

    Raises:
        UsageError: a run has no readable time, or the smallest change is out of range.
    """
    if smallest_change is not None and not 0 < smallest_change < 1:
        raise UsageError(
            f"--min-change: it must be above 0 % and below 100 %, not {smallest_change:.4g}",
            hint="give the smallest change that matters, such as --min-change 1%",
        )
    given = list(runs)
    ordered = in_order_of_time(given)
    series, left_out = collect_series(ordered)
    newest = ordered[-1][0] if ordered else None
    trends = [
        trend
        for name, members in series
        for figure in FIGURES
        if (trend := _follow(name, figure, members, newest, smallest_change))
    ]
    copies = len(given) - len(ordered)
    return History(
        runs=len(ordered), trends=tuple(trends), left_out=left_out, copies=copies, unreadable=unreadable
    )


def _follow(
    name: str,
    figure: Figure,
    members: Sequence[Member],
    newest: Run | None,
    smallest_change: float | None,
) -> Trend | None:
    """The trend of one figure; None where no cell has it."""
    found = [(run, cell, value) for run, cell in members if (value := figure.read(cell))]
    if not found:
        return None
    points = tuple(
        Point(
            run_id=run.id,
            started_at=run.started_at,
            git_revision=run.git_revision,
            value=value,
            left_out=_left_out(figure, cell, found[-1][1]),
        )
        for run, cell, value in found
    )
    cells = [cell for _, cell, _ in found]
    values = [value for _, _, value in found]
    counted = [index for index, point in enumerate(points) if point.left_out is None]
    exact = is_exact(figure.name, cells[-1])
    changes = changes_of(figure, cells, values, counted, smallest_change)
    return Trend(
        name=name,
        figure=figure.name,
        exact=exact,
        points=points,
        changes=changes,
        # Asked for last: it takes as long as all the rest.
        newly_worse=bool(counted)
        and found[counted[-1]][0] is newest
        and any(one.direction == "worse" for one in changes)
        and _first_shown(changes, changes_of(figure, cells, values, counted[:-1], smallest_change)),
    )


def _left_out(figure: Figure, cell: Cell, newest: Cell) -> str | None:
    """What disturbed the value or makes it one of another kind, so that it is shown but decides nothing."""
    reasons = [
        one.code
        for one in cell.verdict.reasons
        if one.severity == "suspect" and (one.affects == figure.disturbed_by or one.code in figure.spoiled_by)
    ]
    if figure.kind and (kind := figure.kind(cell)) != figure.kind(newest):
        reasons.append(kind)
    return ", ".join(sorted(reasons)) or None


def _first_shown(changes: Sequence[Change], without_newest: Sequence[Change]) -> bool:
    known = [one.at for one in without_newest if one.direction == "worse"]
    return any(
        one.direction == "worse" and all(abs(one.at - at) > SAME_CHANGE_WITHIN for at in known)
        for one in changes
    )
