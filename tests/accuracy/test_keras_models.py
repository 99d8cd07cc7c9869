"""Keras models as people save them: optimizers, other tops, old formats, bfloat16, input scaling."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.accuracy.weights import load_weights
from harness.errors import UsageError
from weight_files import (
    CLASSES,
    outputs_of,
    trained_network,
    write_keras,
)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_keras_models_saved_after_compile_load_without_their_optimizer(suffix: str, tmp_path: Path) -> None:
    network = trained_network()
    file = tmp_path / f"compiled{suffix}"
    write_keras(file, network, optimizer=True)
    assert torch.equal(outputs_of(load_weights(file).network()), outputs_of(network))


def _on_top_of_mobilenet(path: str) -> str:
    """The path in a model of MobileNet, pooling and a dense layer, in Keras 2 or 3."""
    dense = {"conv_preds/conv_preds": "dense/dense", "layers/conv2d_14": "layers/dense"}
    for ours, theirs in dense.items():
        if ours in path:
            return path.replace(ours, theirs)
    if path.startswith("layers/"):
        return f"layers/functional/{path}"
    return path.replace("model_weights/", "model_weights/mobilenet_0.25_224/")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("metrics", [False, True])
def test_keras_models_on_top_of_mobilenet_give_the_same_logits(
    suffix: str, metrics: bool, tmp_path: Path
) -> None:
    h5py = pytest.importorskip("h5py")
    network = trained_network()
    file = tmp_path / f"transfer{suffix}"

    def complete(weights: Path) -> None:
        place = "layers/dense/vars/0" if suffix == ".keras" else "model_weights/dense/dense/kernel:0"
        with h5py.File(weights, "a") as content:
            kernel = content[place][()].reshape(-1, CLASSES)  # a dense layer's, not a convolution's
            del content[place]
            content[place] = kernel
            if metrics and suffix == ".keras":
                content["_loss_tracker/vars/0"] = np.float32(0.5)
                content["metrics/mean/vars/0"] = np.float32(0.5)

    write_keras(file, network, complete=complete, name_of=_on_top_of_mobilenet)
    loaded = load_weights(file)
    assert torch.equal(outputs_of(loaded.network()), outputs_of(network))


def test_keras_archives_of_tensorflow_2_13_give_the_same_logits(tmp_path: Path) -> None:
    network = trained_network()
    file = tmp_path / "old.keras"
    write_keras(
        file, network, name_of=lambda path: path.replace("layers/", "_layer_checkpoint_dependencies/")
    )
    assert torch.equal(outputs_of(load_weights(file).network()), outputs_of(network))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_bfloat16_weights_of_keras_are_read(suffix: str, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    network = trained_network()
    stem = "layers/conv2d/vars/0" if suffix == ".keras" else "model_weights/conv1/conv1/kernel:0"

    def complete(weights: Path) -> None:
        with h5py.File(weights, "a") as content:
            halves = torch.from_numpy(content[stem][()]).bfloat16().contiguous().view(torch.int16).numpy()
            del content[stem]
            content[stem] = halves.view("V2")

    write_keras(tmp_path / f"bf16{suffix}", network, complete=complete)
    loaded = load_weights(tmp_path / f"bf16{suffix}")
    ours = network.state_dict()["stem.conv.weight"]
    assert torch.equal(loaded.state["stem.conv.weight"], ours.bfloat16().float())
    assert "1 of 137 tensors, stored as bfloat16, are converted to float32" in loaded.remarks


@pytest.mark.parametrize(
    ("function", "activation"),
    [
        ("relu6", "relu6"),
        ("relu", "relu"),
        ({"class_name": "function", "config": "relu6", "registered_name": "relu6"}, "relu6"),
        ("softmax", "relu6"),
    ],
)
def test_activations_of_old_keras_models_are_read(function: object, activation: str, tmp_path: Path) -> None:
    body = [
        {"class_name": "Conv2D", "config": {}},
        {"class_name": "Activation", "config": {"activation": function}},
    ]
    config = json.dumps({"class_name": "Functional", "config": {"layers": body}})
    write_keras(tmp_path / "old.h5", trained_network(), config=config)
    assert load_weights(tmp_path / "old.h5").activation == activation


def _keras_config(*layers: dict[str, object]) -> str:
    body: list[dict[str, object]] = [
        {"class_name": "InputLayer", "config": {}},
        *layers,
        {"class_name": "Conv2D", "config": {}},
        {"class_name": "ReLU", "config": {"max_value": 6.0}},
    ]
    return json.dumps({"class_name": "Functional", "config": {"layers": body}})


def _rescaling(scale: object, offset: object) -> dict[str, object]:
    return {"class_name": "Rescaling", "config": {"scale": scale, "offset": offset}}


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("scale", "offset", "mean", "std"),
    [(1 / 127.5, -1.0, 0.5, 0.5), (1 / 255, 0.0, 0.0, 1.0), ([1 / 255] * 3, [-0.5] * 3, 0.5, 1.0)],
)
def test_a_keras_models_own_input_scaling_is_read(
    suffix: str, scale: object, offset: object, mean: float, std: float, tmp_path: Path
) -> None:
    file = tmp_path / f"scaled{suffix}"
    write_keras(file, trained_network(), config=_keras_config(_rescaling(scale, offset)))
    preprocessing = load_weights(file).preprocessing(64)
    assert preprocessing.mean == pytest.approx((mean,) * 3)
    assert preprocessing.std == pytest.approx((std,) * 3)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([{"class_name": "TFOpLambda", "config": {}}], "a layer TFOpLambda, whose effect is not known"),
        ([_rescaling(1.0, 0.0)] * 2, "scales its values more than once"),
        ([_rescaling(0.0, 0.0)], "scales its input by"),
        ([_rescaling("x", 0.0)], "scales its input by 'x'"),
        ([{"class_name": "ReLU", "config": {"max_value": 1.0}}], "other bounds than 6"),
    ],
)
def test_keras_models_that_compute_something_else_are_refused(
    layers: list[dict[str, object]], message: str, tmp_path: Path
) -> None:
    write_keras(tmp_path / "other.keras", trained_network(), config=_keras_config(*layers))
    with pytest.raises(UsageError, match=message):
        load_weights(tmp_path / "other.keras")
