"""Weights of every origin give our network the same outputs, or an error that names the tensor."""

import pickle
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.weights import Checkpoint, load_weights, save_checkpoint
from harness.errors import UsageError
from models.mobilenet_v1 import MobileNetV1
from weight_files import (
    CLASSES,
    WIDTH,
    CoursePort,
    hugging_face_names,
    shake,
    timm_names,
    trained_network,
)

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1


def _outputs(network: Callable[[Tensor], Tensor], images: Tensor = IMAGES) -> Tensor:
    with torch.no_grad():
        return network(images)


def _save(state: dict[str, Tensor], folder: Path, name: str = "weights.safetensors") -> Path:
    file = folder / name
    if file.suffix == ".safetensors":
        save_file({key: value.clone().contiguous() for key, value in state.items()}, file)
    else:
        torch.save(state, file)
    return file


# Our own -------------------------------------------------------------------------------------------


def test_our_checkpoints_keep_everything_that_belongs_to_the_network(tmp_path: Path) -> None:
    network = trained_network(activation="relu", bn_eps=1e-4)
    preprocessing = Preprocessing(resolution_px=96, mean=(0.1, 0.2, 0.3), interpolation="bicubic")
    names = tuple("abcdefg")
    checkpoint = Checkpoint(
        padding="tf_same", bn_eps=1e-4, activation="relu", preprocessing=preprocessing, class_names=names
    )
    file = tmp_path / "own.safetensors"
    save_checkpoint(file, network.state_dict(), checkpoint)
    loaded = load_weights(file)
    assert torch.equal(_outputs(loaded.network()), _outputs(network))
    assert (loaded.width, loaded.classes, loaded.class_names) == (WIDTH, CLASSES, names)
    assert loaded.preprocessing(96) == preprocessing
    assert loaded.resolution_px == 96
    assert not loaded.batch_norm_folded
    assert [entry.name for entry in tmp_path.iterdir()] == ["own.safetensors"]
    assert loaded.record.sha256 == load_weights(file).sha256


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_state_dicts_are_found_under_the_usual_keys(wrapper: str | None, tmp_path: Path) -> None:
    network = trained_network(padding="symmetric")
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    content = {wrapper: state, "epoch": 3} if wrapper else state
    file = tmp_path / "checkpoint.pt"
    torch.save(content, file)
    assert torch.equal(_outputs(load_weights(file).network()), _outputs(network))


def test_pickles_that_would_run_code_are_refused_unopened(tmp_path: Path) -> None:
    trap = tmp_path / "trap"

    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (trap,)

    bombs = {"plain.pt": pickle.dumps(Bomb()), "nested.pth": None}
    (tmp_path / "plain.pt").write_bytes(bombs["plain.pt"] or b"")
    torch.save({"state_dict": Bomb()}, tmp_path / "nested.pth")
    torch.save(trained_network(), tmp_path / "whole.pt")
    for name in ("plain.pt", "nested.pth", "whole.pt"):
        with pytest.raises(UsageError, match="loading it could run code"):
            load_weights(tmp_path / name)
    assert not trap.exists()


# Other people's PyTorch ----------------------------------------------------------------------------


def test_the_course_port_gives_the_same_probabilities_at_224(tmp_path: Path) -> None:
    port = shake(CoursePort(WIDTH, 10))
    loaded = load_weights(_save(port.state_dict(), tmp_path, "course.pth"))
    images = torch.rand(3, 3, 224, 224, generator=torch.Generator().manual_seed(1)) * 4 - 2
    expected = _outputs(port, images)
    ours = torch.softmax(_outputs(loaded.network(), images), dim=1)
    assert torch.allclose(ours, expected, atol=1e-6)
    # The test would see a wrong ReLU: activations beyond 6 do occur.
    capped = MobileNetV1(WIDTH, classes=10, bn_eps=loaded.bn_eps)
    capped.load_state_dict(dict(loaded.state))
    assert not torch.allclose(torch.softmax(_outputs(capped.eval(), images), dim=1), expected, atol=1e-3)


def test_hugging_face_names_bring_tensorflows_padding(tmp_path: Path) -> None:
    network = trained_network(classes=1001)
    loaded = load_weights(_save(hugging_face_names(network.state_dict()), tmp_path))
    assert torch.equal(_outputs(loaded.network()), _outputs(network))
    assert (loaded.padding, loaded.class_offset, loaded.origin) == ("tf_same", 1, "Hugging Face")


def test_a_backbone_without_classifier_needs_a_new_head(tmp_path: Path) -> None:
    network = trained_network()
    state = {
        name.removeprefix("mobilenet_v1."): value
        for name, value in hugging_face_names(network.state_dict()).items()
        if not name.startswith("classifier")
    }
    loaded = load_weights(_save(state, tmp_path))
    assert loaded.classes is None
    with pytest.raises(UsageError, match="a backbone without a classifier"):
        loaded.network()
    new = loaded.network(new_classes=3)
    assert torch.equal(_outputs(new.stem), _outputs(network.stem))
    assert _outputs(new).shape == (2, 3)


def test_timm_names_bring_torchs_epsilon(tmp_path: Path) -> None:
    network = trained_network(padding="symmetric", bn_eps=1e-5)
    loaded = load_weights(_save(timm_names(network.state_dict()), tmp_path))
    assert torch.equal(_outputs(loaded.network()), _outputs(network))
    assert (loaded.padding, loaded.bn_eps, loaded.origin) == ("symmetric", 1e-5, "timm")


# What does not fit ---------------------------------------------------------------------------------


def _without(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: _without(s, "blocks.3.depthwise.norm.bias"), "no tensor for blocks.3.depthwise.norm.bias"),
        (lambda s: s | {"extra.weight": torch.ones(1)}, "does not have: extra.weight"),
        (
            lambda s: s | {"blocks.5.pointwise.conv.weight": torch.ones(9, 9, 1, 1)},
            r"blocks.5.pointwise.conv.weight has shape \(9, 9, 1, 1\)",
        ),
        (lambda s: s | {"classifier.bias": torch.full((CLASSES,), torch.nan)}, "classifier.bias holds NaN"),
        (
            lambda s: s | {"stem.norm.running_var": torch.full((8,), -1.0)},
            "running_var holds a negative variance",
        ),
        (lambda s: _without(s, "classifier.bias"), "classifier.bias is missing"),
        (lambda s: _without(s, "stem.conv.weight"), "is not a MobileNetV1 with known tensor names"),
        (
            lambda s: _without(s, "blocks.12.pointwise.conv.weight"),
            "no tensor for blocks.12.pointwise.conv.weight",
        ),
    ],
    ids=[
        "missing",
        "unexpected",
        "misshapen",
        "nan",
        "variance",
        "half a head",
        "unknown names",
        "no last layer",
    ],
)
def test_a_tensor_that_does_not_fit_is_named(
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]], message: str, tmp_path: Path
) -> None:
    file = _save(change(trained_network().state_dict()), tmp_path)
    with pytest.raises(UsageError, match=message):
        load_weights(file)


def test_another_width_or_number_of_classes_than_asked_for_is_refused(tmp_path: Path) -> None:
    file = _save(trained_network().state_dict(), tmp_path)
    with pytest.raises(UsageError, match=r"stem.conv.weight has shape \(8, .* but width 0.5 needs \(16, "):
        load_weights(file, width=0.5)
    with pytest.raises(UsageError, match="classifies into 7 classes, not 1000"):
        load_weights(file, classes=1000)


@pytest.mark.parametrize("width", [0.25, 0.35, 0.5, 0.75, 1.0, 1.25, 1.4])
def test_the_width_is_found_from_the_channels(width: float, tmp_path: Path) -> None:
    state = MobileNetV1(width, classes=2).state_dict()
    assert load_weights(_save(state, tmp_path)).width == width


def test_files_of_no_known_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no weights file"):
        load_weights(tmp_path / "gone.pt")
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(UsageError, match="is not a known kind of weights file"):
        load_weights(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("name", "content", "what", "hint"),
    [
        (
            "w.safetensors",
            b"version https://git-lfs.github.com/spec/v1\noid",
            "a pointer of Git LFS",
            "git lfs pull",
        ),
        ("w.pt", b"\n<!DOCTYPE HTML><html>", "a web page", "download the file itself"),
        ("w.h5", b"<html><body>", "a web page", "download the file itself"),
        ("mobilenet_v1_1.0_224.tgz", b"\x1f\x8b\x08\x00", "compressed", "the frozen graph"),
        ("w.pt.xz", b"\xfd7zXZ\x00\x00", "compressed", "unpack it"),
        ("m.ckpt.data-00000-of-00001", b"\0" * 9, "a part of a TensorFlow checkpoint", "the frozen graph"),
        ("m.ckpt.meta", b"\x0a\x05", "a part of a TensorFlow checkpoint", "the frozen graph"),
        ("m.ckpt-1906808.index", b"\0" * 9, "a part of a TensorFlow checkpoint", "the frozen graph"),
        ("saved_model.pb", b"\x08\x01", "a SavedModel of TensorFlow", "freeze its graph"),
        ("model.safetensors.index.json", b"{}", "a list of files", "save the model in one file"),
        ("m.pte", b"\x30\0\0\0ET12", "an ExecuTorch program", "harness run --program"),
    ],
)
def test_what_people_give_in_the_place_of_weights_is_named(
    name: str, content: bytes, what: str, hint: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=f"{re.escape(name)} is {what}") as refused:
        load_weights(tmp_path / name)
    assert hint in (refused.value.hint or "")


def test_a_folder_in_the_place_of_weights_is_answered_with_the_file_to_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="this is a folder") as refused:
        load_weights(tmp_path)
    assert refused.value.hint == "name the file in it, such as model.safetensors"


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pb", ".tflite", ".h5", ".keras"])
@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 64, b"not weights at all " * 20], ids=["empty", "zeros", "text"]
)
def test_garbage_is_refused_whatever_its_name(suffix: str, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / f"garbage{suffix}"
    file.write_bytes(content)
    with pytest.raises(UsageError):
        load_weights(file)


def test_batch_norm_absorbs_the_bias_of_its_convolution(tmp_path: Path) -> None:
    conv, norm = nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8, eps=1e-3)
    biased = shake(nn.Sequential(conv, norm))
    state = trained_network(padding="symmetric", bn_eps=1e-3).state_dict()
    for name, value in conv.state_dict().items():
        state[f"stem.conv.{name}"] = value
    for name, value in norm.state_dict().items():
        state[f"stem.norm.{name}"] = value
    stem = load_weights(_save(state, tmp_path)).network().stem
    assert torch.allclose(_outputs(stem), torch.clamp(_outputs(biased), 0, 6), atol=1e-6)
