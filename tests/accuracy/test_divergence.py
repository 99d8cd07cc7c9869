"""A wrong program, a wrong device and a wrong export are distinguished, with the real runner."""

import dataclasses
import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from builders import PASSED, make_cell
from evaluations import make_evaluation
from harness.accuracy.divergence import (
    find_first_mismatch,
    find_mismatching,
    find_reference_mismatch,
    mismatch_errors,
)
from harness.accuracy.reference import CheckedProgram
from harness.accuracy.scoring import Logits
from harness.analysis.cells import record_first_mismatch
from harness.analysis.parity import read_reference
from harness.lowering.artifact import lower_cached
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.inputs import SEEDED
from harness.lowering.silence import quietly
from harness.records import PrecisionName, Stage, Variant, Weights

OTHER_WEIGHTS = Weights(source="random", seed=5)


def _lower(precision: PrecisionName, weights: Weights | None = None) -> StoredArtifact:
    variant = Variant(width=0.25, resolution_px=32, precision=precision, classes=10)
    return lower_cached(msgspec.structs.replace(variant, weights=weights or variant.weights))


def _with_program_of(stored: StoredArtifact, other: StoredArtifact) -> StoredArtifact:
    artifact = msgspec.structs.replace(
        stored.artifact, sha256=other.artifact.sha256, size_bytes=other.artifact.size_bytes
    )
    return dataclasses.replace(stored, artifact=artifact, program=other.program)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_first_stage_that_differs_is_named(precision: PrecisionName) -> None:
    stored = _lower(precision)
    logged: list[str] = []
    # Its own outputs are right on this machine, so it was the device.
    right = CheckedProgram(stored, SEEDED)
    assert find_reference_mismatch(right, logged.append, on_host=False) == "device"
    assert logged[0] == "output differs from the reference; looking for the first stage that differs"
    # Another network's program differs here as well, though export did nothing wrong.
    swapped = CheckedProgram(_with_program_of(stored, _lower(precision, OTHER_WEIGHTS)), SEEDED)
    assert find_reference_mismatch(swapped, logged.append, on_host=False) == "host"
    assert find_reference_mismatch(right, logged.append, on_host=True) == "host"
    # From logits that PyTorch never computed the first stage of all differs.
    inputs = np.array(read_reference(stored.reference_input), dtype=np.float32)
    expected = np.array([read_reference(stored.reference_output)], dtype=np.float32)
    assert find_first_mismatch(right, inputs, expected * 2, logged.append, on_host=False) == "exported"


@pytest.mark.slow
def test_if_this_machine_cannot_run_the_program_the_stage_is_unknown_and_the_log_says_why(
    tmp_path: Path,
) -> None:
    stored = _lower("fp32")
    damaged = tmp_path / "damaged.pte"
    damaged.write_bytes(b"no program")
    sha256 = hashlib.sha256(damaged.read_bytes()).hexdigest()
    artifact = msgspec.structs.replace(stored.artifact, sha256=sha256, size_bytes=10)
    program = CheckedProgram(dataclasses.replace(stored, artifact=artifact, program=damaged), SEEDED)
    logged: list[str] = []
    assert find_reference_mismatch(program, logged.append, on_host=False) is None
    assert logged[-1].startswith("the program cannot run on this machine; first stage that differs unknown: ")


@pytest.mark.slow
def test_the_exported_integer_graph_equals_its_reference_to_the_last_bit() -> None:
    with quietly():
        from harness.accuracy.reference import predict_exported
    stored = _lower("int8")
    inputs = np.array(read_reference(stored.reference_input), dtype=np.float32)
    logits = predict_exported(stored.artifact.variant, SEEDED, inputs, stored.artifact.input)
    assert logits.ravel().tolist() == list(read_reference(stored.reference_output))


def test_rows_differ_when_off_by_more_than_their_precision_explains() -> None:
    expected: Logits = np.array([[1, -2, 3], [0, 5, 1]], dtype=np.float32)
    steps: Logits = np.array([[1, -2, 3 + 1e-6], [0, 5 + 1e-2, 1]], dtype=np.float32)
    assert find_mismatching(expected, expected, "fp32") == ()
    assert find_mismatching(steps, expected, "fp32") == (1,)
    assert find_mismatching(steps, expected, "int8") == (1,)
    assert find_mismatching(steps, expected, "fp16") == ()
    assert find_mismatching(-expected, expected, "int8") == (0, 1)


def test_a_cell_names_the_first_stage_that_differs() -> None:
    parity = msgspec.structs.replace(PASSED, passed=False, max_abs_error=1.0)
    cell = record_first_mismatch(make_cell(parity=parity), "device")
    assert cell.parity
    assert cell.parity.first_mismatch_at == "device"
    (detail,) = [reason.detail for reason in cell.verdict.reasons if reason.code == "parity_failed"]
    assert detail.endswith("; first mismatch: on the device")
    assert record_first_mismatch(make_cell(), None) == make_cell()


@pytest.mark.slow
def test_a_program_of_another_quantizer_has_no_exported_stage() -> None:
    pytest.importorskip("onnxruntime")
    stored, other = (
        lower_cached(
            Variant(
                width=0.25,
                resolution_px=32,
                precision="int8",
                classes=10,
                weights=weights,
                runtime="onnxruntime",
            )
        )
        for weights in (Weights(source="random", seed=0), OTHER_WEIGHTS)
    )
    swapped = CheckedProgram(_with_program_of(stored, other), SEEDED)
    assert find_reference_mismatch(swapped, lambda text: None, on_host=False) == "host"
    assert find_reference_mismatch(swapped, lambda text: None, on_host=True) == "host"


@pytest.mark.parametrize(
    ("stage", "says", "hint"),
    [
        ("exported", "first mismatch: in the exported graph; ", "export changed what the network computes"),
        ("host", "first mismatch: in the program on this machine; ", "also wrong on this machine"),
        ("device", "first mismatch: on the device; ", "right on this machine"),
        (None, "", "do not ship this program on this device"),
    ],
)
def test_an_evaluation_with_wrong_logits_is_an_error_that_names_stage_and_first_image(
    stage: Stage | None, says: str, hint: str
) -> None:
    evaluation = make_evaluation("1" * 97 + "0" * 3, mismatching_logits=("x.png", "y.png", "z.png"))
    accuracy = msgspec.structs.replace(evaluation.accuracy, first_mismatch_at=stage)
    wrong = msgspec.structs.replace(evaluation, accuracy=accuracy)
    variant = make_cell().variant
    (error,) = mismatch_errors(wrong, variant, "pixel")
    assert error.what == (f"logits of 3 of 100 images differ from PyTorch's; {says}first image: x.png")
    assert hint in (error.hint or "")
    assert (error.device, error.variant) == ("pixel", variant.name)
    assert list(mismatch_errors(make_evaluation("1"), variant, "pixel")) == []


@pytest.mark.parametrize(
    ("runtime", "source"),
    [("onnxruntime", "those of exact integer arithmetic"), ("litert", "those of LiteRT on this machine")],
)
def test_wrong_logits_of_another_quantizer_name_their_reference(runtime: str, source: str) -> None:
    variant = Variant(width=0.25, resolution_px=32, precision="int8", runtime=runtime)
    evaluation = make_evaluation("1" * 97 + "0" * 3, mismatching_logits=("x.png",))
    (error,) = mismatch_errors(evaluation, variant, "pixel")
    assert error.what == f"logits of 1 of 100 images differ from {source}; first image: x.png"
