"""Which variants weights files give, and what is refused before anything is lowered."""

from pathlib import Path

import msgspec
import pytest
import torch
from numpy.testing import assert_allclose

from harness.accuracy.preparation import find_training_split, prepare
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.weights import Checkpoint, save_checkpoint
from harness.errors import UsageError
from harness.lowering.silence import quietly
from harness.records import RunRequest
from models.mobilenet_v1 import MobileNetV1, initialize

with quietly():  # ExecuTorch warns while it is imported
    from harness.lowering.program import build_network

SHIPPED = Path(__file__).parent.parent / "data" / "fashion-mnist-1k"
REQUEST = RunRequest(
    devices=("host",), widths=(), resolutions_px=(), precisions=("fp32", "int8"), threads=(1,)
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


def _write(
    file: Path, *, width: float = 0.25, side: int = 32, classes: int = 10, bn_eps: float = 1e-3
) -> Path:
    network = MobileNetV1(width, classes=classes, bn_eps=bn_eps, activation="relu")
    initialize(network, 3)
    checkpoint = Checkpoint(
        padding="symmetric",
        bn_eps=bn_eps,
        activation="relu",
        preprocessing=Preprocessing(resolution_px=side),
        class_names=(),
    )
    save_checkpoint(file, network.state_dict(), checkpoint)
    return file


def _request(*files: Path, **changes: object) -> RunRequest:
    return msgspec.structs.replace(REQUEST, weights_files=tuple(map(str, files)), **changes)


def test_each_file_gives_its_own_width_resolution_and_classes(tmp_path: Path) -> None:
    files = _write(tmp_path / "a.safetensors"), _write(tmp_path / "b.safetensors", width=0.5, side=64)
    prepared = prepare(_request(*files), lambda _: None)
    assert [
        (v.width, v.resolution_px, v.precision, v.classes, v.weights.source) for v in prepared.weights
    ] == [
        (0.25, 32, "fp32", 10, "a.safetensors"),
        (0.25, 32, "int8", 10, "a.safetensors"),
        (0.5, 64, "fp32", 10, "b.safetensors"),
        (0.5, 64, "int8", 10, "b.safetensors"),
    ]


def test_lists_select_from_the_files(tmp_path: Path) -> None:
    files = _write(tmp_path / "a.safetensors"), _write(tmp_path / "b.safetensors", width=0.5, side=64)
    prepared = prepare(_request(*files, widths=(0.5,), precisions=("fp32",)), lambda _: None)
    assert [variant.name for variant in prepared.weights] == ["mobilenet_v1_0.5_64_fp32"]


def test_what_is_lowered_is_the_network_of_the_file(tmp_path: Path) -> None:
    """BatchNorm epsilon and activation included, which a state dict alone does not record."""
    request = _request(_write(tmp_path / "a.safetensors", bn_eps=0.5), precisions=("fp32",))
    prepared = prepare(request, lambda _: None)
    ((variant, loaded),) = prepared.weights.items()
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        lowered = build_network(variant, prepared.inputs[variant].weights_file)(images)
        assert_allclose(lowered, loaded.network()(images), rtol=0, atol=0)


def test_synthetic_calibration_is_logged(tmp_path: Path) -> None:
    logged: list[str] = []
    prepared = prepare(_request(_write(tmp_path / "a.safetensors")), logged.append)
    assert "synthetic" in logged[0]
    assert all(files.calibration_images is None for files in prepared.inputs.values())


def test_only_int8_is_calibrated_on_images(tmp_path: Path) -> None:
    request = _request(_write(tmp_path / "a.safetensors"), calibration_dataset=f"idx:{SHIPPED}:test")
    prepared = prepare(request, lambda _: None)
    assert {v.precision: f.calibration_images is not None for v, f in prepared.inputs.items()} == {
        "fp32": False,
        "int8": True,
    }


def test_a_data_set_without_a_training_split_calibrates_nothing(tmp_path: Path) -> None:
    assert find_training_split(f"idx:{SHIPPED}") is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"widths": (0.75,)}, "--width 0.75 fits none of a.safetensors"),
        ({"resolutions_px": (64,)}, "--resolution 64 fits none of a.safetensors"),
        ({"accuracy_dataset": f"idx:{SHIPPED}"}, "7 classes"),
        ({"accuracy_dataset": "nosuch"}, "no data set 'nosuch'"),
    ],
    ids=["width", "resolution", "classes", "no data set"],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        prepare(_request(_write(tmp_path / "a.safetensors", classes=7), **changes), lambda _: None)


def test_a_width_and_a_resolution_of_different_files_are_refused(tmp_path: Path) -> None:
    files = _write(tmp_path / "a.safetensors"), _write(tmp_path / "b.safetensors", width=0.5, side=64)
    request = _request(*files, widths=(0.25,), resolutions_px=(64,))
    with pytest.raises(UsageError, match=r"fits both --width 0\.25 and --resolution 64"):
        prepare(request, lambda _: None)


def test_two_files_of_one_variant_are_refused(tmp_path: Path) -> None:
    files = _write(tmp_path / "a.safetensors"), _write(tmp_path / "b.safetensors")
    with pytest.raises(UsageError, match=r"a\.safetensors and b\.safetensors are both mobilenet_v1_0\.25_32"):
        prepare(_request(*files), lambda _: None)


def test_a_padding_that_the_weights_do_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="trained with symmetric padding, not tf_same"):
        prepare(_request(_write(tmp_path / "a.safetensors")), lambda _: None, paddings=("tf_same",))


def test_averaged_weights_are_reported_once_and_recorded_in_the_variants(tmp_path: Path) -> None:
    raw, averaged = MobileNetV1(0.25, classes=10), MobileNetV1(0.25, classes=10)
    file = tmp_path / "checkpoint.pth.tar"
    torch.save({"state_dict": raw.state_dict(), "state_dict_ema": averaged.state_dict()}, file)
    reported: list[str] = []
    prepared = prepare(_request(file), reported.append)
    assert {variant.weights.entry for variant in prepared.weights} == {"state_dict_ema"}
    assert [text for text in reported if "EMA" in text] == [
        "checkpoint.pth.tar: the averaged weights (EMA) in state_dict_ema are used, not those in state_dict"
    ]
