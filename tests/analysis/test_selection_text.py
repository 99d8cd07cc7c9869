"""What stands beside an answer: cautions, the binding limit, the nearest miss, the runner-up."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from picked_cells import MB, MS, accuracy, cell_of, explain, pick, suspect

from builders import QUIET, STEADY_MEDIANS, failed, make_cell, make_processes
from harness import records
from harness.analysis.cautions import cautions
from harness.analysis.program_files import ProgramFile
from harness.errors import UsageError


def test_failed_and_invalid_cells_are_never_chosen() -> None:
    good = cell_of(0.25, 128)
    reason = records.Reason(
        code="parity_failed", severity="invalid", affects="result", detail="outputs differ"
    )
    invalid = replace(cell_of(1.0, 224), verdict=records.Verdict(status="invalid", reasons=(reason,)))
    dead = replace(cell_of(1.0, 192), latency=None, failure=records.Failure(what="killed\x1b[2J"))
    answer = pick([invalid, dead, good])
    assert answer.best is not None
    assert answer.best.cell == good
    assert [each.reasons for each in answer.rejected] == [
        ("invalid: outputs differ",),
        ("failed: killed [2J",),
    ]
    assert "rejected: 2 of the cells (1 invalid, 1 failed); --all lists them" in explain(
        [invalid, dead, good]
    )
    with pytest.raises(UsageError, match="no cell can be chosen: 1 failed, 1 invalid"):
        pick([invalid, dead])


def test_a_suspect_cell_is_chosen_with_its_reason_beside_it() -> None:
    assert "suspect: the clock fell" in cautions(suspect(cell_of(0.5, 160)), "published")


def test_a_suspect_runner_up_is_called_so() -> None:
    text = explain([cell_of(0.5, 160), suspect(cell_of(0.25, 128))])
    assert "runner-up, suspect: mobilenet_v1_0.25_128_int8" in text


def test_an_informative_reason_is_no_caution() -> None:
    reason = records.Reason(code="unsampled", severity="info", affects="time", detail="nothing was sampled")
    cell = replace(cell_of(0.5, 160), verdict=records.Verdict(status="valid", reasons=(reason,)))
    assert not any("sampled" in caution for caution in cautions(cell, "published"))


def test_a_clock_below_the_maximum_is_cautioned() -> None:
    slower = replace(QUIET, frequencies_khz=(1_000_000,) * 4)
    changes = {"conditions_before": slower, "conditions_after": slower}
    cells = [make_cell(processes=make_processes(*STEADY_MEDIANS, **changes))]
    assert "caution: cores 0-3 were measured at 1.00 of 1.80 GHz" in explain(cells)


def test_the_answer_names_the_file_and_its_hash() -> None:
    cell = cell_of(0.5, 160)
    assert f"file mobilenet_v1_0.5_160_int8.pte, sha256 {cell.artifact.sha256}" in explain([cell])


def test_the_limit_that_binds_and_what_more_of_it_buys_are_named() -> None:
    cells = [
        cell_of(0.5, 160, ms=5, measured=0.60),
        cell_of(0.75, 160, ms=21, worst_ms=21.3, measured=0.65),
        cell_of(1.0, 160, ms=24, worst_ms=25, measured=0.70),
        cell_of(1.0, 224, ms=40, peak_mb=60, measured=0.75),
    ]
    text = explain(cells, max_latency_ns=20 * MS, max_memory_bytes=50 * MB)
    bought = "1.3 ms more buys +5.0 points (3.8 points per ms): mobilenet_v1_0.75_160_int8"
    assert f"the latency limit binds: {bought}" in text
    (upgrade,) = pick(cells, max_latency_ns=20 * MS, max_memory_bytes=50 * MB).upgrades
    assert upgrade.gain_pp == pytest.approx(5.0)


def test_a_better_cell_that_misses_several_limits_is_named_with_all_of_them() -> None:
    cells = [cell_of(0.5, 160, ms=5, measured=0.6), cell_of(1.0, 224, ms=40, peak_mb=60, measured=0.75)]
    text = explain(cells, max_latency_ns=20 * MS, max_memory_bytes=50 * MB)
    assert "next better: mobilenet_v1_1_224_int8, 1 thread (+15.0 points) misses several limits:" in text


def test_where_nothing_fits_the_nearest_cell_and_the_limit_to_relax_are_named() -> None:
    cells = [cell_of(0.5, 160, ms=5, worst_ms=5.3), cell_of(1.0, 224, ms=30)]
    answer = pick(cells, max_latency_ns=5 * MS)
    assert answer.best is None
    assert answer.nearest is not None
    assert answer.nearest.cell == cells[0]
    assert "latency up to 5.3 ms is over 5 ms: relax --max-latency to 5.3ms" in explain(
        cells, max_latency_ns=5 * MS
    )


def test_the_value_that_relaxes_a_limit_admits_the_cell() -> None:
    cell = cell_of(0.5, 160, ms=5, worst_ms=5.300_000_4)
    assert "relax --max-latency to 5.31ms" in explain([cell], max_latency_ns=5 * MS)
    assert pick([cell], max_latency_ns=5_310_000).best is not None


def test_the_probability_that_it_meets_the_budget_is_stated_where_there_is_one() -> None:
    cell = make_cell()
    assert pick([cell], max_latency_ns=11 * MS).probability == pytest.approx(1, abs=1e-3)
    assert pick([cell]).probability is None
    assert "probability that it meets the budget: over 99 %" in explain([cell], max_latency_ns=11 * MS)


def test_the_probability_of_an_accuracy_is_that_of_its_images() -> None:
    cell = replace(cell_of(0.5, 160, measured=0.62), accuracy=accuracy(0.62, images=1000))
    # Score test: 0.02 / sqrt(0.6 * 0.4 / 1000) = 1.291 standard deviations.
    assert pick([cell], min_accuracy=0.6).probability == pytest.approx(0.9017, abs=1e-3)


def test_a_probability_says_what_it_takes_as_it_is() -> None:
    cell = make_cell()
    text = explain([cell], max_latency_ns=11 * MS, min_accuracy=0.5)
    assert "probability that it meets the budget, if its published accuracy holds: over 99 %" in text
    disturbed = explain([suspect(cell)], max_latency_ns=11 * MS, min_accuracy=0.5)
    assert "the budget, if its published accuracy and its suspect figures hold: over 99 %" in disturbed
    assert "the budget, if its suspect figures hold: " in explain([suspect(cell)], max_latency_ns=11 * MS)
    evaluated = cell_of(0.5, 160, measured=0.62)
    assert "holds" not in explain([evaluated], max_latency_ns=11 * MS, min_accuracy=0.5)


def test_the_answer_says_where_the_file_lies() -> None:
    cell = cell_of(0.5, 160)
    digest = cell.artifact.sha256
    files = {digest: ProgramFile(Path("/cache/model.pte"), ("harness", "lower"))}
    assert f"  file /cache/model.pte\n  sha256 {digest}\n" in explain([cell], files)


def test_where_the_file_is_not_here_the_answer_says_how_to_make_it() -> None:
    cell = cell_of(0.5, 160)
    missing = ProgramFile(None, ("harness", "lower", "--out", "a b"), "torch 2.0")
    text = explain([cell], {cell.artifact.sha256: missing})
    assert "its bytes are not on this machine; make them: harness lower --out 'a b'" in text
    assert "its digest needs the libraries that made it: torch 2.0" in text


def test_each_suspect_cell_beside_the_answer_is_called_so() -> None:
    cells = [
        cell_of(0.5, 160, ms=5),
        suspect(cell_of(0.5, 160, ms=3, threads=2)),
        suspect(cell_of(1.0, 224, ms=30)),
    ]
    text = explain(cells, max_latency_ns=20 * MS)
    assert "also measured: 2 threads (at most 3.03 ms, suspect)" in text
    assert ": mobilenet_v1_1_224_int8, 1 thread, suspect\n" in text
    assert "nearest, suspect: mobilenet_v1_1_224_int8" in explain(cells[2:], max_latency_ns=20 * MS)


def test_the_gain_for_a_tiny_raise_has_no_exponent() -> None:
    text = explain([cell_of(0.25, 128, ms=1), cell_of(1.0, 224, ms=2.1)], max_latency_ns=2.01 * MS)
    (rate,) = re.findall(r"\((\S+) points per ms\)", text)
    assert re.fullmatch("[0-9,]+", rate)


def test_one_alone_is_called_the_only_candidate_and_not_the_most_accurate() -> None:
    measured, published, unknown = (
        cell_of(0.5, 160, measured=0.6),
        cell_of(0.25, 160),
        cell_of(0.25, 160, classes=10),
    )
    assert "the only candidate; its accuracy was measured on Imagenette" in explain([measured])
    within = explain([published], max_latency_ns=20 * MS)
    assert "the only candidate within the budget; its accuracy is the published one of checkpoints" in within
    assert "the only candidate; no accuracy is known, neither measured" in explain([unknown])
    assert "the only candidate that can be ranked; its" in explain([measured, published])
    assert "most accurate" not in explain([measured])


def test_what_was_not_asked_for_is_counted_in_words() -> None:
    cells = [cell_of(0.5, 160), cell_of(0.5, 128), cell_of(0.25, 128, threads=2)]
    assert "2 of the cells (2 with 1 thread, not 2)" in explain(cells, threads=(2,))


def test_without_a_cell_to_choose_only_what_there_is_is_counted() -> None:
    with pytest.raises(UsageError, match=r"no cell can be chosen: 1 failed\n"):
        explain([failed(cell_of(0.5, 160))])
