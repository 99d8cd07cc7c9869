"""The runner on real programs: on this machine, and its ARM build under QEMU."""

import os
import struct
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from runner_program import MakeRunner, Runner

from harness.runner.bundle.build import sources_sha256

# The batch, then further options of the runner.
Evaluate = Callable[..., bytes]
DELEGATED_AND_NOT = ["delegated", "planned_input", "unplanned_output", "portable", "reused_input"]


@pytest.mark.slow
@pytest.mark.parametrize("program", DELEGATED_AND_NOT)
def test_outputs_equal_the_eager_model_after_many_inferences(any_runner: Runner, program: str) -> None:
    report = any_runner.measure(program, "--warmup-iterations", "3", "--min-iterations", "5")
    assert report.abi == any_runner.bundle.abi
    assert report.values == pytest.approx(any_runner.programs.expected[program][0], abs=1e-4)


def test_report_tells_what_was_asked_for_and_built(runner: Runner) -> None:
    report = runner.measure("delegated", "--warmup-iterations", "7", "--min-iterations", "11")
    assert (len(report.warmup_ns), len(report.latencies_ns)) == (7, 11)
    assert report.output
    assert report.output.sizes == (1, 10)
    assert (report.build_type, report.executorch_version) == ("Release", "1.5.1")
    assert report.runner_version == sources_sha256()[:12]


def test_memory_grows_from_phase_to_phase_up_to_the_peak(runner: Runner) -> None:
    report = runner.measure()
    phases = (
        report.rss_start_bytes,
        report.rss_loaded_bytes,
        report.rss_initialized_bytes,
        report.rss_end_bytes,
        report.peak_rss_bytes,
    )
    known = [phase for phase in phases if phase is not None]
    assert len(known) == len(phases)
    assert all(earlier <= later for earlier, later in pairwise(known))
    assert 1 << 20 < known[0] < known[-1] < 64 << 20


def test_memory_and_threads_that_proc_does_not_give_are_null_and_never_0(runner: Runner) -> None:
    # XNNPACK needs cpuinfo, and nothing else of /proc.
    hide = (
        'cpus=$(cat /proc/cpuinfo) && mount -t tmpfs none /proc && echo "$cpus" >/proc/cpuinfo'
        ' && exec "$0" "$@"'
    )
    unprivileged = () if os.geteuid() == 0 else ("--map-root-user",)
    hidden = replace(runner, launcher=("unshare", *unprivileged, "--mount", "sh", "-c", hide))
    tried = subprocess.run([*hidden.launcher, "true"], capture_output=True, text=True, timeout=60)
    if tried.returncode != 0:
        pytest.skip(f"cannot hide /proc here: {tried.stderr.strip()}")
    report = hidden.measure()
    assert (report.rss_start_bytes, report.rss_end_bytes, report.peak_rss_bytes) == (None, None, None)
    assert report.threads_used is None
    scheduling = report.scheduling
    assert (scheduling.cgroup, scheduling.cpuset, scheduling.oom_score_adj) == (None, None, None)
    assert scheduling.unavailable is not None
    assert "/proc/self/cgroup: No such file or directory" in scheduling.unavailable


def test_the_memory_pass_tells_what_is_shared_and_what_is_not(any_runner: Runner) -> None:
    detail = any_runner.measure("delegated", "--memory-detail").memory_detail
    assert detail is not None
    assert detail.unavailable is None
    assert detail.pss_initialized_bytes is not None
    assert detail.pss_end_bytes is not None
    assert detail.private_dirty_initialized_bytes is not None
    assert detail.private_dirty_end_bytes is not None
    # A process that begins meanwhile and maps the same files makes this one's share of them smaller: what is
    # private alone must grow.
    assert all(1 << 20 < pss < 256 << 20 for pss in (detail.pss_initialized_bytes, detail.pss_end_bytes))
    assert detail.private_dirty_initialized_bytes <= detail.private_dirty_end_bytes
    assert 0 < detail.private_dirty_end_bytes <= detail.pss_end_bytes
    assert any_runner.measure().memory_detail is None


def test_the_profile_names_each_operator_with_its_time_in_every_inference(any_runner: Runner) -> None:
    report = any_runner.measure("delegated", "--profile-iterations", "4", "--warmup-iterations", "2")
    assert report.profile
    assert {len(operator.times_ns) for operator in report.profile} == {4}
    assert any("Convolution" in operator.name for operator in report.profile)
    assert len({operator.name for operator in report.profile}) == len(report.profile)
    assert report.values == pytest.approx(any_runner.programs.expected["delegated"][0], abs=1e-4)
    assert any_runner.measure().profile is None


def test_the_profile_names_portable_kernels_too(runner: Runner) -> None:
    report = runner.measure("portable", "--profile-iterations", "2")
    assert report.profile
    assert all(operator.name and max(operator.times_ns) > 0 for operator in report.profile)


def test_the_canary_costs_the_same_whatever_comes_after_it(runner: Runner) -> None:
    canaries = [runner.measure(program).canary_ns for program in ("delegated", "portable", "reused_input")]
    # 250,000 multiplications that wait for each other: no core takes less than 2 cycles at 6 GHz for one.
    assert all(83_000 < canary < 50_000_000 for canary in canaries)


def test_measures_until_both_minimums_are_reached(runner: Runner) -> None:
    begin = time.monotonic()
    report = runner.measure("portable", "--min-iterations", "2", "--min-seconds", "0.3")
    assert time.monotonic() - begin >= 0.3
    assert len(report.latencies_ns) > 2


def test_ends_at_the_maximum_time_before_enough_iterations(runner: Runner) -> None:
    report = runner.measure("portable", "--min-iterations", "100000", "--max-seconds", "0.2")
    assert 0 < len(report.latencies_ns) < 100_000


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_uses_as_many_threads_as_asked_for(runner: Runner, threads: int) -> None:
    report = runner.measure("delegated", "--threads", str(threads))
    assert (report.threads_requested, report.threads_used) == (threads, threads)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_the_emulators_own_threads_are_not_taken_for_the_runners(
    make_arm_runner: MakeRunner, threads: int
) -> None:
    assert make_arm_runner().measure("delegated", "--threads", str(threads)).threads_used == threads


def test_runs_only_on_the_cpus_given(runner: Runner) -> None:
    cpu = str(max(os.sched_getaffinity(0)))
    assert runner.measure("delegated", "--cpus", cpu, "--threads", "2").cpus_allowed == cpu


def test_the_report_has_how_the_kernel_schedules_the_process(runner: Runner) -> None:
    slacker = replace(runner, launcher=("nice", "-n", "5"))
    scheduling = slacker.measure().scheduling
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert (scheduling.nice, scheduling.timer_slack_ns) == (min(own + 5, 19), 50_000)
    assert scheduling.oom_score_adj == int(Path("/proc/self/oom_score_adj").read_text())
    assert scheduling.cgroup == " ".join(Path("/proc/self/cgroup").read_text().split("\n")).strip()
    missing = [name for name in ("cpuset", "uclamp_max_per_1024") if getattr(scheduling, name) is None]
    reasons = scheduling.unavailable or ""
    assert [name for name in ("cpuset", "uclamp") if name in reasons] == [name[:6] for name in missing]


def test_a_cold_start_finds_nothing_in_memory_or_says_what_stayed(runner: Runner) -> None:
    (runner.folder / "model.pte").write_bytes(runner.programs.path("delegated").read_bytes())
    for threads in ("1", "3"):
        report = runner.measure("delegated", "--cold", "--threads", threads)
        cold = report.cold
        assert cold is not None
        assert cold.files == 6
        assert cold.resident_before_pages > 0
        # A file system in memory, such as tmpfs, keeps its pages.
        assert (cold.resident_pages == 0) == (cold.unavailable is None)
        assert cold.unavailable is None or "pages stayed in memory, the first of " in cold.unavailable
        assert report.values == pytest.approx(runner.programs.expected["delegated"][0], abs=1e-4)
    assert runner.measure().cold is None


def test_counts_come_for_each_inference_or_with_the_reason_why_not(runner: Runner) -> None:
    report = runner.measure("delegated", "--counted-iterations", "4")
    counters = {
        "instructions": report.counted_instructions,
        "cycles": report.counted_cycles,
        "cache misses": report.counted_cache_misses,
        "branch misses": report.counted_branch_misses,
    }
    for name, counts in counters.items():
        if counts is None:
            assert report.counters_unavailable is not None
            assert f"{name}: perf_event_open: " in report.counters_unavailable
        else:
            assert len(counts) == 4
            assert min(counts) > (10_000 if name in ("instructions", "cycles") else -1)


def test_without_counted_iterations_the_reason_says_so(runner: Runner) -> None:
    report = runner.measure()
    assert report.counted_instructions is None
    assert report.counters_unavailable is not None
    assert "instructions: no counted iterations were asked for" in report.counters_unavailable


def floats(content: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(content) // 4}f", content)


def evaluate_with(runner: Runner) -> Evaluate:
    """Run a batch and return the output file's content."""

    def run(batch: bytes, *options: str) -> bytes:
        (runner.folder / "batch.bin").write_bytes(batch)
        output = runner.folder / "output.bin"
        files: tuple[str | Path, ...] = (
            *("--model", runner.programs.path("delegated"), "--batch-input", runner.folder / "batch.bin"),
            *("--batch-output", output, "--report", runner.report),
        )
        ended = runner.run(*files, *options)
        assert (ended.returncode, ended.stderr) == (0, "")
        return output.read_bytes()

    return run


@pytest.fixture
def evaluate(runner: Runner) -> Evaluate:
    """With this machine's runner."""
    return evaluate_with(runner)


def test_batch_gives_the_outputs_of_each_tensor_in_turn(runner: Runner, evaluate: Evaluate) -> None:
    image = runner.programs.input.read_bytes()
    doubled = struct.pack(f"<{len(image) // 4}f", *(2 * value for value in floats(image)))
    values = floats(evaluate(image + doubled + image))
    once, twice = runner.programs.expected["delegated"]
    assert values == pytest.approx([*once, *twice, *once], abs=1e-4)
    assert '"tensors": 3' in runner.report.read_text()


def test_batch_of_bytes_is_scaled_to_floats(evaluate: Evaluate) -> None:
    packed = bytes(range(256)) * 12
    scaled = struct.pack(f"<{len(packed)}f", *(byte * 0.25 - 32 for byte in packed))
    assert evaluate(packed, "--batch-scale", "0.25", "--batch-offset", "-32") == evaluate(scaled)


@pytest.mark.slow
def test_bytes_are_scaled_as_the_host_does_it_by_a_product_and_then_a_sum(any_runner: Runner) -> None:
    packed = np.arange(256, dtype=np.uint8).repeat(12)
    scale, offset = np.float32(1 / 127.5), np.float32(-1)
    scaled = packed.astype(np.float32) * scale + offset
    # One operation for both, as ARM has it, rounds once.
    fused = (packed.astype(np.float64) * float(scale) + float(offset)).astype(np.float32)
    assert not np.array_equal(scaled, fused)
    options = ("--batch-scale", repr(float(scale)), "--batch-offset", repr(float(offset)))
    evaluate = evaluate_with(any_runner)
    assert evaluate(packed.tobytes(), *options) == evaluate(scaled.tobytes())


def test_values_in_the_report_are_the_very_float32(runner: Runner, evaluate: Evaluate) -> None:
    report = runner.measure()
    raw = evaluate(runner.programs.input.read_bytes())
    assert struct.pack(f"<{len(report.values)}f", *report.values) == raw
