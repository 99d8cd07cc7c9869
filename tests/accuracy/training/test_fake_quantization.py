"""Fake quantization rounds where the device does, leaves the network intact, and recovers int8 accuracy."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import fx

from harness.accuracy.calibration import save_calibration
from harness.accuracy.datasets import Dataset
from harness.accuracy.loading import load_pixels
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.reference import predict_pixels
from harness.accuracy.scoring import score
from harness.accuracy.training import sgd
from harness.accuracy.training.fake_quantization import FakeQuantizedNetwork
from harness.accuracy.training.images import training_images
from harness.accuracy.training.quantization_aware import fine_tune_for_int8
from harness.accuracy.training.result import Trained
from harness.accuracy.training.sgd import Progress, Recipe, train_network
from harness.accuracy.training.train import TrainingOrder
from harness.accuracy.training.train import train as carry_out
from harness.accuracy.weights import Checkpoint, load_weights, save_checkpoint
from harness.accuracy.weights.checkpoint import read_tensors
from harness.analysis.precisions import PRECISIONS
from harness.errors import UsageError
from harness.lowering.inputs import LoweringInputs
from harness.lowering.int8_reference import IntegerReference
from harness.lowering.recipes import CalibrationData, Source, prepare
from harness.lowering.silence import quietly
from harness.lowering.synthetic_images import synthetic_images
from harness.records import Padding, PrecisionName, Variant
from models.mobilenet_v1 import ConvNormAct, MobileNetV1, SeparableBlock, fold_batch_norm, initialize
from tflite_files import tflite_model
from weight_files import batch_norm, statistics, trained_network

SIDE = 32
PREPROCESSING = Preprocessing(resolution_px=SIDE)
SHIPPED = f"idx:{Path(__file__).parents[2] / 'data' / 'fashion-mnist-1k'}"
QUICK = Recipe(epochs=1, batch_size=64, peak_learning_rate=0.01, mirror=False, shift=0)


def _save(network: MobileNetV1, file: Path, class_names: tuple[str, ...] = ()) -> Path:
    checkpoint = Checkpoint(
        padding="symmetric",
        bn_eps=1e-3,
        activation="relu",
        preprocessing=PREPROCESSING,
        class_names=class_names,
    )
    save_checkpoint(file, network.state_dict(), checkpoint)
    return file


def _order(start: Path, out: Path, *, width: float | None = None) -> TrainingOrder:
    return TrainingOrder(
        dataset=f"{SHIPPED}:test",
        out=out,
        width=width,
        resolution_px=None,
        epochs=1,
        start=start,
        freeze_backbone=False,
        quantization_aware=True,
        padding="symmetric",
        seed=0,
    )


@pytest.mark.slow
@pytest.mark.parametrize("padding", ["symmetric", "tf_same"])
def test_it_rounds_where_the_device_does(padding: Padding) -> None:
    network = trained_network(classes=10, padding=padding)
    images = synthetic_images(16, SIDE, seed=3)
    fake_quantized = FakeQuantizedNetwork(copy.deepcopy(network))
    with torch.no_grad():
        sgd._set_training(fake_quantized, freeze_batch_norm=True)
        fake_quantized(images)  # the first batch gives the ranges
        with quietly():
            data = CalibrationData(images, "minmax")
            source = Source(network, fold_batch_norm(network), images[:1], data)
            lowered = prepare(PRECISIONS["int8"].recipe, source).eager
    assert isinstance(lowered, IntegerReference)
    layers = [
        fake_quantized.get_submodule(f"{name}.act.1")
        for name, layer in fake_quantized.named_modules()
        if isinstance(layer, ConvNormAct)
    ]
    places = [fake_quantized.inputs, *layers, fake_quantized.outputs]
    # Training sees the ranges after rounding, calibration before it.
    scales = [scale for scale, _ in _activation_grids(lowered.converted)]
    assert [place.get_buffer("scale").item() for place in places] == pytest.approx(scales, rel=0.1)


def _activation_grids(converted: fx.GraphModule) -> list[tuple[float, int]]:
    """Scale and zero point of the input, of each layer and of the logits; padding and averaging keep them."""
    target = torch.ops.quantized_decomposed.quantize_per_tensor.default
    keepers = (torch.ops.aten.pad.default, torch.ops.aten.mean.dim, torch.ops.aten.flatten.using_ints)
    grids: list[tuple[float, int]] = []
    for node in converted.graph.find_nodes(op="call_function", target=target):
        (source, *grid) = node.args[:3]
        # A padded input is rounded behind the padding only.
        if source.target not in keepers or source.args[0].op == "placeholder":
            grids.append(tuple(grid))
    return grids


def test_weights_have_their_lowered_values() -> None:
    network = trained_network(classes=10, padding="symmetric")
    conv, norm = network.stem.conv, batch_norm(network.stem)
    with torch.no_grad():
        norm.weight[0] = 1e-3  # so small that lowering's smallest scale leaves few steps
    before = fold_batch_norm(network).stem.conv.weight.detach()
    scales = before.abs().flatten(1).amax(1).div(127).clamp(min=2**-12)
    lowered = torch.fake_quantize_per_channel_affine(
        before, scales, torch.zeros_like(scales, dtype=torch.int32), 0, -127, 127
    )
    FakeQuantizedNetwork(network)
    gain = norm.weight / (statistics(norm)[1] + norm.eps).sqrt()
    assert torch.allclose(conv.weight * gain.view(-1, 1, 1, 1), lowered, atol=1e-6)
    assert len(set(lowered[0].flatten().tolist())) < 10


def test_the_network_is_left_as_it_was_made() -> None:
    network = trained_network(classes=10, padding="symmetric")
    before = copy.deepcopy(network)
    fake_quantized = FakeQuantizedNetwork(network)
    fake_quantized.restore()
    assert network.state_dict().keys() == before.state_dict().keys()
    for name, value in before.state_dict().items():
        assert torch.equal(network.state_dict()[name], value), name
    images = synthetic_images(2, SIDE, seed=0)
    assert torch.equal(network.eval()(images), before.eval()(images))


def test_an_interrupted_training_ends_like_an_uninterrupted_one(
    splits: tuple[Dataset, Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sgd, "SECONDS_BETWEEN_SAVES", 0)
    weights = load_weights(
        _save(trained_network(classes=10, padding="symmetric"), tmp_path / "w.safetensors")
    )
    training, test = splits[0].take(range(256)), splits[1].take(range(20))

    def tune(name: str, stop_at: int | None = None, seed: int = 0) -> Trained:
        def interrupt(progress: Progress) -> None:
            if progress.step == stop_at:
                raise KeyboardInterrupt

        other = replace(weights, sha256=f"{seed}" * 64)
        return fine_tune_for_int8(other, training, test, tmp_path / name, recipe=QUICK, progress=interrupt)

    tune("uninterrupted.safetensors")
    with pytest.raises(KeyboardInterrupt):
        tune("resumed.safetensors", stop_at=2)
    assert (tmp_path / "resumed.training").exists()
    with pytest.raises(UsageError, match="another recipe or other images"):
        tune("resumed.safetensors", seed=1)  # of other weights
    tune("resumed.safetensors")
    assert (tmp_path / "resumed.safetensors").read_bytes() == (
        tmp_path / "uninterrupted.safetensors"
    ).read_bytes()


def test_the_checkpoint_records_how_it_was_trained(tmp_path: Path) -> None:
    start = _save(trained_network(classes=10, padding="symmetric"), tmp_path / "w.safetensors")
    trained = carry_out(_order(start, tmp_path / "qat.safetensors"), lambda event: None)
    before, after = load_weights(start), load_weights(trained.file)
    assert (after.width, after.resolution_px, after.classes) == (before.width, SIDE, 10)
    assert not after.batch_norm_folded
    assert not torch.equal(after.state["stem.conv.weight"], before.state["stem.conv.weight"])
    (metadata,) = read_tensors(trained.file)[1].values()
    for words in ("quantization_aware", before.sha256, '\\"mixed_precision\\":false'):
        assert words in metadata


def test_weights_that_cannot_be_trained_further_are_refused(
    splits: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    network = trained_network(classes=10, padding="symmetric")
    start = _save(network, tmp_path / "w.safetensors")
    out = tmp_path / "out.safetensors"
    with pytest.raises(UsageError, match=r"width 0\.5 needs"):
        carry_out(_order(start, out, width=0.5), lambda event: None)
    seven = _save(trained_network(classes=7, padding="symmetric"), tmp_path / "seven.safetensors")
    with pytest.raises(UsageError, match="the network has 7 classes"):
        carry_out(_order(seven, out), lambda event: None)
    names = splits[0].classes[::-1]
    with pytest.raises(UsageError, match="in another order"):
        carry_out(_order(_save(network, tmp_path / "o.safetensors", names), out), lambda event: None)
    (tmp_path / "w.tflite").write_bytes(tflite_model(trained_network(classes=10), resolution_px=SIDE))
    with pytest.raises(UsageError, match="its BatchNorm is folded into the convolutions"):
        carry_out(_order(tmp_path / "w.tflite", out), lambda event: None)
    assert not out.exists()


# What it is for --------------------------------------------------------------------------------------


def _train_relu_network(training: Dataset) -> MobileNetV1:
    """With ReLU instead of ReLU6, channels can be scaled without changing the function."""
    network = MobileNetV1(0.25, classes=10, activation="relu")
    initialize(network, 0)
    images, _ = training_images(training, PREPROCESSING)
    recipe = Recipe(epochs=8, batch_size=32, peak_learning_rate=0.1, mirror=False, shift=0)
    train_network(network, images, PREPROCESSING, recipe)
    return network


def _scale_unequally(network: MobileNetV1, factor: float) -> None:
    """Divide each channel by something between 1 and `factor`, and multiply what reads it: in fp32 the same.

    In int8 a channel shares its 256 levels with all others of its tensor: weak ones keep few.
    """
    generator = torch.Generator().manual_seed(0)
    blocks = [module for module in network.modules() if isinstance(module, SeparableBlock)]
    sources = [network.stem, *(block.pointwise for block in blocks[:-1])]
    with torch.no_grad():
        for source, block in zip(sources, blocks, strict=True):
            norm = batch_norm(source)
            shares = torch.pow(factor, -torch.rand(len(norm.weight), generator=generator))
            norm.weight.mul_(shares)
            norm.bias.mul_(shares)
            block.depthwise.conv.weight.div_(shares.view(-1, 1, 1, 1))


def _top1(file: Path, precision: PrecisionName, splits: tuple[Dataset, Dataset], folder: Path) -> float:
    """Of the network as it is lowered, int8 in exact integers, calibrated on training images."""
    with quietly():
        from harness.accuracy.reference import reference_network

    weights = load_weights(file)
    converted = folder / f"{file.stem}.pt"
    state = {"state_dict": dict(weights.state), "bn_eps": weights.bn_eps, "activation": weights.activation}
    torch.save(state, converted)
    calibration = save_calibration(splits[0], PREPROCESSING, folder, images=32)
    variant = Variant(width=0.25, resolution_px=SIDE, precision=precision, classes=10)
    network = reference_network(variant, LoweringInputs(converted, calibration_images=calibration))
    predictions = predict_pixels(network, load_pixels(splits[1], PREPROCESSING), PREPROCESSING)
    return score(predictions, splits[1]).top1.estimate


@pytest.mark.slow
def test_it_recovers_what_post_training_quantization_loses(
    splits: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    network = _train_relu_network(splits[0])
    even = _save(network, tmp_path / "even.safetensors", splits[0].classes)
    _scale_unequally(network, 128)
    uneven = _save(network, tmp_path / "uneven.safetensors", splits[0].classes)
    fp32 = _top1(uneven, "fp32", splits, tmp_path)
    int8 = _top1(uneven, "int8", splits, tmp_path)
    assert fp32 == _top1(even, "fp32", splits, tmp_path)
    assert int8 < fp32 - 0.05

    def recovers(peak_learning_rate: float) -> bool:
        recipe = Recipe(epochs=8, batch_size=32, peak_learning_rate=peak_learning_rate, mirror=False, shift=0)
        out = tmp_path / f"{peak_learning_rate}.safetensors"
        tuned = fine_tune_for_int8(load_weights(uneven), *splits, out, recipe=recipe)
        return tuned.top1.estimate > fp32 - 0.02 and _top1(tuned.file, "int8", splits, tmp_path) > int8 + 0.04

    # How a CPU rounds decides which rates succeed on so few pictures. Measured with AVX-512: fp32 73.0 %,
    # int8 57.5 %, after 0.005 73.0 % and 73.5 %; with AVX2: 64.5 %, 53.0 %, 62.0 % and 64.0 %, not enough.
    assert any(map(recovers, (0.005, 0.01, 0.0005, 0.02, 0.0002)))


@pytest.mark.slow
def test_labels_are_those_of_a_network_with_a_background_class(
    splits: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    network = MobileNetV1(0.25, classes=11)
    initialize(network, 0)
    weights = load_weights(_save(network.eval(), tmp_path / "w.safetensors"))
    recipe = Recipe(epochs=5, batch_size=32, peak_learning_rate=0.1, mirror=False, shift=0)
    out = tmp_path / "out.safetensors"
    trained = fine_tune_for_int8(replace(weights, class_offset=1), *splits, out, recipe=recipe)
    assert trained.top1.low > 0.3
