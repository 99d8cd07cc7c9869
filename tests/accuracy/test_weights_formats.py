"""Files as people have them: averaged weights, prefixes, old formats, optimizers, a model's input scaling."""

import argparse
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from harness.accuracy.weights import load_weights
from harness.errors import UsageError
from models.mobilenet_v1 import MobileNetV1
from tflite_files import ADD, MUL, TANH, tflite_model
from weight_files import (
    CLASSES,
    WIDTH,
    amc_names,
    pytorchcv_names,
    sequential_names,
    shake,
    tensorflow_scope_names,
    trained_network,
    write_keras,
    zfturbo_names,
)

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1


def _outputs(network: Callable[[Tensor], Tensor]) -> Tensor:
    with torch.no_grad():
        return network(IMAGES)


def _network(*, classes: int = CLASSES) -> MobileNetV1:
    return trained_network(padding="symmetric", classes=classes)


@pytest.mark.parametrize(
    "entry", ["state_dict_ema", "model_ema", "ema", "ema_state_dict", "model_state_dict_ema", "params_ema"]
)
def test_averaged_weights_are_chosen_reported_and_recorded(entry: str, tmp_path: Path) -> None:
    raw, averaged = _network().state_dict(), _network(classes=3).state_dict()
    file = tmp_path / "checkpoint.pt"
    torch.save({"epoch": 3, "state_dict": raw, entry: averaged}, file)
    loaded = load_weights(file)
    assert loaded.classes == 3
    assert loaded.record.entry == entry
    said = f"the averaged weights (EMA) in {entry} are used, not those in state_dict"
    assert loaded.remarks == loaded.record.remarks == (said,)


def test_what_mmengine_calls_averaged_are_the_raw_weights(tmp_path: Path) -> None:
    raw, averaged = _network().state_dict(), _network(classes=3).state_dict()
    file = tmp_path / "epoch_10.pth"
    swapped = {f"module.{name}": value for name, value in raw.items()} | {"steps": torch.tensor(5)}
    torch.save({"meta": {}, "message_hub": {}, "state_dict": averaged, "ema_state_dict": swapped}, file)
    loaded = load_weights(file)
    assert (loaded.classes, loaded.record.entry) == (3, "state_dict")
    assert "which mmengine saves as state_dict, are used, not ema_state_dict" in loaded.remarks[0]


def test_averaged_weights_in_a_lower_entry_are_found(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.pt"
    averaged = {"module": _network(classes=3).state_dict(), "decay": 0.99}
    torch.save({"model": _network().state_dict(), "ema": averaged}, file)
    loaded = load_weights(file)
    assert (loaded.classes, loaded.record.entry) == (3, "ema/module")


def test_averaged_weights_of_a_callback_are_found(tmp_path: Path) -> None:
    file = tmp_path / "last.ckpt"
    averaged = {"EMA": {"ema_state_dict": _network(classes=3).state_dict()}}
    torch.save({"state_dict": _network().state_dict(), "callbacks": averaged}, file)
    loaded = load_weights(file)
    assert (loaded.classes, loaded.record.entry) == (3, "callbacks/EMA/ema_state_dict")
    assert loaded.remarks[0].endswith("are used, not those in state_dict")


def test_a_usual_entry_is_used_and_the_others_are_named(tmp_path: Path) -> None:
    file = tmp_path / "distilled.pt"
    torch.save({"teacher": _network(classes=3).state_dict(), "model": _network().state_dict()}, file)
    loaded = load_weights(file)
    assert (loaded.classes, loaded.record.entry) == (CLASSES, "model")
    assert loaded.remarks == ("the weights in model are used, not those in teacher",)


@pytest.mark.parametrize("inside", [False, True], ids=["at the top", "in an entry"])
def test_several_networks_without_a_usual_name_are_refused_by_name(inside: bool, tmp_path: Path) -> None:
    networks = {name: _network().state_dict() for name in ("teacher", "student")}
    torch.save({"model": networks} if inside else networks, tmp_path / "two.pt")
    path = "model/" if inside else ""
    with pytest.raises(UsageError, match=f"two.pt has 2 networks: {path}teacher, {path}student") as refused:
        load_weights(tmp_path / "two.pt")
    assert refused.value.hint == "save the state dict of one network"


def test_the_only_network_is_used_under_any_name(tmp_path: Path) -> None:
    network = _network()
    optimizer = {"momentum": network.state_dict()}
    head = {"weight": torch.zeros(3, 3)}
    torch.save({"netG": network.state_dict(), "optimizer": optimizer, "head": head}, tmp_path / "one.pt")
    loaded = load_weights(tmp_path / "one.pt")
    assert torch.equal(_outputs(loaded.network()), _outputs(network))
    assert (loaded.record.entry, loaded.remarks) == ("netG", ())


@pytest.mark.parametrize(
    ("dtype", "said"),
    [
        (torch.float64, "stored as float64, are rounded to float32"),
        (torch.float16, "stored as float16, are converted to float32"),
        (torch.bfloat16, "stored as bfloat16, are converted to float32"),
    ],
    ids=str,
)
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_other_numbers_than_float32_are_reported_and_recorded(
    suffix: str, dtype: torch.dtype, said: str, tmp_path: Path
) -> None:
    file = tmp_path / f"w{suffix}"
    state = _network().state_dict()
    state["stem.conv.weight"] = state["stem.conv.weight"].to(dtype)
    if suffix == ".pt":
        torch.save(state, file)
    else:
        save_file(state, file)
    loaded = load_weights(file)
    assert loaded.remarks == loaded.record.remarks == (f"1 of 137 tensors, {said}",)


def test_quantized_tflite_weights_are_reported_as_dequantized(tmp_path: Path) -> None:
    file = tmp_path / "quant.tflite"
    file.write_bytes(tflite_model(trained_network(), quantized=True))
    assert load_weights(file).record.remarks == (
        "28 of 56 tensors, stored as int32, are dequantized to float32",
        "28 of 56 tensors, stored as uint8, are dequantized to float32",
    )


def test_tflite_weights_behind_an_operator_that_dequantizes_them_are_scaled(tmp_path: Path) -> None:
    network = trained_network()
    files = {name: tmp_path / f"{name}.tflite" for name in ("float", "weights_only")}
    files["float"].write_bytes(tflite_model(network))
    files["weights_only"].write_bytes(tflite_model(network, weights_only=True))
    exact, loaded = (load_weights(file).state for file in files.values())
    for name, value in exact.items():
        assert torch.allclose(loaded[name], value, atol=float(value.abs().max()) / 100), name


def test_averaged_weights_beside_raw_ones_in_one_state_dict_are_chosen(tmp_path: Path) -> None:
    raw, averaged = _network().state_dict(), _network(classes=3).state_dict()
    state = {f"model.{name}": value for name, value in raw.items()}
    state |= {f"model_ema.module.{name}": value for name, value in averaged.items()}
    file = tmp_path / "last.ckpt"
    torch.save({"state_dict": state}, file)
    loaded = load_weights(file)
    assert (loaded.classes, loaded.record.entry) == (3, "state_dict/model_ema.module.")
    assert "not those in model." in loaded.remarks[-1]


def test_two_networks_in_one_state_dict_are_refused(tmp_path: Path) -> None:
    state = {
        f"{side}.{name}": value for side in ("a", "b") for name, value in _network().state_dict().items()
    }
    torch.save(state, tmp_path / "two.pt")
    with pytest.raises(UsageError, match=r"two.pt has 2 networks: a\., b\."):
        load_weights(tmp_path / "two.pt")


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".tar", ".pth.tar", ".ckpt"])
@pytest.mark.parametrize("prefix", ["", "_orig_mod.", "module._orig_mod.", "model.", "net.model."])
def test_prefixes_of_wrappers_and_names_of_checkpoints_change_nothing(
    prefix: str, suffix: str, tmp_path: Path
) -> None:
    network = _network()
    file = tmp_path / f"checkpoint{suffix}"
    state = {f"{prefix}{name}": value for name, value in network.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 1}, file)
    loaded = load_weights(file)
    assert torch.equal(_outputs(loaded.network()), _outputs(network))
    assert (loaded.record.entry, loaded.remarks) == ("state_dict", ())


@pytest.mark.parametrize("suffix", ["", ".hdf5", ".pkl", ".model", ".pth", ".keras.h5", ".weights"])
@pytest.mark.parametrize("kind", [".h5", ".tflite", ".safetensors", ".pt", ".legacy"])
def test_files_are_read_by_their_content_whatever_their_name(kind: str, suffix: str, tmp_path: Path) -> None:
    network = trained_network(
        padding="symmetric" if kind in (".safetensors", ".pt", ".legacy") else "tf_same"
    )
    file = tmp_path / f"weights{kind}"
    if kind == ".h5":
        write_keras(file, network)
    elif kind == ".tflite":
        file.write_bytes(tflite_model(network))
    elif kind == ".safetensors":
        save_file(network.state_dict(), file)
    else:
        torch.save(network.state_dict(), file, _use_new_zipfile_serialization=kind == ".pt")
    renamed = file.rename(tmp_path / f"best{suffix}")
    assert torch.allclose(_outputs(load_weights(renamed).network()), _outputs(network), atol=1e-5)


def test_a_safetensors_file_may_begin_with_the_byte_of_a_pickle(tmp_path: Path) -> None:
    """Its first byte is the lowest of its header's length, in steps of 8."""
    network, file = _network(), tmp_path / "weights.safetensors"
    for filling in range(0, 256, 8):
        save_file(network.state_dict(), file, metadata={"filling": "x" * filling})
        if file.read_bytes()[0] == 0x80:
            break
    assert file.read_bytes()[0] == 0x80
    assert torch.equal(_outputs(load_weights(file).network()), _outputs(network))


@pytest.mark.parametrize("mark", ["_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module."])
def test_marks_of_wrappers_inside_names_change_nothing(mark: str, tmp_path: Path) -> None:
    network = _network()
    state = {
        name.replace("depthwise.", f"{mark}depthwise."): value for name, value in network.state_dict().items()
    }
    torch.save(state, tmp_path / "wrapped.pt")
    assert torch.equal(_outputs(load_weights(tmp_path / "wrapped.pt").network()), _outputs(network))


def test_counters_of_an_average_and_weights_of_a_loss_are_no_weights(tmp_path: Path) -> None:
    # lucidrains/ema-pytorch; a trainer's CrossEntropyLoss(weight=…).
    averaged = {f"ema_model.{name}": value for name, value in _network(classes=3).state_dict().items()}
    state = {f"online_model.{name}": value for name, value in _network().state_dict().items()} | averaged
    state |= {"initted": torch.tensor(True), "step": torch.tensor(5), "criterion.weight": torch.ones(3)}
    torch.save(state, tmp_path / "ema.pt")
    loaded = load_weights(tmp_path / "ema.pt")
    assert (loaded.classes, loaded.record.entry) == (3, "ema_model.")


@pytest.mark.parametrize("root", ["model", "module.features", "layers"])
@pytest.mark.parametrize("classifier", ["fc", "classifier", "classifier.1", "module.linear"])
def test_copies_of_the_sequential_port_are_known_whatever_they_call_it(
    root: str, classifier: str, tmp_path: Path
) -> None:
    network = shake(MobileNetV1(WIDTH, classes=CLASSES, bn_eps=1e-5, activation="relu"))
    state = sequential_names(network.state_dict(), root=root, classifier=classifier)
    torch.save(state, tmp_path / "copy.pth")
    loaded = load_weights(tmp_path / "copy.pth")
    assert torch.equal(_outputs(loaded.network()), _outputs(network))


@pytest.mark.parametrize("classifier", ["classifier", "head.conv"])
def test_a_classifier_may_be_a_pointwise_convolution(classifier: str, tmp_path: Path) -> None:
    network = _network()
    state = {name.replace("classifier", classifier): value for name, value in network.state_dict().items()}
    state[f"{classifier}.weight"] = state[f"{classifier}.weight"][:, :, None, None]
    torch.save(state, tmp_path / "conv.pt")
    assert torch.equal(_outputs(load_weights(tmp_path / "conv.pt").network()), _outputs(network))


def test_another_network_in_sequence_is_refused(tmp_path: Path) -> None:
    # The names of torchvision's MobileNetV2.
    state = {
        "features.0.0.weight": torch.ones(8, 3, 3, 3),
        "features.1.conv.0.0.weight": torch.ones(8, 1, 3, 3),
    }
    torch.save(state, tmp_path / "v2.pth")
    with pytest.raises(UsageError, match="is not a MobileNetV1 with known tensor names"):
        load_weights(tmp_path / "v2.pth")


def test_two_layers_more_than_ours_are_no_classifier(tmp_path: Path) -> None:
    state = sequential_names(_network().state_dict(), classifier="head.0")
    state |= {"head.1.weight": torch.ones(2, CLASSES), "head.1.bias": torch.ones(2)}
    torch.save(state, tmp_path / "deeper.pth")
    with pytest.raises(UsageError, match=r"tensors that MobileNetV1 does not have: head\.0\.weight"):
        load_weights(tmp_path / "deeper.pth")


def test_pytorchcvs_names_give_the_same_logits(tmp_path: Path) -> None:
    network = shake(MobileNetV1(WIDTH, classes=CLASSES, bn_eps=1e-5, activation="relu"))
    torch.save(pytorchcv_names(network.state_dict()), tmp_path / "mobilenet_wd4.pth")
    loaded = load_weights(tmp_path / "mobilenet_wd4.pth")
    assert torch.equal(_outputs(loaded.network()), _outputs(network))
    assert (loaded.origin, loaded.padding, loaded.activation) == ("pytorchcv", "symmetric", "relu")


@pytest.mark.parametrize("prefix", ["", "module."])
def test_tensorflows_weights_under_the_names_of_its_scopes_give_the_same_logits(
    prefix: str, tmp_path: Path
) -> None:
    network = shake(MobileNetV1(WIDTH, classes=1001, padding="tf_same"))
    state = {f"{prefix}{name}": value for name, value in tensorflow_scope_names(network.state_dict()).items()}
    torch.save(state, tmp_path / "mobilenet_v1_0.25_224.pth")
    loaded = load_weights(tmp_path / "mobilenet_v1_0.25_224.pth")
    assert torch.equal(_outputs(loaded.network()), _outputs(network))
    assert (loaded.origin, loaded.padding, loaded.activation) == ("TF-Slim in PyTorch", "tf_same", "relu6")


@pytest.mark.parametrize("prefix", ["", "module."])
def test_amcs_names_give_the_same_logits(prefix: str, tmp_path: Path) -> None:
    network = shake(MobileNetV1(WIDTH, classes=CLASSES, bn_eps=1e-5, activation="relu"))
    state = {f"{prefix}{name}": value for name, value in amc_names(network.state_dict()).items()}
    torch.save({"state_dict": state}, tmp_path / "mobilenet_imagenet.pth.tar")
    loaded = load_weights(tmp_path / "mobilenet_imagenet.pth.tar")
    assert torch.equal(_outputs(loaded.network()), _outputs(network))
    assert (loaded.origin, loaded.padding, loaded.activation) == ("AMC", "symmetric", "relu")


def test_kerass_weights_in_a_padded_sequence_give_the_same_logits(tmp_path: Path) -> None:
    network = shake(MobileNetV1(WIDTH, classes=CLASSES, padding="tf_same"))
    torch.save(zfturbo_names(network.state_dict()), tmp_path / "mobilenet_v1_0.25_224.pth")
    loaded = load_weights(tmp_path / "mobilenet_v1_0.25_224.pth")
    assert torch.equal(_outputs(loaded.network()), _outputs(network))
    assert (loaded.origin, loaded.padding, loaded.activation) == ("Keras in PyTorch", "tf_same", "relu6")


def test_a_network_with_amcs_names_and_other_activations_is_refused(tmp_path: Path) -> None:
    torch.save(amc_names(_network().state_dict(), classifier="classifier.0"), tmp_path / "haq.pth")
    with pytest.raises(UsageError):
        load_weights(tmp_path / "haq.pth")


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_the_port_of_marvis_and_qfgaohao_gives_the_same_logits(
    prefix: str, legacy: bool, tmp_path: Path
) -> None:
    network = shake(MobileNetV1(WIDTH, classes=CLASSES, bn_eps=1e-5, activation="relu"))
    state = {f"{prefix}{name}": value for name, value in sequential_names(network.state_dict()).items()}
    file = tmp_path / "mobilenet_sgd_69.526.tar"
    torch.save({"state_dict": state, "best_prec1": 69.5}, file, _use_new_zipfile_serialization=not legacy)
    loaded = load_weights(file)
    assert torch.equal(_outputs(loaded.network()), _outputs(network))
    assert (loaded.padding, loaded.bn_eps, loaded.activation) == ("symmetric", 1e-5, "relu")
    assert loaded.origin == "PyTorch port of marvis and qfgaohao"


def test_a_trainers_settings_beside_the_weights_are_ignored(tmp_path: Path) -> None:
    network = _network()
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    content = {
        "state_dict": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "args": argparse.Namespace(arch="mobilenet"),
        "best": np.float64(1.5),
    }
    torch.save(content, tmp_path / "checkpoint.pth.tar")
    loaded = load_weights(tmp_path / "checkpoint.pth.tar")
    assert torch.equal(_outputs(loaded.network()), _outputs(network))


def test_parameters_and_parts_of_shared_storages_are_read(tmp_path: Path) -> None:
    network = _network()
    state: dict[str, Tensor] = dict(network.state_dict())
    state["classifier.weight"] = nn.Parameter(state["classifier.weight"].T.contiguous().T)
    both = torch.cat([state["stem.norm.weight"], state["stem.norm.bias"]])
    state["stem.norm.weight"], state["stem.norm.bias"] = both[:8], both[8:]
    torch.save(state, tmp_path / "shared.pt")
    assert torch.equal(_outputs(load_weights(tmp_path / "shared.pt").network()), _outputs(network))


def test_folded_half_precision_weights_keep_the_identity_of_their_batch_norm(tmp_path: Path) -> None:
    state = {
        name.replace(".norm.bias", ".conv.bias"): value.half()
        for name, value in _network().state_dict().items()
        if ".norm." not in name or name.endswith(".norm.bias")
    }
    torch.save(state, tmp_path / "folded.pt")
    loaded = load_weights(tmp_path / "folded.pt")
    variance = loaded.state["stem.norm.running_var"] + loaded.bn_eps
    assert torch.allclose(variance, torch.ones(8), atol=1e-7)
    assert loaded.batch_norm_folded


def test_quantized_numbers_are_not_taken_for_weights(tmp_path: Path) -> None:
    state = _network().state_dict()
    state["stem.conv.weight"] = state["stem.conv.weight"].to(torch.int8)
    torch.save(state, tmp_path / "int8.pt")
    with pytest.raises(UsageError, match=r"stem\.conv\.weight holds int8 numbers, not floating-point ones"):
        load_weights(tmp_path / "int8.pt")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_keras_models_saved_after_compile_load_without_their_optimizer(suffix: str, tmp_path: Path) -> None:
    network = trained_network()
    file = tmp_path / f"compiled{suffix}"
    write_keras(file, network, optimizer=True)
    assert torch.equal(_outputs(load_weights(file).network()), _outputs(network))


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
    assert torch.equal(_outputs(loaded.network()), _outputs(network))


def test_keras_archives_of_tensorflow_2_13_give_the_same_logits(tmp_path: Path) -> None:
    network = trained_network()
    file = tmp_path / "old.keras"
    write_keras(
        file, network, name_of=lambda path: path.replace("layers/", "_layer_checkpoint_dependencies/")
    )
    assert torch.equal(_outputs(load_weights(file).network()), _outputs(network))


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


def test_an_archive_that_is_not_torchs_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.pt", "w") as archive:
        archive.writestr("readme", "hello")
    with pytest.raises(UsageError, match=r"the archive is not one of torch\.save"):
        load_weights(tmp_path / "other.pt")


def test_arithmetic_before_a_tflite_models_first_convolution_is_read(tmp_path: Path) -> None:
    file = tmp_path / "scaled.tflite"
    file.write_bytes(tflite_model(trained_network(), before=((MUL, 1 / 127.5), (ADD, -1.0))))
    assert load_weights(file).preprocessing(64).mean == pytest.approx((0.5,) * 3)
    file.write_bytes(tflite_model(trained_network(), before=((MUL, 1 / 255),)))
    loaded = load_weights(file).preprocessing(64)
    assert loaded.mean == pytest.approx((0.0,) * 3)
    assert loaded.std == pytest.approx((1.0,) * 3)


def test_another_operator_before_a_tflite_models_first_convolution_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.tflite"
    file.write_bytes(tflite_model(trained_network(), before=((TANH, 1.0),)))
    with pytest.raises(UsageError, match="operator 28 is before the first convolution"):
        load_weights(file)
