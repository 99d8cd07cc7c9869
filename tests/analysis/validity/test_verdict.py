import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged import codes, detail

from builders import (
    PASSED,
    SHELL,
    STEADY_MEDIANS,
    make_artifact,
    make_cell,
    make_device,
    make_plan,
    make_process,
    make_processes,
)
from harness.analysis.validity.verdict import CHECKS, GRAVEST_FIRST
from harness.records import Clock, Conditions, Failure, Verdict

replace = msgspec.structs.replace
PAGE = Path(__file__).parents[3] / "docs" / "verdicts.md"


def test_a_quiet_cell_is_valid_without_reasons() -> None:
    assert make_cell().verdict == Verdict(status="valid", reasons=())


# The program --------------------------------------------------------------------------------------


def test_a_failed_cell_is_invalid_and_not_blamed_for_missing_samples() -> None:
    failure = Failure(what="the runner was killed by signal 9", exit_code=137)
    verdict = make_cell(processes=(), parity=None, failure=failure).verdict
    assert verdict.status == "invalid"
    assert codes(verdict) == ("failed",)
    assert detail(verdict, "failed") == "the runner was killed by signal 9"


def test_a_wrong_output_is_invalid() -> None:
    wrong = replace(PASSED, max_abs_error=0.25, cosine=0.98, top1_agrees=False, passed=False)
    verdict = make_cell(parity=wrong).verdict
    assert (verdict.status, codes(verdict)) == ("invalid", ("parity_failed",))
    assert detail(verdict, "parity_failed") == (
        "the output differs from the eager model: max abs error 0.25 > tolerance 0.0001"
        " (cosine 0.980000, same top-1: no)"
    )


def test_an_output_that_was_not_compared_is_suspect() -> None:
    verdict = make_cell(parity=None).verdict
    assert (verdict.status, codes(verdict)) == ("suspect", ("parity_unchecked",))
    assert detail(verdict, "parity_unchecked") == "the output was not compared with the eager model"


@pytest.mark.parametrize("build_type", ["Debug", "", "MinSizeRel", "Bench"])
def test_a_runner_not_built_for_speed_is_invalid(build_type: str) -> None:
    verdict = make_cell(processes=make_processes(*STEADY_MEDIANS, build_type=build_type)).verdict
    assert (verdict.status, codes(verdict)) == ("invalid", ("debug_build",))


@pytest.mark.parametrize("allowed", ["0-3", "4-7", "2", "garbage", ""])
def test_other_cores_than_planned_are_invalid(allowed: str) -> None:
    processes = make_processes(*STEADY_MEDIANS, cpus_allowed=allowed)
    verdict = make_cell(plan=make_plan(cpus="0-1"), processes=processes).verdict
    assert verdict.status == "invalid"
    assert "affinity_violated" in codes(verdict)
    assert "planned: 0-1" in detail(verdict, "affinity_violated")


@pytest.mark.parametrize("allowed", ["0-1", "1", "0,1"])
def test_cores_within_the_plan_are_fine(allowed: str) -> None:
    processes = make_processes(*STEADY_MEDIANS, cpus_allowed=allowed)
    assert make_cell(plan=make_plan(cpus="0-1"), processes=processes).verdict.status == "valid"


def test_another_number_of_threads_than_planned_is_invalid() -> None:
    processes = make_processes(*STEADY_MEDIANS, threads_used=2)
    verdict = make_cell(plan=make_plan(threads=4), processes=processes).verdict
    assert (verdict.status, codes(verdict)) == ("invalid", ("affinity_violated",))
    assert detail(verdict, "affinity_violated") == "2 threads ran, 4 were planned"


def test_a_thread_that_another_runtime_adds_for_itself_is_no_reason() -> None:
    artifact = make_artifact()
    other = replace(artifact, variant=replace(artifact.variant, runtime="onnxruntime"))
    for threads, planned, reasons in ((2, 1, ()), (2, 4, ("affinity_violated",))):
        judged = make_cell(
            artifact=other,
            plan=make_plan(threads=planned),
            processes=make_processes(*STEADY_MEDIANS, threads_used=threads),
        )
        assert codes(judged.verdict) == reasons


def test_undelegated_operators_are_suspect_and_named() -> None:
    nodes = ("aten.mean.dim", "aten.view", "aten.add", "aten.mul")
    verdict = make_cell(artifact=make_artifact(undelegated_nodes=nodes)).verdict
    assert (verdict.status, codes(verdict)) == ("suspect", ("undelegated",))
    assert detail(verdict, "undelegated") == (
        "4 operators run outside XNNPACK: aten.mean.dim, aten.view, aten.add, ..."
    )


def test_threads_that_share_a_core_are_suspect() -> None:
    processes = make_processes(*STEADY_MEDIANS, threads_used=4, cpus_allowed="4-5")
    verdict = make_cell(plan=make_plan(threads=4), processes=processes).verdict
    assert (verdict.status, codes(verdict)) == ("suspect", ("threads_exceed_cores",))


def test_a_cpuset_that_leaves_fewer_cores_than_planned_is_suspect() -> None:
    scheduling = replace(SHELL, cpuset="/background")
    processes = make_processes(*STEADY_MEDIANS, cpus_allowed="2", scheduling=scheduling)
    verdict = make_cell(plan=make_plan(cpus="2-3"), processes=processes).verdict
    assert (verdict.status, codes(verdict)) == ("suspect", ("cpuset_excludes_cores",))
    assert detail(verdict, "cpuset_excludes_cores") == (
        "the process's cpuset /background leaves cores 2, without 3"
    )


def test_a_cpuset_that_leaves_fewer_cores_than_the_device_has_is_suspect_without_a_plan_of_cores() -> None:
    processes = make_processes(*STEADY_MEDIANS, cpus_allowed="0-2", scheduling=SHELL)
    verdict = make_cell(processes=processes).verdict
    assert detail(verdict, "cpuset_excludes_cores") == (
        "the process's cpuset /, or the affinity that it inherited, leaves cores 0-2, without 3"
    )


@pytest.mark.parametrize("allowed", ["0-3", "0-63", "garbage"])
def test_a_cpuset_with_all_cores_or_an_unknown_one_is_no_reason(allowed: str) -> None:
    processes = make_processes(*STEADY_MEDIANS, cpus_allowed=allowed, scheduling=SHELL)
    assert "cpuset_excludes_cores" not in codes(make_cell(processes=processes).verdict)


# The whole ----------------------------------------------------------------------------------------


def test_the_gravest_reason_decides_and_all_are_told() -> None:
    processes = make_processes(*STEADY_MEDIANS[:3], build_type="Debug")
    verdict = make_cell(processes=processes, parity=None).verdict
    assert verdict.status == "invalid"
    assert set(codes(verdict)) == {"debug_build", "parity_unchecked", "too_few_processes"}


@given(
    before=st.builds(
        Conditions,
        frequencies_khz=st.none() | st.lists(st.integers(0, 2**53), max_size=9).map(tuple),
        governors=st.none()
        | st.lists(st.sampled_from(["performance", "schedutil", ""]), max_size=9).map(tuple),
        load_average_1min=st.none() | st.floats(allow_nan=True),
        memory_available_bytes=st.none() | st.integers(0, 2**53),
        thermal_status=st.none() | st.integers(-1, 10),
        throttled_flags=st.none() | st.integers(0, 2**32),
    ),
    cpus=st.text(alphabet="0123456789-, \n", max_size=12),
    clock=st.sampled_from(["real", "virtual", "emulated"]),
    count=st.none() | st.integers(0, 2**53),
    latencies=st.lists(st.integers(1, 2**53), min_size=1, max_size=60).map(tuple),
)
@settings(deadline=None)  # other work on the machine slows single examples down
def test_whatever_a_device_reports_is_judged(
    before: Conditions, cpus: str, clock: Clock, count: int | None, latencies: tuple[int, ...]
) -> None:
    processes = (
        *make_processes(10_000_000, 10_000_000, instructions_per_inference=count, cpus_allowed=cpus),
        make_process(3, latencies_ns=latencies, conditions_before=before, instructions_per_inference=count),
    )
    verdict = make_cell(device=make_device(clock=clock), processes=processes).verdict
    assert verdict.status in ("suspect", "invalid")
    assert len(codes(verdict)) == len(set(codes(verdict)))


def test_the_page_lists_the_reasons_of_the_code_with_their_severity_and_what_they_affect() -> None:
    row = r'^\| <a id="(\w+)"></a>`(\w+)` \| (\w+) \| (\w+) \|'
    listed = re.findall(row, PAGE.read_text(), flags=re.MULTILINE)
    checks = sorted(CHECKS, key=lambda check: GRAVEST_FIRST.index(check.severity))
    assert listed == [(check.code, check.code, check.severity, check.affects) for check in checks]
