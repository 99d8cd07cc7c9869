"""Names of tensors as other projects and wrappers write them: the same logits, or a refusal."""

from pathlib import Path

import pytest
import torch
from torch.nn.utils import prune

from harness.accuracy.weights import load_weights
from harness.errors import UsageError
from models.mobilenet_v1 import MobileNetV1
from weight_files import (
    CLASSES,
    WIDTH,
    amc_names,
    outputs_of,
    pytorchcv_names,
    sequential_names,
    shake,
    small_network,
    tensorflow_scope_names,
    zfturbo_names,
)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".tar", ".pth.tar", ".ckpt"])
@pytest.mark.parametrize("prefix", ["", "_orig_mod.", "module._orig_mod.", "model.", "net.model."])
def test_prefixes_of_wrappers_and_names_of_checkpoints_change_nothing(
    prefix: str, suffix: str, tmp_path: Path
) -> None:
    network = small_network()
    file = tmp_path / f"checkpoint{suffix}"
    state = {f"{prefix}{name}": value for name, value in network.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 1}, file)
    loaded = load_weights(file)
    assert torch.equal(outputs_of(loaded.network()), outputs_of(network))
    assert (loaded.record.entry, loaded.remarks) == ("state_dict", ())


@pytest.mark.parametrize("mark", ["_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module."])
def test_marks_of_wrappers_inside_names_change_nothing(mark: str, tmp_path: Path) -> None:
    network = small_network()
    state = {
        name.replace("depthwise.", f"{mark}depthwise."): value for name, value in network.state_dict().items()
    }
    torch.save(state, tmp_path / "wrapped.pt")
    assert torch.equal(outputs_of(load_weights(tmp_path / "wrapped.pt").network()), outputs_of(network))


def test_counters_of_an_average_and_weights_of_a_loss_are_no_weights(tmp_path: Path) -> None:
    # lucidrains/ema-pytorch; a trainer's CrossEntropyLoss(weight=…).
    averaged = {f"ema_model.{name}": value for name, value in small_network(classes=3).state_dict().items()}
    state = {f"online_model.{name}": value for name, value in small_network().state_dict().items()} | averaged
    state |= {"initted": torch.tensor(True), "step": torch.tensor(5), "criterion.weight": torch.ones(3)}
    torch.save(state, tmp_path / "ema.pt")
    loaded = load_weights(tmp_path / "ema.pt")
    assert (loaded.classes, loaded.record.entry) == (3, "ema_model.")


@pytest.mark.parametrize("name", ["class_weights", "net.pos_weight", "criterion.weight"])
def test_weights_of_classes_that_a_trainer_keeps_are_no_weights(name: str, tmp_path: Path) -> None:
    # Lightning saves every registered buffer beside the network.
    network = small_network()
    state = {f"net.{ours}": value for ours, value in network.state_dict().items()}
    torch.save({"state_dict": state | {name: torch.ones(CLASSES)}}, tmp_path / "last.ckpt")
    assert torch.equal(outputs_of(load_weights(tmp_path / "last.ckpt").network()), outputs_of(network))


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_network_that_is_pruned_by_masks_is_read_as_it_computes(prefix: str, tmp_path: Path) -> None:
    network = small_network()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            prune.l1_unstructured(module, "weight", amount=0.3)  # type: ignore[no-untyped-call]
    state = {f"{prefix}{name}": value for name, value in network.state_dict().items()}
    assert f"{prefix}stem.conv.weight_mask" in state
    torch.save(state, tmp_path / "pruned.pt")
    assert torch.equal(outputs_of(load_weights(tmp_path / "pruned.pt").network()), outputs_of(network))


@pytest.mark.parametrize("number", [torch.float8_e4m3fn, torch.int64, torch.bool])
def test_a_mask_of_another_shape_or_type_is_refused_or_read(number: torch.dtype, tmp_path: Path) -> None:
    state = small_network().state_dict()
    weight = state.pop("stem.conv.weight")
    state |= {"stem.conv.weight_orig": weight, "stem.conv.weight_mask": torch.ones(weight.shape).to(number)}
    torch.save(state, tmp_path / "pruned.pt")
    if number is torch.float8_e4m3fn:
        with pytest.raises(UsageError, match="Float8 Types"):
            load_weights(tmp_path / "pruned.pt")
    else:
        assert torch.equal(
            load_weights(tmp_path / "pruned.pt").network().state_dict()["stem.conv.weight"], weight
        )
    torch.save(state | {"stem.conv.weight_mask": torch.ones(3)}, tmp_path / "pruned.pt")
    with pytest.raises(UsageError, match="is not a MobileNetV1 with known tensor names"):
        load_weights(tmp_path / "pruned.pt")


def test_each_known_origin_of_names_is_listed_once(tmp_path: Path) -> None:
    torch.save({"a.weight": torch.ones(3, 3)}, tmp_path / "other.pt")
    with pytest.raises(UsageError) as refused:
        load_weights(tmp_path / "other.pt")
    assert (refused.value.hint or "").count("Hugging Face") == 1


@pytest.mark.parametrize("root", ["model", "module.features", "layers"])
@pytest.mark.parametrize("classifier", ["fc", "classifier", "classifier.1", "module.linear"])
def test_copies_of_the_sequential_port_are_known_whatever_they_call_it(
    root: str, classifier: str, tmp_path: Path
) -> None:
    network = shake(MobileNetV1(WIDTH, classes=CLASSES, bn_eps=1e-5, activation="relu"))
    state = sequential_names(network.state_dict(), root=root, classifier=classifier)
    torch.save(state, tmp_path / "copy.pth")
    loaded = load_weights(tmp_path / "copy.pth")
    assert torch.equal(outputs_of(loaded.network()), outputs_of(network))


@pytest.mark.parametrize("classifier", ["classifier", "head.conv"])
def test_a_classifier_may_be_a_pointwise_convolution(classifier: str, tmp_path: Path) -> None:
    network = small_network()
    state = {name.replace("classifier", classifier): value for name, value in network.state_dict().items()}
    state[f"{classifier}.weight"] = state[f"{classifier}.weight"][:, :, None, None]
    torch.save(state, tmp_path / "conv.pt")
    assert torch.equal(outputs_of(load_weights(tmp_path / "conv.pt").network()), outputs_of(network))


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
    state = sequential_names(small_network().state_dict(), classifier="head.0")
    state |= {"head.1.weight": torch.ones(2, CLASSES), "head.1.bias": torch.ones(2)}
    torch.save(state, tmp_path / "deeper.pth")
    with pytest.raises(UsageError, match=r"tensors that MobileNetV1 does not have: head\.0\.weight"):
        load_weights(tmp_path / "deeper.pth")


def test_pytorchcvs_names_give_the_same_logits(tmp_path: Path) -> None:
    network = shake(MobileNetV1(WIDTH, classes=CLASSES, bn_eps=1e-5, activation="relu"))
    torch.save(pytorchcv_names(network.state_dict()), tmp_path / "mobilenet_wd4.pth")
    loaded = load_weights(tmp_path / "mobilenet_wd4.pth")
    assert torch.equal(outputs_of(loaded.network()), outputs_of(network))
    assert (loaded.origin, loaded.padding, loaded.activation) == ("pytorchcv", "symmetric", "relu")


@pytest.mark.parametrize("prefix", ["", "module."])
def test_tensorflows_weights_under_the_names_of_its_scopes_give_the_same_logits(
    prefix: str, tmp_path: Path
) -> None:
    network = shake(MobileNetV1(WIDTH, classes=1001, padding="tf_same"))
    state = {f"{prefix}{name}": value for name, value in tensorflow_scope_names(network.state_dict()).items()}
    torch.save(state, tmp_path / "mobilenet_v1_0.25_224.pth")
    loaded = load_weights(tmp_path / "mobilenet_v1_0.25_224.pth")
    assert torch.equal(outputs_of(loaded.network()), outputs_of(network))
    assert (loaded.origin, loaded.padding, loaded.activation) == ("TF-Slim in PyTorch", "tf_same", "relu6")


@pytest.mark.parametrize("prefix", ["", "module."])
def test_amcs_names_give_the_same_logits(prefix: str, tmp_path: Path) -> None:
    network = shake(MobileNetV1(WIDTH, classes=CLASSES, bn_eps=1e-5, activation="relu"))
    state = {f"{prefix}{name}": value for name, value in amc_names(network.state_dict()).items()}
    torch.save({"state_dict": state}, tmp_path / "mobilenet_imagenet.pth.tar")
    loaded = load_weights(tmp_path / "mobilenet_imagenet.pth.tar")
    assert torch.equal(outputs_of(loaded.network()), outputs_of(network))
    assert (loaded.origin, loaded.padding, loaded.activation) == ("AMC", "symmetric", "relu")


def test_kerass_weights_in_a_padded_sequence_give_the_same_logits(tmp_path: Path) -> None:
    network = shake(MobileNetV1(WIDTH, classes=CLASSES, padding="tf_same"))
    torch.save(zfturbo_names(network.state_dict()), tmp_path / "mobilenet_v1_0.25_224.pth")
    loaded = load_weights(tmp_path / "mobilenet_v1_0.25_224.pth")
    assert torch.equal(outputs_of(loaded.network()), outputs_of(network))
    assert (loaded.origin, loaded.padding, loaded.activation) == ("Keras in PyTorch", "tf_same", "relu6")


def test_a_network_with_amcs_names_and_other_activations_is_refused(tmp_path: Path) -> None:
    torch.save(amc_names(small_network().state_dict(), classifier="classifier.0"), tmp_path / "haq.pth")
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
    assert torch.equal(outputs_of(loaded.network()), outputs_of(network))
    assert (loaded.padding, loaded.bn_eps, loaded.activation) == ("symmetric", 1e-5, "relu")
    assert loaded.origin == "PyTorch port of marvis and qfgaohao"
