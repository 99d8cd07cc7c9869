"""A bench build of the runner is slower by the given amount, and its report names it as one."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from runner_program import MakeRunner, Programs, Runner

from harness.devices.emulator.instruction_counter import ensure_instruction_counter
from harness.runner.bundle import Bundle, ensure_bench_bundle


def test_the_slow_down_is_timed_and_its_build_is_named(
    runner_of: Callable[[Bundle], Runner], native_bundle: Bundle, programs: Programs
) -> None:
    operations = 5_000_000
    bundle = ensure_bench_bundle(native_bundle.abi, slow_down_operations=operations)
    slowed = runner_of(bundle).measure("delegated", "--warmup-iterations", "2", "--min-iterations", "3")
    assert slowed.build_type == "Bench"
    # Multiplications that wait for each other: no core takes less than 2 cycles at 6 GHz for one.
    assert min(slowed.first_ns, *slowed.warmup_ns, *slowed.latencies_ns) > operations / 3
    assert slowed.values == pytest.approx(programs.expected["delegated"][0], abs=1e-4)


@pytest.mark.slow
def test_each_operation_of_the_slow_down_costs_the_same_instructions(make_arm_runner: MakeRunner) -> None:
    plugin = f"{ensure_instruction_counter()},out=counts"
    counts = []
    for operations in (0, 1000, 2000, 3000):
        bundle = ensure_bench_bundle("arm64-v8a", slow_down_operations=operations)
        runner = make_arm_runner("-plugin", plugin, bundle=bundle)
        runner.measure("delegated", "--counted-iterations", "1", "--mark-counted")
        # The first line is that of the initialization.
        _, counted = (runner.folder / "counts").read_text().split()
        counts.append(int(counted))
    added = [more - less for less, more in pairwise(counts)]
    assert added[1] == added[2]
    assert added[1] in (3000, 4000, 5000)
    assert added[1] <= added[0] < added[1] + 50
