"""XNNPACK's options: what they change at start, and that no output changes with them."""

import pytest
from runner_program import Runner

from harness.records import RunnerReport


def test_a_packed_cache_is_written_once_and_read_by_the_next_process(any_runner: Runner) -> None:
    file = any_runner.folder / "model.packed"
    file.unlink(missing_ok=True)
    plain = any_runner.measure("delegated")
    first, second, fresh = (
        any_runner.measure("delegated", "--packed-cache", str(file), *words)
        for words in ((), (), ("--fresh-packed-cache",))
    )
    assert plain.packed_cache is None
    uses = [_use(report) for report in (first, second, fresh)]
    size = file.stat().st_size
    assert uses == [(0, size, True), (size, size, True), (0, size, True)]
    for report in (first, second, fresh):
        assert report.output == plain.output


@pytest.mark.parametrize(
    "words", [("--weight-cache",), ("--workspace-sharing-mode", "0"), ("--workspace-sharing-mode", "1")]
)
def test_no_option_changes_the_output(runner: Runner, words: tuple[str, ...]) -> None:
    assert runner.measure("delegated", *words).output == runner.measure("delegated").output


def test_a_packed_cache_that_cannot_be_written_is_told_and_measured_without(runner: Runner) -> None:
    report = runner.measure("delegated", "--packed-cache", str(runner.folder / "nosuch" / "x.packed"))
    assert _use(report) == (0, 0, False)
    assert report.output == runner.measure("delegated").output


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--fresh-packed-cache",), "--fresh-packed-cache needs --packed-cache"),
        (("--workspace-sharing-mode", "3"), "takes a number from 0 to 2"),
        (("--packed-cache", "x" * 300), "has more than 255 bytes"),
    ],
)
def test_options_that_xnnpack_cannot_take_are_refused(
    runner: Runner, words: tuple[str, ...], complaint: str
) -> None:
    program = runner.programs
    ended = runner.run(
        *("--model", program.path("delegated"), "--input", program.input, "--report", runner.report), *words
    )
    assert ended.returncode == 2
    assert complaint in ended.stderr


def _use(report: RunnerReport) -> tuple[int, int, bool]:
    cache = report.packed_cache
    assert cache is not None
    return cache.bytes_before, cache.bytes, cache.mapped
