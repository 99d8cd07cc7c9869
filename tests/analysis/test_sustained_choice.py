"""`harness pick --sustained`: the plateau decides, and cells without one are set aside by name."""

import pytest
from msgspec.structs import replace

from builders import make_artifact, make_cell, make_sustained_cell, make_sustained_run
from harness.analysis.budget import Budget
from harness.analysis.commands import budget_options
from harness.analysis.selection import pick
from harness.analysis.selection_text import explain
from harness.errors import UsageError
from harness.records import Cell, Variant


def cell_of(width: float, ms: float, plateau_ms: float | None) -> Cell:
    variant = Variant(width=width, resolution_px=128, precision="int8")
    digest = f"{int(width * 100):064x}"
    cell = make_cell(
        tuple(round(ms * 1e6) + step * 1000 for step in range(6)),
        artifact=make_artifact(variant=variant, sha256=digest),
    )
    return (
        cell
        if plateau_ms is None
        else make_sustained_cell(make_sustained_run((60, ms), (120, plateau_ms)), cell)
    )


SMALL, LARGE = cell_of(0.5, 8.0, 9.0), cell_of(1.0, 15.0, 25.0)
UNKNOWN = cell_of(0.75, 10.0, None)


def shipped(cells: list[Cell], **limits: float | bool) -> str | None:
    (answer,) = pick(cells, Budget(**limits)).answers  # type: ignore[arg-type]
    return answer.best.cell.variant.name if answer.best else None


def test_the_cool_latency_and_the_plateau_choose_different_variants() -> None:
    cells = [SMALL, LARGE]
    assert shipped(cells, max_latency_ns=20e6) == LARGE.variant.name
    assert shipped(cells, max_latency_ns=20e6, sustained=True) == SMALL.variant.name


def test_a_cell_without_a_sustained_figure_is_set_aside_by_name() -> None:
    budget = Budget(max_latency_ns=20e6, sustained=True)
    text = explain(pick([SMALL, LARGE, UNKNOWN], budget))
    assert f"set aside, no sustained figure: {UNKNOWN.variant.name}, 1 thread" in text
    assert "9 ms sustained (at most 9.0" in text
    listed = explain(pick([SMALL, LARGE], budget), all_rejected=True)
    assert f"rejected: {LARGE.variant.name}, 1 thread: sustained latency up to 25.0" in listed


def test_without_a_limit_the_plateau_ranks_what_is_equally_accurate() -> None:
    quick_at_first = replace(cell_of(0.5, 8.0, 20.0), plan=replace(SMALL.plan, threads=2))
    (answer,) = pick([SMALL, quick_at_first], Budget(sustained=True)).answers
    assert answer.best is not None
    assert answer.best.cell.plan.threads == 1
    assert "2 threads (at most 20.0" in explain(pick([SMALL, quick_at_first], Budget(sustained=True)))


def test_where_no_cell_has_a_sustained_figure_the_hint_names_the_option() -> None:
    with pytest.raises(UsageError, match="no cell has a sustained figure") as refused:
        pick([UNKNOWN], Budget(sustained=True))
    assert "--sustain 10m" in (refused.value.hint or "")


def test_the_budget_is_repeated_as_options() -> None:
    words = budget_options(Budget(max_latency_ns=20e6, sustained=True))
    assert words == ("--sustained", "--max-latency", "20ms")
