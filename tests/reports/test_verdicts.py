from builders import failed, with_verdict
from reports.verdicts import count, group_by_reasons
from synthetic import simulate_cells


def test_cells_are_counted_by_their_status() -> None:
    cells = tuple(failed(cell) for cell in simulate_cells(widths=(0.25,), resolutions_px=(128,)))
    assert count(cells) == "2 invalid"


def test_cells_with_the_same_reasons_are_grouped_worst_status_first() -> None:
    first, second, third, fourth = simulate_cells(widths=(0.25, 0.5), resolutions_px=(128,))
    groups = group_by_reasons(
        (
            with_verdict(first, "suspect", "busy", "load 3"),
            with_verdict(second, "suspect", "busy", "load 3"),
            failed(third),
            fourth,
        )
    )
    assert [(len(group.names), group.status) for group in groups] == [(1, "failed"), (2, "suspect")]
    assert groups[0].last_output == ("<b>out of memory</b>", "killed")
