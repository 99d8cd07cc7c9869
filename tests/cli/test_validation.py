"""Conflicting options are refused, naming both."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import make_cell, make_run
from harness.cli import validation
from harness.errors import UsageError
from harness.records.run_folder import write_run
from harness_command import run_main


def test_a_maximum_time_below_the_minimum_is_refused() -> None:
    validation.check_max_time(1.0, 1.0)
    validation.check_max_time(None, 0.0)
    with pytest.raises(UsageError, match=r"--max-time 0[.]5s is less than --min-time 2s"):
        validation.check_max_time(2.0, 0.5)


def test_a_maximum_of_rounds_below_the_minimum_is_refused() -> None:
    validation.check_rounds(5, 5)
    validation.check_rounds(None, 3)
    with pytest.raises(UsageError, match="--max-rounds 3 is fewer than --processes 5"):
        validation.check_rounds(5, 3)


@pytest.mark.parametrize("seed", ["-1", str(2**53 + 1)])
@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("run", "--program", "x.pte"),
        ("lower",),
        ("train", "--dataset", "x", "--out", "x.safetensors"),
    ],
    ids=" ".join,
)
def test_a_seed_out_of_range_is_refused_with_the_range(
    words: tuple[str, ...],
    seed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.pte").touch()
    assert run_main(monkeypatch, *words, "--seed", seed) == 2
    printed = " ".join(capsys.readouterr().err.split())
    assert f"--seed {seed} is not from 0 to 9007199254740992" in printed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_minutes": -1.0}, "max_minutes is -1, which is not above 0"),
        ({"seed": -1}, "seed is -1"),
        ({"sustain_seconds": 5}, "sustain_seconds is 5, which is not from 60 to 14400"),
        ({"precisions": ()}, "precisions is empty"),
    ],
)
def test_the_request_of_a_resumed_run_is_checked_as_one_that_is_typed(
    changes: dict[str, object],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = make_run((make_cell(),))
    write_run(tmp_path, replace(run, request=replace(run.request, **changes)))
    assert run_main(monkeypatch, "run", "--resume", tmp_path) == 2
    assert message in " ".join(capsys.readouterr().err.split())
