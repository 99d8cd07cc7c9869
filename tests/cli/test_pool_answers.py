"""`harness pick` and the end of `harness run` for devices that shared the variants (--any-of)."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import make_artifact, make_cell, make_device, make_run
from harness.analysis.budget import Budget
from harness.analysis.proposal import NoProposal
from harness.cli.answers import choose
from harness.cli.ending import conclude
from harness.cli.proposals import find_proposals
from harness.measuring.run_outcome import Outcome
from harness.records import Cell, Run, Variant
from harness.records.run_folder import write_cell, write_run
from harness_command import run_main


def on(device: str, width: float, ms: int) -> Cell:
    variant = Variant(width=width, resolution_px=128, precision="fp32")
    artifact = make_artifact(variant=variant, sha256=f"{int(width * 100):064}", macs=int(width * 1e8))
    medians = tuple(ms * 1_000_000 + step for step in (10_000, -10_000, 0, 20_000, -20_000, 5_000))
    return make_cell(medians, device=make_device(name=device), artifact=artifact)


CELLS = (on("pi-a", 0.25, 10), on("pi-b", 0.25, 11), on("pi-b", 0.5, 20), on("pi-a", 0.75, 30))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pooled"
    run = make_run(CELLS)
    write_run(folder, replace(run, request=replace(run.request, any_of=("pi-a", "pi-b"))))
    for cell in CELLS:
        write_cell(folder, cell)
    return folder


def pick(folder: Path, *options: str, monkeypatch: pytest.MonkeyPatch) -> int:
    return run_main(monkeypatch, "pick", folder, *options)


def test_pick_prints_one_answer_for_the_pool(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pick(folder, "--max-latency", "21ms", monkeypatch=monkeypatch) == 0
    text = capsys.readouterr().out
    assert text.count(": ship ") == 1
    assert text.startswith("any of pi-a,pi-b (2 devices): ship mobilenet_v1_0.5_128_fp32, 1 thread\n")
    assert "  measured on pi-b, one of 2 devices\n" in text
    assert "latency on a further device could be up to 22" in text


def test_the_document_has_the_devices_of_the_pool_and_which_one_measured(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pick(folder, "--max-latency", "21ms", "--device", "pi-a", "--json", monkeypatch=monkeypatch) == 0
    document = json.loads(capsys.readouterr().out)
    (answer,) = document["answers"]
    assert (answer["device"], answer["best"]["device"]) == ("any of pi-a,pi-b", "pi-b")
    pool = answer["pool"]
    assert (pool["devices"], pool["measured"], pool["measured_on"]) == (
        ["pi-a", "pi-b"],
        ["pi-a", "pi-b"],
        "pi-b",
    )
    assert pool["between_devices"]["range_share"] == pytest.approx(0.1, abs=0.001)
    assert any("further device" in caution for caution in answer["cautions"])
    assert document["pool"] == pool
    assert (document["for_all"], document["remarks"]) == (None, [])


def test_no_cell_of_the_pool_within_the_budget_is_exit_code_1(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # pi-a alone keeps it, and pi-b is its equal.
    assert pick(folder, "--max-latency", "10.5ms", monkeypatch=monkeypatch) == 1
    assert "any of pi-a,pi-b (2 devices): no cell is within the budget" in capsys.readouterr().out


@pytest.mark.parametrize("limit_ns", [None, 21e6])
def test_a_run_ends_with_one_answer_or_one_ladder(folder: Path, limit_ns: float | None) -> None:
    text = conclude(Outcome(folder, CELLS, ()), Budget(max_latency_ns=limit_ns)).text
    blocks = text.split("\n\n")
    assert len(blocks) == 2
    assert blocks[0].startswith("any of pi-a,pi-b")
    assert "on pi-b" in blocks[0]


def test_a_device_that_is_alone_has_no_pool(tmp_path: Path) -> None:
    answers = choose({tmp_path: (make_run(CELLS[:1]), CELLS[:1])}, Budget())
    assert answers.document["pool"] is None


def test_nothing_is_predicted_for_a_pool(folder: Path) -> None:
    run: Run = make_run(CELLS)
    runs = {folder: (replace(run, request=replace(run.request, any_of=("pi-a", "pi-b"))), CELLS)}
    (proposal,) = find_proposals(choose(runs, Budget()).selection, runs).values()
    assert isinstance(proposal, NoProposal)
    assert "nothing is predicted for a pool" in proposal.reason
