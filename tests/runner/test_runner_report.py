"""What a device sends is untrusted: a report is taken whole and right, or refused with its reason."""

import contextlib
import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import make_artifact, make_plan
from harness.errors import ReportRejected
from harness.records import PackedCacheReport, TensorSpec
from harness.runner.counters import Counted, parse_counts
from harness.runner.report import decode_report, describe_end, packed_cache_of, scheduling_of

PLAN = make_plan(threads=1, warmup_iterations=2, counted_iterations=2)
ARTIFACT = make_artifact(output=TensorSpec(dtype="float32", sizes=(1, 3), dim_order=(0, 1)))

MEMORY_DETAIL = {
    "pss_initialized_bytes": 7,
    "private_dirty_initialized_bytes": 6,
    "pss_end_bytes": 9,
    "private_dirty_end_bytes": 8,
    "unavailable": None,
}


SCHEDULING = {
    "cgroup": "0::/shell",
    "cpuset": "/",
    "uclamp_min_per_1024": 0,
    "uclamp_max_per_1024": 1024,
    "oom_score_adj": -1000,
    "timer_slack_ns": 50_000,
    "nice": 0,
    "unavailable": None,
}


COLD = {
    "files": 6,
    "pages": 4000,
    "resident_before_pages": 3900,
    "resident_pages": 0,
    "unavailable": None,
}


def report(**changes: Any) -> dict[str, Any]:
    """A report as the runner writes it."""
    return {
        "schema_version": 1,
        "runner_version": "1",
        "build_type": "Release",
        "abi": "arm64-v8a",
        "executorch_version": "1.5.1",
        "canary_ns": 500,
        "load_ns": 1000,
        "init_ns": 2000,
        "first_ns": 3000,
        "warmup_ns": [5, 4],
        "latencies_ns": [3, 3, 4],
        "starts_ns": None,
        "rss_start_bytes": 1,
        "rss_loaded_bytes": 2,
        "rss_initialized_bytes": 3,
        "rss_end_bytes": 4,
        "peak_rss_bytes": 5,
        "threads_requested": 1,
        "threads_used": 1,
        "cpus_allowed": "0-7",
        "scheduling": SCHEDULING,
        "counted_instructions": [7, 7],
        "counted_cycles": None,
        "counted_cache_misses": [1, 0],
        "counted_branch_misses": None,
        "memory_detail": None,
        "cold": None,
        "sustained": None,
        "packed_cache": None,
        "init_instructions": None,
        "profile": None,
        "counters_unavailable": "cycles: Permission denied",
        "output": {"sizes": [1, 3], "values": [0.5, -1.25, 3.0]},
        **changes,
    }


def encode(**changes: Any) -> bytes:
    return json.dumps(report(**changes)).encode()


def test_a_whole_report_is_taken_in_the_order_it_was_measured() -> None:
    decoded = decode_report(encode(), ARTIFACT, PLAN)
    assert decoded.latencies_ns == (3, 3, 4)
    assert decoded.values == (0.5, -1.25, 3.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema_version": 2}, "schema_version"),
        ({"canary_ns": 0}, "canary_ns"),
        ({"memory_detail": {"pss_end_bytes": 1}}, "memory_detail"),
        ({"profile": [{"name": "DWConv", "times_ns": [-1]}]}, "profile"),
        ({"load_ns": 0}, "load_ns"),
        ({"load_ns": -1}, "load_ns"),
        ({"load_ns": 1.5}, "load_ns"),
        ({"load_ns": "1000"}, "load_ns"),
        ({"load_ns": 2**70}, "load_ns"),
        ({"load_ns": None}, "load_ns"),
        ({"peak_rss_bytes": 0}, "peak_rss_bytes"),
        ({"threads_used": 0}, "threads_used"),
        ({"latencies_ns": [3, 0]}, "latencies_ns"),
        ({"latencies_ns": {"0": 3}}, "latencies_ns"),
        ({"latencies_ns": []}, "no timed iteration"),
        ({"warmup_ns": [5]}, "1 warm-up iterations instead of 2"),
        ({"threads_requested": 4}, "4 threads instead of 1"),
        ({"abi": "mips"}, "abi"),
        ({"output": {"sizes": [1, 2], "values": [1.0, 2.0]}}, "2 outputs instead of 3"),
        ({"output": {"sizes": [1, 3], "values": [1.0, "x", 2.0]}}, "values"),
        ({"scheduling": None}, "scheduling"),
        ({"scheduling": SCHEDULING | {"nice": 20}}, "scheduling.nice"),
        ({"scheduling": SCHEDULING | {"uclamp_max_per_1024": 1025}}, "uclamp_max_per_1024"),
        ({"scheduling": SCHEDULING | {"oom_score_adj": -1001}}, "oom_score_adj"),
        ({"scheduling": SCHEDULING | {"surprise": 1}}, "surprise"),
        ({"cold": COLD | {"pages": 0}}, "cold.pages"),
        ({"cold": COLD | {"resident_pages": -1}}, "resident_pages"),
        ({"cold": COLD | {"surprise": 1}}, "surprise"),
        ({"surprise": 1}, "surprise"),
        ({"output": {"sizes": [1, 3], "values": [0.5, -1.25, 3.0], "surprise": 1}}, "surprise"),
        ({"profile": [{"name": "DWConv", "times_ns": [1], "surprise": 1}]}, "surprise"),
        ({"memory_detail": MEMORY_DETAIL | {"dumpsys_pss_bytes": 1}}, "dumpsys_pss_bytes"),
        ({"cpus_allowed": "\x1b]0;title\x07" * 2, "surprise": 1}, "surprise"),
    ],
    ids=str,
)
def test_a_wrong_report_is_refused_with_the_place(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ReportRejected, match=words):
        decode_report(encode(**changes), ARTIFACT, PLAN)


def test_what_the_device_could_not_read_is_null() -> None:
    decoded = decode_report(
        encode(peak_rss_bytes=None, rss_start_bytes=None, threads_used=None), ARTIFACT, PLAN
    )
    assert (decoded.peak_rss_bytes, decoded.rss_start_bytes, decoded.threads_used) == (None, None, None)


def test_text_of_the_scheduling_context_is_made_harmless() -> None:
    hostile = encode(scheduling=SCHEDULING | {"cgroup": "0::/\x1b[2J" + "x" * 9_000, "cpuset": None})
    scheduling = scheduling_of(decode_report(hostile, ARTIFACT, PLAN).scheduling)
    assert scheduling.cgroup is not None
    assert "\x1b" not in scheduling.cgroup
    assert len(scheduling.cgroup) < 1_000
    assert (scheduling.cpuset, scheduling.nice) == (None, 0)


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    content = encode().replace(b'"Release"', b'"\xff"')
    with pytest.raises(ReportRejected, match="malformed: 'utf-8' codec can't decode byte 0xff"):
        decode_report(content, ARTIFACT, PLAN)


def test_the_report_of_another_runtime_names_it_and_its_version() -> None:
    artifact = replace(ARTIFACT, variant=replace(ARTIFACT.variant, runtime="litert"))
    own = {name: value for name, value in report().items() if name != "executorch_version"}
    for changes, complaint in (
        ({}, "the runtime executorch instead of litert"),
        ({"runtime": "onnxruntime", "runtime_version": "1"}, "the runtime onnxruntime instead of litert"),
        ({"runtime": "litert"}, "no runtime_version"),
    ):
        with pytest.raises(ReportRejected, match=complaint):
            decode_report(json.dumps({**own, **changes}).encode(), artifact, PLAN)
    named = {**own, "runtime": "litert", "runtime_version": "2.3.0"}
    assert decode_report(json.dumps(named).encode(), artifact, PLAN).runtime_version == "2.3.0"


@pytest.mark.parametrize("name", list(report()))
def test_no_field_may_be_missing(name: str) -> None:
    incomplete = {key: value for key, value in report().items() if key != name}
    with pytest.raises(ReportRejected, match=name):
        decode_report(json.dumps(incomplete).encode(), ARTIFACT, PLAN)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        encode()[:-1],
        encode() + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        encode().replace(b"1000", b"1e400"),
        encode().replace(b"0.5", b"NaN"),
        b"\xff\xfe",
    ],
    ids=lambda content: repr(content[:20]),
)
def test_what_is_no_report_at_all_is_refused(content: bytes) -> None:
    with pytest.raises(ReportRejected, match="malformed"):
        decode_report(content, ARTIFACT, PLAN)


def test_an_error_message_cannot_steer_the_terminal() -> None:
    hostile = json.dumps({**report(), "\x1b[2Jgone": 1}).encode()
    with pytest.raises(ReportRejected) as caught:
        decode_report(hostile, ARTIFACT, PLAN)
    assert "\x1b" not in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(list(report())), json_values)
def test_any_value_in_any_field_is_taken_or_refused_never_a_crash(name: str, value: Any) -> None:
    try:
        decoded = decode_report(json.dumps(report(**{name: value})).encode(), ARTIFACT, PLAN)
    except ReportRejected:
        return
    assert all(0 < latency <= 2**53 for latency in decoded.latencies_ns)
    assert len(decoded.values) == 3
    msgspec.json.encode(decoded)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_an_error_of_ours(content: bytes) -> None:
    for parse in (lambda: decode_report(content, ARTIFACT, PLAN), lambda: parse_counts(content, PLAN)):
        with contextlib.suppress(ReportRejected):  # any other exception is a failure
            parse()


def test_counts_are_one_a_line_of_the_initialization_and_each_counted_inference() -> None:
    assert parse_counts(b"9000\n123\n124\n", PLAN) == Counted(9000, (123, 124))
    wrong_ones = (
        b"",
        b"1\n2\n",
        b"1\n2\n3\n4\n",
        b"1\n2\n-2\n",
        b"1\n2\nx\n",
        b"1\n2\n0\n",
        b"1\n2\n" + b"9" * 30,
    )
    for wrong in wrong_ones:
        with pytest.raises(ReportRejected, match="instruction counter"):
            parse_counts(wrong, PLAN)


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (3, r"the runner failed \(3\): bad model"),
        (139, "killed by signal 11: bad model"),
        (137, "killed by signal 9, probably because the device ran out of memory"),
    ],
)
def test_the_end_of_a_runner_is_described(exit_code: int, words: str) -> None:
    assert re.search(words, describe_end(exit_code, "bad model"))


@pytest.mark.parametrize(
    ("before", "after", "mapped", "use"),
    [
        (0, 170, True, "written"),
        (170, 170, True, "read"),
        (170, 340, True, "written"),
        (0, 0, False, "unused"),
        (170, 170, False, "unused"),
    ],
)
def test_what_became_of_the_packed_cache_is_told_by_its_file(
    before: int, after: int, mapped: bool, use: str
) -> None:
    found = packed_cache_of(PackedCacheReport(bytes_before=before, bytes=after, mapped=mapped))
    assert found is not None
    assert (found.use, found.file_bytes) == (use, after)


def test_without_a_packed_cache_there_is_none() -> None:
    assert packed_cache_of(None) is None
