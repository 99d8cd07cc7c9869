"""The input scaling that a Keras model does itself is read exactly, or the model is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from harness.accuracy.weights import load_weights
from harness.errors import UsageError
from input_scaling import assert_scaling
from weight_files import trained_network, write_keras


def _config(*layers: dict[str, object]) -> str:
    body: list[dict[str, object]] = [
        {"class_name": "InputLayer", "config": {}},
        *layers,
        {"class_name": "ZeroPadding2D", "config": {}},
        {"class_name": "Conv2D", "config": {}},
        {"class_name": "ReLU", "config": {"max_value": 6.0}},
    ]
    return json.dumps({"class_name": "Functional", "config": {"layers": body}})


def _keras2(function: str, **operand: object) -> dict[str, object]:
    """As TensorFlow 2.15 saves `x / 127.5`."""
    config = {"name": f"tf.{function}", "function": function}
    inbound = [["input_1", 0, 0, {**operand, "name": None}]]
    return {"class_name": "TFOpLambda", "config": config, "inbound_nodes": inbound}


def _keras2_constant_first(function: str, value: float) -> dict[str, object]:
    config = {"name": f"tf.{function}", "function": function}
    inbound = [["_CONSTANT_VALUE", -1, value, {"y": ["input_1", 0, 0], "name": None}]]
    return {"class_name": "TFOpLambda", "config": config, "inbound_nodes": inbound}


def _keras3(kind: str, *args: object) -> dict[str, object]:
    """As Keras 3 saves `x / 127.5`; None stands for the tensor."""
    tensor = {"class_name": "__keras_tensor__", "config": {"shape": [None, 64, 64, 3]}}
    operands = [tensor if arg is None else arg for arg in args]
    inbound = [{"args": operands, "kwargs": {}}]
    return {
        "module": "keras.src.ops.numpy",
        "class_name": kind,
        "config": {"name": "x"},
        "inbound_nodes": inbound,
    }


def _normalization(mean: object, variance: object, **settings: object) -> dict[str, object]:
    config = {"axis": [-1], "mean": mean, "variance": variance, **settings}
    return {"class_name": "Normalization", "config": config}


_WRAPPED = {"class_name": "__numpy__", "config": {"value": [-1.0, -1.0, -1.0], "dtype": "float32"}}


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("layers", "mean", "std"),
    [
        ([_keras2("math.truediv", y=127.5), _keras2("math.subtract", y=1.0)], 0.5, 0.5),
        ([_keras2("math.truediv", y=255.0)], 0.0, 1.0),
        ([_keras2("math.truediv", y=127.5), _keras2("nn.bias_add", bias=[-1.0] * 3)], 0.5, 0.5),
        ([_keras2_constant_first("math.multiply", 1 / 255)], 0.0, 1.0),
        ([_keras3("TrueDivide", None, 127.5), _keras3("Subtract", None, 1.0)], 0.5, 0.5),
        ([_keras3("Multiply", 1 / 127.5, None), _keras3("Add", None, _WRAPPED)], 0.5, 0.5),
        ([_normalization(127.5, 127.5**2)], 0.5, 0.5),
        ([_normalization([127.5] * 3, [[[[127.5**2] * 3]]])], 0.5, 0.5),
    ],
)
def test_keras_operations_before_the_first_convolution_are_read(
    suffix: str, layers: list[dict[str, object]], mean: float, std: float, tmp_path: Path
) -> None:
    file = tmp_path / f"scaled{suffix}"
    write_keras(file, trained_network(), config=_config(*layers))
    assert_scaling(load_weights(file).preprocessing(64), mean, std)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_what_a_normalization_layer_learned_is_read_from_the_file(suffix: str, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    file = tmp_path / f"adapted{suffix}"

    def add(weights: Path) -> None:
        names = ("0", "1", "2") if suffix == ".keras" else ("mean:0", "variance:0", "count:0")
        place = "layers/normalization/vars" if suffix == ".keras" else "normalization/normalization"
        with h5py.File(weights, "a") as content:
            for name, value in zip(
                names,
                (np.full(3, 127.5, np.float32), np.full(3, 127.5**2, np.float32), np.int64(9)),
                strict=True,
            ):
                content[f"{place}/{name}"] = value

    write_keras(file, trained_network(), config=_config(_normalization(None, None)), complete=add)
    assert_scaling(load_weights(file).preprocessing(64), 0.5, 0.5)


def _behind(layer: dict[str, object]) -> str:
    before: list[dict[str, object]] = [
        {"class_name": "ZeroPadding2D", "config": {}},
        {"class_name": "Conv2D", "config": {}},
    ]
    return _config(*before, layer)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (_config(_keras2("__operators__.getitem", y=0)), "a layer __operators__.getitem, whose effect"),
        (_config(_keras3("GetItem", None, 0)), "a layer GetItem, whose effect is not known"),
        (_config({"class_name": "Lambda", "config": {}}), "a layer Lambda, whose effect is not known"),
        (_config({"class_name": "RandomCrop", "config": {}}), "a layer RandomCrop, whose effect"),
        (_config(_keras2("math.subtract", y=["other", 0, 0])), "not one of its input with a constant"),
        (_config(_keras3("Subtract", None, None)), "not one of its input with a constant"),
        (_config(_keras3("Subtract", 255.0, None)), "scales its input by"),
        (_config(_keras3("Subtract", None, True)), "scales its input by True"),
        (_config(_normalization(None, None)), "neither a mean nor a variance"),
        (_config(_normalization(0.0, -1.0)), "a negative variance"),
        (_config(_normalization(0.0, 1.0, invert=True)), "inverted, or not along the channels"),
        (_config(_normalization(0.0, 1.0, axis=[1])), "inverted, or not along the channels"),
        (_config(_normalization(0.0, None)), "scales its input by None"),
        (_behind(_keras2("math.truediv", y=2.0)), "behind its first convolution"),
    ],
)
def test_keras_operations_that_are_no_scaling_are_refused(config: str, message: str, tmp_path: Path) -> None:
    write_keras(tmp_path / "other.keras", trained_network(), config=config)
    with pytest.raises(UsageError, match=message):
        load_weights(tmp_path / "other.keras")
