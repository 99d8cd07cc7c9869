"""int8 of the runtimes beside ExecuTorch: by their own quantizers, float32 in and out, with a reference."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from small_variants import SMALL, SMALL_INT8

from harness.errors import LoweringError
from harness.lowering import quantized_references
from harness.lowering.artifact import lower_cached
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.inputs import LoweringInputs
from harness.lowering.onnx_reference import INPUT, OnnxReference
from harness.lowering.quantized_references import open_reference
from harness.lowering.synthetic_images import synthetic_images
from harness.records import TensorSpec
from harness.system.extras import installed_version

IMAGES = 4


def _lower_int8(runtime: str, package: str, inputs: LoweringInputs | None = None) -> StoredArtifact:
    pytest.importorskip(package)
    return lower_cached(msgspec.structs.replace(SMALL_INT8, runtime=runtime), inputs or LoweringInputs())


def _check(stored: StoredArtifact, dim_order: tuple[int, ...], quantizer: str) -> None:
    artifact = stored.artifact
    assert artifact.input == TensorSpec(dtype="float32", sizes=(1, 3, 32, 32), dim_order=dim_order)
    assert artifact.output == TensorSpec(dtype="float32", sizes=(1, 1001), dim_order=(0, 1))
    assert artifact.calibration is not None
    assert artifact.calibration.quantizer == f"{quantizer} {installed_version(quantizer)}"
    assert (artifact.calibration.source, artifact.calibration.images) == ("random", 8)
    assert artifact.calibration.observer is None
    # A byte a weight, and scales.
    assert artifact.params is not None
    assert artifact.params < artifact.size_bytes < 2 * artifact.params
    assert len(np.unique(np.fromfile(stored.reference_output, "<f4"))) <= 256


@pytest.mark.slow
def test_onnx_runtimes_quantizer_makes_a_program_of_floats_in_and_out(shared_cache: Path) -> None:
    stored = _lower_int8("onnxruntime", "onnxruntime")
    _check(stored, (0, 1, 2, 3), "onnxruntime")
    again = lower_cached(stored.artifact.variant)
    assert (again.was_cached, again.artifact) == (True, stored.artifact)


@pytest.mark.slow
def test_ai_edge_quantizer_makes_a_program_of_floats_in_and_out(shared_cache: Path) -> None:
    _check(_lower_int8("litert", "litert_torch"), (0, 2, 3, 1), "ai-edge-quantizer")


@pytest.mark.slow
def test_the_integer_reference_is_within_rounding_of_onnx_s_own_evaluator(shared_cache: Path) -> None:
    stored = _lower_int8("onnxruntime", "onnxruntime")
    from onnx.reference import ReferenceEvaluator

    evaluator: Any = ReferenceEvaluator(str(stored.program))
    reference = OnnxReference(stored.program)
    for image in synthetic_images(IMAGES, 32, seed=3):
        logits = reference(image[None]).numpy()
        (expected,) = evaluator.run(None, {INPUT: image[None].numpy()})
        step = np.diff(np.unique(logits)).min()
        # Float sums round differently near ties, which grows over 28 layers; equal but for a few.
        assert np.abs(logits - expected).max() <= 3.01 * step
        assert (np.abs(logits - expected) < step / 2).mean() > 0.5


@pytest.mark.slow
def test_a_float_program_has_no_integer_reference(shared_cache: Path) -> None:
    pytest.importorskip("onnxruntime")
    stored = lower_cached(msgspec.structs.replace(SMALL, runtime="onnxruntime"))
    with pytest.raises(ValueError, match="computes quantized convolutions and products alone"):
        OnnxReference(stored.program)(torch.zeros(1, 3, 32, 32))


def test_an_operator_that_the_reference_lacks_is_named(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper, save

    value = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1])
    node = helper.make_node("Erf", [INPUT], ["logits"])
    save(helper.make_model(helper.make_graph([node], "g", [value], [value])), str(tmp_path / "m.onnx"))
    with pytest.raises(LoweringError, match="int8 has no reference: the reference cannot compute Erf"):
        open_reference("onnxruntime", tmp_path / "m.onnx")


@pytest.mark.slow
def test_a_quantizer_that_breaks_the_network_is_a_lowering_error(shared_cache: Path, tmp_path: Path) -> None:
    images = tmp_path / "black.npy"
    np.save(images, np.zeros((2, 3, 32, 32), np.float32))
    with pytest.raises(LoweringError, match="the quantizer for onnxruntime failed: the cosine of") as failed:
        _lower_int8("onnxruntime", "onnxruntime", LoweringInputs(calibration_images=images))
    assert "--calibrate" in (failed.value.hint or "")


def test_litert_s_reference_needs_the_version_that_devices_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantized_references, "installed_version", lambda name: "1.0")
    with pytest.raises(LoweringError, match=r"by ai-edge-litert 2\.3\.0, .* installed is 1\.0") as refused:
        open_reference("litert", Path("x.tflite"))
    assert refused.value.hint == "pip install ai-edge-litert==2.3.0"
