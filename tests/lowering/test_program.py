"""What is lowered is one delegate that computes what the eager network computes."""

import struct
from pathlib import Path

import numpy
import pytest
import torch
from small_variants import SMALL, SMALL_FP16, SMALL_INT8, run_on_host

from harness.analysis.parity import compare, read_reference
from harness.errors import LoweringError
from harness.lowering.artifact import lower_cached
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.inputs import LoweringInputs
from harness.records import Artifact, Calibration, Variant, Weights
from harness.system.extras import installed_version
from models.mobilenet_v1 import GlobalAveragePool, MobileNetV1, count_cost

QUANTIZER = f"executorch {installed_version('executorch')}"

pytestmark = pytest.mark.slow


def test_fp32_is_one_delegate_with_the_eager_models_logits(small: StoredArtifact) -> None:
    artifact = small.artifact
    assert (artifact.delegates, artifact.undelegated_nodes) == (1, ())
    # 27 convolutions and their ReLU6, pooling, flattening, the classifier and the transpose of its weights.
    assert artifact.delegated_nodes == 27 * 2 + 4
    assert compare(run_on_host(small), read_reference(small.reference_output), "fp32").passed


def test_fp16_is_one_delegate_that_takes_floats_and_computes_in_halves(small: StoredArtifact) -> None:
    stored = lower_cached(SMALL_FP16)
    artifact = stored.artifact
    assert (artifact.delegates, artifact.undelegated_nodes) == (1, ())
    # What fp32 has, and a cast at each end: the caller's tensors stay float32 in the same order.
    assert artifact.delegated_nodes == (small.artifact.delegated_nodes or 0) + 2
    assert (artifact.input, artifact.output) == (small.artifact.input, small.artifact.output)
    assert artifact.size_bytes < 0.55 * small.artifact.size_bytes
    output, reference = run_on_host(stored), read_reference(stored.reference_output)
    assert compare(output, reference, "fp16").passed
    # Had XNNPACK fallen back to float32, it would differ from its reference in the order of additions only.
    assert not compare(output, reference, "fp32").passed


def test_int8_with_tensorflow_padding_is_one_delegate_and_right_to_the_last_bit(
    small_int8: StoredArtifact,
) -> None:
    artifact = small_int8.artifact
    assert (artifact.delegates, artifact.undelegated_nodes) == (1, ())
    output, reference = run_on_host(small_int8), read_reference(small_int8.reference_output)
    assert len(output) == 1001
    step = min(b - a for a, b in zip(sorted(set(reference)), sorted(set(reference))[1:], strict=False))
    assert max(abs(a - b) for a, b in zip(output, reference, strict=True)) < step / 1000


def test_int8_stays_close_to_the_float_network(small_int8: StoredArtifact) -> None:
    from harness.lowering.program import build_network

    image = torch.tensor(read_reference(small_int8.reference_input)).reshape(1, 32, 32, 3).permute(0, 3, 1, 2)
    with torch.no_grad():
        floats = build_network(SMALL_INT8, None)(image).flatten().tolist()
    # Random weights at 32 px carry rounding on more than trained ones do; a wrong scale or layout gives 0.1.
    assert compare(read_reference(small_int8.reference_output), floats, "int8").cosine > 0.9


def test_the_record_describes_what_was_lowered(small: StoredArtifact, small_int8: StoredArtifact) -> None:
    artifact: Artifact = small.artifact
    cost = count_cost(MobileNetV1(0.25), 32)
    assert (artifact.macs, artifact.params) == (cost.macs, cost.params)
    assert artifact.size_bytes == small.program.stat().st_size > 4 * 400_000
    assert artifact.input.sizes == (1, 3, 32, 32)
    assert artifact.input.dim_order == (0, 2, 3, 1)
    assert artifact.input.size_bytes == small.reference_input.stat().st_size
    assert artifact.output.size_bytes == small.reference_output.stat().st_size == 4000
    # The output alone: neither the input nor anything between the layers is planned outside the delegate.
    assert artifact.planned_arena_bytes is not None
    assert artifact.output.size_bytes <= artifact.planned_arena_bytes < artifact.input.size_bytes
    assert artifact.variant.weights.sha256 is not None
    assert artifact.calibration is None
    assert small_int8.artifact.calibration == Calibration(
        source="random", images=8, seed=1, observer="histogram", quantizer=QUANTIZER
    )
    assert small_int8.artifact.size_bytes < artifact.size_bytes / 3
    assert artifact.versions["torch"].startswith("2.")


def test_the_reference_input_looks_like_a_picture(small: StoredArtifact) -> None:
    pixels = numpy.array(read_reference(small.reference_input)).reshape(32, 32, 3)
    assert -1 <= pixels.min() < -0.3
    assert 0.3 < pixels.max() <= 1
    neighbours = numpy.corrcoef(pixels[:, 1:].ravel(), pixels[:, :-1].ravel())[0, 1]
    assert neighbours > 0.8


def test_operators_outside_the_delegate_are_named_and_must_be_allowed(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stock_pooling(self: GlobalAveragePool, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))

    monkeypatch.setattr(GlobalAveragePool, "forward", stock_pooling)
    with pytest.raises(LoweringError, match=r"2 delegates, outside them: aten.mean.dim \(pool\)") as caught:
        lower_cached(SMALL)
    assert "--allow-undelegated" in str(caught.value)
    assert SMALL.name in str(caught.value)
    allowed = lower_cached(SMALL, allow_undelegated=True)
    assert allowed.was_cached
    assert allowed.artifact.undelegated_nodes == ("aten.mean.dim (pool)",)
    # The portable kernel takes plain NCHW only, so the program does.
    assert allowed.artifact.input.dim_order == (0, 1, 2, 3)
    assert compare(run_on_host(allowed), read_reference(allowed.reference_output), "fp32").passed


def test_own_weights_and_images_are_lowered_and_recorded(own_cache: Path, tmp_path: Path) -> None:
    network = MobileNetV1(0.25, classes=3)
    torch.save(network.state_dict(), tmp_path / "mine.pt")
    images = numpy.random.default_rng(0).uniform(-1, 1, (2, 3, 32, 32)).astype("float32")
    numpy.save(tmp_path / "images.npy", images)
    variant = Variant(
        width=0.25, resolution_px=32, precision="int8", classes=3, weights=Weights(source="mine.pt")
    )
    stored = lower_cached(variant, LoweringInputs(tmp_path / "mine.pt", tmp_path / "images.npy"))
    assert stored.artifact.variant.weights.source == "mine.pt"
    assert stored.artifact.variant.weights.sha256 is not None
    assert stored.artifact.calibration is not None
    assert (stored.artifact.calibration.source, stored.artifact.calibration.images) == ("images.npy", 2)
    assert compare(run_on_host(stored), read_reference(stored.reference_output), "int8").passed


def test_ranges_follow_the_observer_that_is_asked_for(shared_cache: Path, small_int8: StoredArtifact) -> None:
    stored = lower_cached(SMALL_INT8, LoweringInputs(observer="percentile"))
    assert stored.artifact.calibration == Calibration(
        source="random", images=8, seed=1, observer="percentile", quantizer=QUANTIZER
    )
    assert read_reference(stored.reference_output) != read_reference(small_int8.reference_output)
    assert compare(run_on_host(stored), read_reference(stored.reference_output), "int8").passed


def test_observers_differ_in_what_a_rare_value_does_to_the_range() -> None:
    from harness.lowering.observers import OBSERVERS

    values = torch.linspace(0, 1, 100_000)
    values[0] = 4.0
    scales = {}
    for name, observer in OBSERVERS.items():
        observing = observer(dtype=torch.int8, quant_min=-128, quant_max=127)
        observing(values)
        scales[name] = 255 * float(observing.calculate_qparams()[0])
    assert scales["minmax"] == pytest.approx(4)
    # To the width of a bin, 4 / 2048.
    assert scales["percentile"] == pytest.approx(1, abs=0.004)
    assert scales["percentile"] <= scales["histogram"] < scales["minmax"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (MobileNetV1(0.25, classes=4).state_dict(), "size mismatch for classifier.weight"),
        ({}, "Missing key"),
        (print, "cannot load"),
    ],
    ids=["other classes", "empty", "not tensors"],
)
def test_weights_that_do_not_fit_are_refused(
    own_cache: Path, tmp_path: Path, content: object, message: str
) -> None:
    file = tmp_path / "weights.pt"
    torch.save(content, file)
    variant = Variant(
        width=0.25, resolution_px=32, precision="fp32", classes=3, weights=Weights(source="weights.pt")
    )
    with pytest.raises(LoweringError, match=message):
        lower_cached(variant, LoweringInputs(weights_file=file))


@pytest.mark.parametrize("shape", [(2, 3, 64, 64), (0, 3, 32, 32), (3, 32, 32)])
def test_calibration_images_of_another_shape_are_refused(
    own_cache: Path, tmp_path: Path, shape: tuple[int, ...]
) -> None:
    numpy.save(tmp_path / "images.npy", numpy.zeros(shape, "float32"))
    with pytest.raises(LoweringError, match=r"calibration images .* are torch.float32"):
        lower_cached(SMALL_INT8, LoweringInputs(calibration_images=tmp_path / "images.npy"))


def test_calibration_images_that_are_no_array_are_refused(own_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "images.npy").write_bytes(struct.pack("<4f", 1, 2, 3, 4))
    with pytest.raises(LoweringError, match="cannot read calibration images"):
        lower_cached(SMALL_INT8, LoweringInputs(calibration_images=tmp_path / "images.npy"))
