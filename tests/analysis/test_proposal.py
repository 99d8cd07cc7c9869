"""What `pick --include-predicted` proposes beside what was measured."""

from typing import Any

import pytest
from msgspec.structs import replace

from builders import at_rate
from harness.analysis.budget import Budget
from harness.analysis.prediction import predict_grids
from harness.analysis.proposal import NoProposal, Proposal, describe_proposals, propose
from harness.analysis.selection import pick
from harness.records import Accuracy, Cell, Interval, Weights
from synthetic import EMULATOR, PHONE, simulate_cells

MS = 1_000_000


def measured(*held_out: str, **options: Any) -> list[Cell]:
    cells = simulate_cells(PHONE, precisions=("int8",), **options)
    return [cell for cell in cells if cell.variant.name.split("_", 2)[2] not in held_out]


def proposal(cells: list[Cell], **limits: Any) -> Proposal | NoProposal:
    budget = Budget(**limits)
    (answer,) = pick(cells, budget).answers
    return propose(answer, predict_grids(cells), budget)


def proposed(cells: list[Cell], **limits: Any) -> Proposal:
    found = proposal(cells, **limits)
    assert isinstance(found, Proposal)
    return found


def test_an_unmeasured_variant_that_is_better_within_the_budget_is_proposed() -> None:
    found = proposed(measured("1_160_int8"), max_latency_ns=17 * MS)
    assert found.prediction.variant.name == "mobilenet_v1_1_160_int8"
    assert found.top1 == pytest.approx(0.673)
    assert found.gain_pp == pytest.approx(67.3 - 66.2)
    assert found.command == (
        *("harness", "run", "--device", "pixel", "--width", "1", "--resolution", "160"),
        *("--precision", "int8"),
    )


def test_its_interval_must_keep_the_limit_at_its_worse_end() -> None:
    cells = measured("1_160_int8")
    interval = proposed(cells, max_latency_ns=17 * MS).prediction.figures["latency"]
    between = (interval.estimate + interval.high) / 2
    assert isinstance(proposal(cells, max_latency_ns=between), NoProposal)


def test_nothing_is_proposed_that_a_measured_cell_equals() -> None:
    found = proposal(measured("0.5_160_int8"), max_latency_ns=50 * MS)
    assert isinstance(found, NoProposal)
    assert found.reason.startswith("no unmeasured variant is predicted to be better within the budget")


def test_where_no_measured_cell_fits_the_prediction_that_does_is_proposed() -> None:
    found = proposed(measured("0.25_160_int8"), max_latency_ns=2.1 * MS, min_accuracy=0.42)
    assert found.prediction.variant.name == "mobilenet_v1_0.25_160_int8"
    assert found.gain_pp is None


@pytest.mark.parametrize(
    "limits",
    [
        {"max_size_bytes": 4_000_000, "max_latency_ns": 17 * MS},
        {"min_accuracy": 0.68, "max_latency_ns": 19 * MS},
    ],
    ids=lambda limits: next(iter(limits)),
)
def test_a_prediction_must_keep_every_limit(limits: dict[str, Any]) -> None:
    assert isinstance(proposal(measured("1_160_int8"), **limits), NoProposal)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (
            {"max_p99_ns": 50 * MS},
            "p99 latency is not predicted, so that nothing can be proposed under --max-p99",
        ),
        (
            {"max_p90_ns": 50 * MS, "max_startup_ns": 50 * MS},
            "p90 latency, start-up are not predicted, so that nothing can be proposed under --max-p90,"
            " --max-startup",
        ),
        (
            {"rate_hz": 30.0},
            "paced p99 latency is not predicted, so that nothing can be proposed under --rate",
        ),
    ],
    ids=["p99", "p90 and start-up", "rate"],
)
def test_a_limit_on_what_is_not_predicted_is_told(limits: dict[str, Any], reason: str) -> None:
    cells = measured("1_160_int8")
    found = proposal([at_rate(cell, 30) for cell in cells] if "rate_hz" in limits else cells, **limits)
    assert found == NoProposal(reason)


def test_nothing_is_proposed_from_what_was_all_measured_at_a_rate() -> None:
    cells = [at_rate(cell, 30) for cell in measured("1_160_int8")]
    found = proposal(cells, max_latency_ns=17 * MS)
    assert found == NoProposal(
        "all was measured at a rate, and paced p99 latency is not predicted: nothing shows that an unmeasured"
        " variant keeps it"
    )


@pytest.mark.parametrize("filters", [{"threads": (2,)}, {"cores": "big"}, {"precisions": ("fp32",)}])
def test_only_what_was_asked_for_is_proposed(filters: dict[str, Any]) -> None:
    found = proposal(measured("1_160_int8"), max_latency_ns=17 * MS, **filters)
    assert isinstance(found, NoProposal)
    assert "nothing can be predicted" in found.reason


def test_measured_accuracies_are_left_to_the_answer_and_published_ones_compared() -> None:
    top1 = Interval(estimate=0.9, low=0.89, high=0.91)
    accuracy = Accuracy(
        top1=top1,
        top5=top1,
        images=1000,
        dataset="Imagenette",
        split="validation",
        preprocessing="",
        measured_on="pixel",
        agreement_with_eager=None,
    )
    weights = Weights(source="trained.pt", sha256="a" * 64)
    cells = [
        replace(cell, accuracy=accuracy, variant=replace(cell.variant, weights=weights))
        for cell in measured("1_160_int8")
    ]
    found = proposed(cells, max_latency_ns=17 * MS)
    assert found.prediction.variant.name == "mobilenet_v1_1_160_int8"
    assert found.top1 == pytest.approx(0.673)


def test_without_any_accuracy_the_larger_network_is_proposed() -> None:
    cells = [replace(cell, variant=replace(cell.variant, classes=10)) for cell in measured("1_160_int8")]
    found = proposed(cells, max_latency_ns=17 * MS)
    assert (found.top1, found.gain_pp) == (None, None)
    assert found.command[-2:] == ("--classes", "10")


def test_the_text_says_what_was_not_measured_and_the_command_that_measures_it() -> None:
    cells = measured("1_160_int8")
    found = proposed(cells, max_latency_ns=17 * MS)
    text = describe_proposals({"pixel": found, "kitchen": NoProposal("nothing can be predicted")})
    lines = text.splitlines()
    assert lines[0] == "pixel: predicted, not measured: mobilenet_v1_1_160_int8, 1 thread"
    assert "ms latency (" in lines[1]
    assert "published top-1 67.3% (+1.1 points), not measured here" in lines[1]
    assert lines[2] == "  measure it: harness run --device pixel --width 1 --resolution 160 --precision int8"
    assert lines[-1] == "kitchen: nothing can be predicted"


def test_on_an_emulator_instructions_limit_the_proposal() -> None:
    cells = [cell for cell in simulate_cells(EMULATOR, precisions=("int8",)) if cell.variant.width != 0.5]
    found = proposed(cells, max_instructions=30_000_000)
    assert found.prediction.figures["instructions"].high <= 30_000_000
    assert found.prediction.variant.width == 0.5
