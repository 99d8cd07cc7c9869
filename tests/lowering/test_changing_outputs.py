"""An own program whose outputs do not repeat cannot be compared: the artifact says why."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from builders import make_cell
from harness.errors import MeasurementError
from harness.lowering.own_programs import HostOutputs, OwnProgram
from harness.lowering.program_file import Method, read_program
from harness.records import Artifact, Variant, Weights
from harness.system.files import hash_file
from program_files import ProgramText

ROUNDS = count()
# What a program gives after this many inferences of a fresh process.
Gives = Callable[[int], int]


def store(tmp_path: Path, gives: Gives, log: list[str], *, ran: bool = True) -> Artifact:
    file = ProgramText().write(tmp_path / "net.pte")
    method = read_program(file).method("forward")

    def run_here(program: Path, inputs: Path, method: Method, inferences: int) -> HostOutputs:
        return HostOutputs(bytes([gives(inferences)]) * method.outputs[0].size_bytes, method.outputs)

    weights = Weights(source=file.name, sha256=hash_file(file))
    own = OwnProgram(
        path=file,
        size_bytes=file.stat().st_size,
        method=method,
        variant=Variant(
            width=None,
            resolution_px=None,
            classes=None,
            precision="as_is",
            model="net",
            method="forward",
            weights=weights,
        ),
        reference_input=bytes(method.inputs[0].size_bytes),
        runtime="r",
        run_here=run_here,
    )
    stored = own.store(log.append)
    again = own.find()
    assert (again and again.artifact) == (stored.artifact if ran else None)
    assert stored.unchecked == (stored.artifact.reference_output_sha256 is None)
    return stored.artifact


@pytest.mark.parametrize(
    ("gives", "why"),
    [
        (lambda inferences: 1, None),
        (lambda inferences: inferences, "change from one inference to the next"),
        (lambda inferences: inferences % 2, "change from one inference to the next"),
        (lambda inferences: inferences % 4, "change from one inference to the next"),
        (lambda inferences: next(ROUNDS) % 256, "differ between two processes with the same inputs"),
    ],
    ids=["repeats", "counts", "toggles", "rotates", "draws"],
)
def test_outputs_that_do_not_repeat_are_compared_with_no_devices(
    gives: Gives, why: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    log: list[str] = []
    artifact = store(tmp_path, gives, log)
    assert (artifact.reference_output_sha256 is None) == (why is not None)
    if why is None:
        assert (artifact.not_comparable, log) == (None, [])
        return
    assert why in str(artifact.not_comparable)
    assert log == [f"net: no output is compared: {artifact.not_comparable}"]
    verdict = make_cell(artifact=artifact, parity=None).verdict
    (detail,) = (one.detail for one in verdict.reasons if one.code == "parity_unchecked")
    assert (verdict.status, detail) == (
        "suspect",
        f"the output was not compared with this machine's runtime: {artifact.not_comparable}",
    )


def test_a_program_that_fails_here_is_not_said_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))

    def fails(inferences: int) -> int:
        raise MeasurementError("the runner failed")

    log: list[str] = []
    artifact = store(tmp_path, fails, log, ran=False)
    assert (artifact.reference_output_sha256, artifact.not_comparable) == (None, None)
    assert log == ["net: not run on this machine, so no output is compared: the runner failed"]
