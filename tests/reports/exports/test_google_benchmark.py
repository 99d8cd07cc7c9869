"""google/benchmark's JSON: processes are repetitions, and what was not measured is absent."""

import math

from exported_cells import EMULATED, FAILED, INVALID, NAME, SUSPECT, VALID, document, exported


def test_the_context_describes_the_run() -> None:
    context = document("google-benchmark", VALID)["context"]
    assert context["json_schema_version"] == 1
    assert context["date"] == "2026-01-01T12:00:00Z"
    assert context["git_revision"].startswith("0123456")
    assert b"null" not in exported("google-benchmark", VALID, git_revision=None)


def test_each_process_is_a_repetition_and_their_median_follows() -> None:
    *repetitions, median = document("google-benchmark", VALID)["benchmarks"]
    assert [one["repetition_index"] for one in repetitions] == list(range(6))
    assert {one["name"] for one in repetitions} == {NAME}
    assert {one["run_type"] for one in repetitions} == {"iteration"}
    assert (median["name"], median["aggregate_name"]) == (f"{NAME}_median", "median")
    assert VALID.latency is not None
    assert median["real_time"] == VALID.latency.median_ns.estimate
    assert math.isclose(repetitions[0]["real_time"], 10_010_000, rel_tol=1e-3)
    assert median["peak_rss_bytes"] == 18_000_000


def test_a_time_that_was_not_measured_is_absent() -> None:
    (median,) = document("google-benchmark", EMULATED)["benchmarks"]
    assert "real_time" not in median
    assert "cpu_time" not in median
    assert median["instructions_per_inference_instructions"] == 7_601_843


def test_cells_without_figures_are_errors_with_their_reason() -> None:
    invalid, failed = document("google-benchmark", INVALID, FAILED)["benchmarks"]
    assert (invalid["error_occurred"], invalid["error_message"]) == (True, "parity_failed")
    assert failed["error_message"] == "the runner was killed by signal 9"
    assert "real_time" not in invalid


def test_the_verdict_is_the_label() -> None:
    assert document("google-benchmark", SUSPECT)["benchmarks"][-1]["label"] == "suspect: throttled"
