"""A budget that no cell of a run could have a figure for is refused before anything is measured."""

import pytest

from harness.analysis.budget import Budget
from harness.devices.target import Target
from harness.errors import UsageError
from harness.measuring.targets import refuse_unanswerable
from harness.records import RunRequest, Variant

REQUEST = RunRequest(
    devices=("emulator",), widths=(0.25,), resolutions_px=(32,), precisions=("fp32",), threads=(1,)
)
SMALL, PUBLISHED = (Variant(width=0.25, resolution_px=side, precision="fp32") for side in (32, 128))
HOST, EMULATOR = (Target(name=kind, kind=kind, transport="local") for kind in ("host", "emulator"))


@pytest.mark.parametrize(
    ("budget", "option"),
    [
        (Budget(max_latency_ns=5e6), "--max-latency"),
        (Budget(max_startup_ns=5e6), "--max-startup"),
        (Budget(min_accuracy=0.6), "--min-accuracy"),
    ],
)
def test_a_budget_without_a_figure_is_refused(budget: Budget, option: str) -> None:
    with pytest.raises(UsageError, match=option) as caught:
        refuse_unanswerable(budget, REQUEST, [SMALL], [EMULATOR])
    assert caught.value.hint


def test_one_device_with_a_clock_of_its_own_answers() -> None:
    refuse_unanswerable(Budget(max_latency_ns=5e6), REQUEST, [SMALL], [EMULATOR, HOST])


def test_counts_and_published_accuracies_answer() -> None:
    budget = Budget(max_instructions=60_000_000, min_accuracy=0.4)
    refuse_unanswerable(budget, REQUEST, [SMALL, PUBLISHED], [EMULATOR])
