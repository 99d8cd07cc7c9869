"""A history on the terminal: each change with its size, its run and its revisions."""

from msgspec.structs import replace

from builders import make_device, with_accuracy, with_verdict
from harness.analysis.history import trace
from harness.analysis.history_text import to_lines
from past_runs import COUNTED, counted, nights, past_run, timed

NAME = "emulator-mobilenet_v1_0.5_128_fp32-t1"


def test_each_figure_has_its_level_its_changes_and_where_they_are() -> None:
    lines = to_lines(trace(nights([counted(7_600_000), counted(7_600_000), counted(7_980_000)])))
    assert lines[:4] == [
        NAME,
        "  instructions  7.98 M, 3 runs",
        "    worse: +5 % (7.6 M → 7.98 M)",
        "      at run night-02 (0000001..0000002)",
    ]
    assert "  file size     5.3 MB, 3 runs, no change" in lines
    assert lines[-2:] == [
        "3 runs, 3 trends: 1 changed, 2 did not.",
        f"Worse since the newest run: instructions of {NAME}.",
    ]


def test_what_else_changed_is_named() -> None:
    newer = replace(counted(7_980_000), device=replace(COUNTED.device, kernel="6.6"))
    lines = to_lines(trace(nights([counted(7_600_000), newer])))
    assert "      also changed: device kernel: none before, 6.6 after" in lines


def test_accuracy_changes_in_percentage_points() -> None:
    cells = [with_accuracy(timed(10e6), one) for one in [0.70] * 8 + [0.60] * 5]
    assert "    worse: -10 pp (70.00 % → 60.00 %)" in to_lines(trace(nights(cells)))


def test_a_run_without_a_revision_is_shown_as_such() -> None:
    runs = [past_run(0, counted(7_600_000), git_revision=None), past_run(1, counted(7_980_000))]
    assert "      at run night-01 (no revision..0000001)" in to_lines(trace(runs))


def test_disturbed_and_invalid_cells_are_counted_with_their_reasons() -> None:
    disturbed = with_verdict(timed(10e6), "suspect", "throttled", "slower")
    broken = with_verdict(timed(10e6), "invalid", "parity_failed", "off")
    lines = to_lines(trace(nights([disturbed, broken])))
    assert "  latency       no value counts, 0 runs, 1 left out (throttled), no change" in lines
    assert "Left out, invalid: 1 parity_failed." in lines


def test_no_text_of_a_device_steers_the_terminal() -> None:
    hostile = replace(COUNTED, device=make_device(name="pi\x1b[31m\nworse: x", clock="emulated"))
    lines = to_lines(trace([past_run(0, hostile, git_revision="\x1b[2J")]))
    assert "\x1b" not in "".join(lines)
    assert lines[0].startswith("pi [31m worse: x-")
