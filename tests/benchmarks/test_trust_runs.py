"""The real runs of bench_trust.py, once each and in small: they must be able to miss their goals."""

import dataclasses
from functools import partial
from pathlib import Path

import bench_trust
import pytest
import trust_runs as runs
from trust_goals import Goal, at_least, at_most

from harness.analysis.comparison import compare
from harness.devices.target import Target
from harness.errors import DeviceUnfit
from harness.runner.bundle import ensure_bench_bundle


@pytest.fixture
def emulator(tmp_path: Path) -> Target:
    """The emulator with a folder of its own, so that nothing of an ordinary run lies there."""
    return dataclasses.replace(runs.find_target("emulator"), folder=str(tmp_path / "device"))


@pytest.mark.slow
@pytest.mark.device
def test_a_thousandth_more_instructions_is_found_and_decided_only_by_the_bench(emulator: Target) -> None:
    slowness = runs.find_slowness(emulator, 0.001)
    (compared,) = runs.compare_with_slower(emulator, slowness, 1)
    assert compared.result == "worse"
    assert compared.ratio == pytest.approx(1.001, abs=2e-5)
    bundle = partial(ensure_bench_bundle, slow_down_operations=slowness.operations)
    as_saved = runs.measure(emulator, seed=1, find_bundle=bundle)
    assert as_saved.verdict.status == "invalid"
    assert as_saved.instructions_per_inference == compared.new.instructions_per_inference
    (decided,) = compare([compared.base], [as_saved]).cells
    assert decided.result == "inconclusive"
    assert decided.why.startswith("new is invalid:")
    assert "debug_build" in decided.why
    (same,) = runs.compare_neighbours([compared, compared])
    assert same.result == "no worse"


def test_a_part_that_cannot_be_measured_is_a_goal_missed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> list[Goal]:
        raise DeviceUnfit("qemu-aarch64 is not installed")

    monkeypatch.setitem(bench_trust.PARTS, "busy", fail)
    monkeypatch.setattr("sys.argv", ["bench_trust.py", "--only", "busy"])
    assert bench_trust.main() == 1
    answer = capsys.readouterr()
    assert "not measured" in answer.out
    assert "qemu-aarch64 is not installed" in answer.err


@pytest.mark.parametrize(
    ("goal", "wanted", "met"),
    [
        (at_most("", 2, 40, 0.05), "at most 2", True),
        (at_most("", 3, 40, 0.05), "at most 2", False),
        (at_most("", 1, 10), "at most 0", False),
        (at_least("", 18, 20, 0.9), "at least 18", True),
        (at_least("", 17, 20, 0.9), "at least 18", False),
        (at_least("", 9, 10), "at least 10", False),
    ],
)
def test_a_goal_is_met_or_missed(goal: Goal, wanted: str, met: bool) -> None:
    assert (goal.wanted, goal.met) == (wanted, met)
