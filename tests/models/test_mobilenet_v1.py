import csv
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from models.layers import thin_channels
from models.mobilenet_v1 import (
    MobileNetV1,
    check_resolution,
    count_cost,
    fold_batch_norm,
    hash_parameters,
    initialize,
    same_padding,
)

PUBLISHED = Path(__file__).resolve().parents[2] / "models" / "published.csv"


def _published() -> list[dict[str, str]]:
    with PUBLISHED.open() as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def _seeded(width: float = 0.25, **options: object) -> MobileNetV1:
    model = MobileNetV1(width, **options)  # type: ignore[arg-type]
    initialize(model, 0)
    return model.eval()


def _with_lived_in_norms(model: MobileNetV1) -> MobileNetV1:
    """Statistics as after training: folding them wrongly must show."""
    generator = torch.Generator().manual_seed(3)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            means, variances = module.running_mean, module.running_var
            assert means is not None
            assert variances is not None
            for tensor in (module.weight.data, variances):
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
            means.copy_(0.2 * torch.randn(means.shape, generator=generator))
    return model


def test_the_published_table_has_all_sixteen_checkpoints() -> None:
    cells = {(float(row["width"]), int(row["resolution_px"])) for row in _published()}
    assert cells == {(width, side) for width in (0.25, 0.5, 0.75, 1.0) for side in (128, 160, 192, 224)}


@pytest.mark.parametrize("row", _published(), ids=lambda row: f"{row['width']}_{row['resolution_px']}")
def test_cost_is_that_of_the_published_checkpoints(row: dict[str, str]) -> None:
    cost = count_cost(MobileNetV1(float(row["width"]), classes=1001), int(row["resolution_px"]))
    assert cost.macs / 1e6 == pytest.approx(float(row["macs_millions"]), abs=0.05)
    # The table rounds up: 4,233,001 is printed as 4.24.
    assert cost.params / 1e6 == pytest.approx(float(row["params_millions"]), abs=0.01)


def test_cost_does_not_depend_on_the_padding() -> None:
    assert count_cost(MobileNetV1(0.25, padding="tf_same"), 96) == count_cost(MobileNetV1(0.25), 96)


@given(st.integers(1, 4096), st.floats(0.001, 4, allow_nan=False))
def test_thinned_channels_are_whole_at_least_eight_and_never_above_the_exact_product(
    channels: int, width: float
) -> None:
    thinned = thin_channels(channels, width)
    assert thinned >= 8
    assert thinned == 8 or thinned <= channels * width < thinned + 1


@given(st.integers(1, 300), st.sampled_from([1, 3, 5]), st.integers(1, 3))
def test_same_padding_gives_the_outputs_tensorflow_promises(size: int, kernel: int, stride: int) -> None:
    before, after = same_padding(size, kernel, stride)
    assert 0 <= before <= after <= before + 1
    padded = size + before + after
    if padded >= kernel:
        assert (padded - kernel) // stride + 1 == -(-size // stride)


def test_tensorflow_padding_shifts_even_inputs_by_a_pixel() -> None:
    stem = _seeded(padding="tf_same").stem
    images = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    shifted = functional.conv2d(functional.pad(images, (0, 1, 0, 1)), stem.conv.weight, stride=2)
    torch.testing.assert_close(stem(images), stem.act(stem.norm(shifted)))
    assert not torch.allclose(_seeded().stem(images), stem(images))


@pytest.mark.parametrize("width", [0.01, 0.33, 1.25])
@pytest.mark.parametrize("resolution_px", [32, 96])
def test_any_width_and_resolution_gives_logits(width: float, resolution_px: int) -> None:
    logits = _seeded(width, classes=7)(torch.zeros(2, 3, resolution_px, resolution_px))
    assert logits.shape == (2, 7)
    assert torch.isfinite(logits).all()


def test_softmax_is_an_option() -> None:
    images = torch.rand(2, 3, 32, 32)
    probabilities = _seeded(classes=5, softmax=True)(images)
    torch.testing.assert_close(probabilities, _seeded(classes=5)(images).softmax(dim=1))


@pytest.mark.parametrize("padding", ["symmetric", "tf_same"])
def test_folding_batch_norm_keeps_the_function(padding: str) -> None:
    model = _with_lived_in_norms(_seeded(padding=padding))
    folded = fold_batch_norm(model)
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(folded(images), model(images), rtol=1e-4, atol=1e-4)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert any(isinstance(module, nn.BatchNorm2d) for module in model.modules())


def test_folding_in_training_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="evaluation mode"):
        fold_batch_norm(MobileNetV1(0.25).train())


@pytest.mark.parametrize("resolution_px", [32, 128])
def test_random_weights_tell_images_apart_and_keep_their_scale(resolution_px: int) -> None:
    images = torch.randn(4, 3, resolution_px, resolution_px, generator=torch.Generator().manual_seed(1))
    logits = _seeded()(images.clamp(-1, 1))
    assert 0.2 < logits.std() < 5
    cosines = functional.cosine_similarity(logits[:1], logits[1:])
    assert cosines.max() < 0.98


def test_a_seed_decides_every_parameter() -> None:
    same, other = MobileNetV1(0.25), MobileNetV1(0.25)
    initialize(same, 0)
    initialize(other, 1)
    assert hash_parameters(same) == hash_parameters(_seeded()) != hash_parameters(other)


@pytest.mark.parametrize("width", [0, -1, float("nan"), float("inf")])
def test_impossible_widths_are_refused(width: float) -> None:
    with pytest.raises(ValueError, match="width multiplier"):
        MobileNetV1(width)


def test_no_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="class"):
        MobileNetV1(0.25, classes=0)


@pytest.mark.parametrize("resolution_px", [0, -32, 16, 100])
def test_impossible_resolutions_are_refused(resolution_px: int) -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        check_resolution(resolution_px)
