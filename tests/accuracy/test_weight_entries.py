"""Which network of a checkpoint is meant: averaged weights (EMA) before raw ones, one of several, or none."""

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.accuracy.weights import load_weights
from harness.errors import UsageError
from weight_files import (
    CLASSES,
    outputs_of,
    small_network,
)


@pytest.mark.parametrize(
    "entry", ["state_dict_ema", "model_ema", "ema", "ema_state_dict", "model_state_dict_ema", "params_ema"]
)
def test_averaged_weights_are_chosen_reported_and_recorded(entry: str, tmp_path: Path) -> None:
    raw, averaged = small_network().state_dict(), small_network(classes=3).state_dict()
    file = tmp_path / "checkpoint.pt"
    torch.save({"epoch": 3, "state_dict": raw, entry: averaged}, file)
    loaded = load_weights(file)
    assert loaded.classes == 3
    assert loaded.record.entry == entry
    said = f"the averaged weights (EMA) in {entry} are used, not those in state_dict"
    assert loaded.remarks == loaded.record.remarks == (said,)


def test_what_mmengine_calls_averaged_are_the_raw_weights(tmp_path: Path) -> None:
    raw, averaged = small_network().state_dict(), small_network(classes=3).state_dict()
    file = tmp_path / "epoch_10.pth"
    swapped = {f"module.{name}": value for name, value in raw.items()} | {"steps": torch.tensor(5)}
    torch.save({"meta": {}, "message_hub": {}, "state_dict": averaged, "ema_state_dict": swapped}, file)
    loaded = load_weights(file)
    assert (loaded.classes, loaded.record.entry) == (3, "state_dict")
    assert "which mmengine saves as state_dict, are used, not ema_state_dict" in loaded.remarks[0]


def test_averaged_weights_in_a_lower_entry_are_found(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.pt"
    averaged = {"module": small_network(classes=3).state_dict(), "decay": 0.99}
    torch.save({"model": small_network().state_dict(), "ema": averaged}, file)
    loaded = load_weights(file)
    assert (loaded.classes, loaded.record.entry) == (3, "ema/module")


def test_averaged_weights_of_a_callback_are_found(tmp_path: Path) -> None:
    file = tmp_path / "last.ckpt"
    averaged = {"EMA": {"ema_state_dict": small_network(classes=3).state_dict()}}
    torch.save({"state_dict": small_network().state_dict(), "callbacks": averaged}, file)
    loaded = load_weights(file)
    assert (loaded.classes, loaded.record.entry) == (3, "callbacks/EMA/ema_state_dict")
    assert loaded.remarks[0].endswith("are used, not those in state_dict")


def test_a_usual_entry_is_used_and_the_others_are_named(tmp_path: Path) -> None:
    file = tmp_path / "distilled.pt"
    torch.save(
        {"teacher": small_network(classes=3).state_dict(), "model": small_network().state_dict()},
        file,
    )
    loaded = load_weights(file)
    assert (loaded.classes, loaded.record.entry) == (CLASSES, "model")
    assert loaded.remarks == ("the weights in model are used, not those in teacher",)


@pytest.mark.parametrize("inside", [False, True], ids=["at the top", "in an entry"])
def test_several_networks_without_a_usual_name_are_refused_by_name(inside: bool, tmp_path: Path) -> None:
    networks = {name: small_network().state_dict() for name in ("teacher", "student")}
    torch.save({"model": networks} if inside else networks, tmp_path / "two.pt")
    path = "model/" if inside else ""
    with pytest.raises(UsageError, match=f"two.pt has 2 networks: {path}teacher, {path}student") as refused:
        load_weights(tmp_path / "two.pt")
    assert refused.value.hint == "save the state dict of one network"


def test_the_only_network_is_used_under_any_name(tmp_path: Path) -> None:
    network = small_network()
    optimizer = {"momentum": network.state_dict()}
    head = {"weight": torch.zeros(3, 3)}
    torch.save({"netG": network.state_dict(), "optimizer": optimizer, "head": head}, tmp_path / "one.pt")
    loaded = load_weights(tmp_path / "one.pt")
    assert torch.equal(outputs_of(loaded.network()), outputs_of(network))
    assert (loaded.record.entry, loaded.remarks) == ("netG", ())


def test_averaged_weights_beside_raw_ones_in_one_state_dict_are_chosen(tmp_path: Path) -> None:
    raw, averaged = small_network().state_dict(), small_network(classes=3).state_dict()
    state = {f"model.{name}": value for name, value in raw.items()}
    state |= {f"model_ema.module.{name}": value for name, value in averaged.items()}
    file = tmp_path / "last.ckpt"
    torch.save({"state_dict": state}, file)
    loaded = load_weights(file)
    assert (loaded.classes, loaded.record.entry) == (3, "state_dict/model_ema.module.")
    assert "not those in model." in loaded.remarks[-1]


def test_two_networks_in_one_state_dict_are_refused(tmp_path: Path) -> None:
    state = {
        f"{side}.{name}": value for side in ("a", "b") for name, value in small_network().state_dict().items()
    }
    torch.save(state, tmp_path / "two.pt")
    with pytest.raises(UsageError, match=r"two.pt has 2 networks: a\., b\."):
        load_weights(tmp_path / "two.pt")


def test_a_trainers_settings_beside_the_weights_are_ignored(tmp_path: Path) -> None:
    network = small_network()
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    content = {
        "state_dict": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "args": argparse.Namespace(arch="mobilenet"),
        "best": np.float64(1.5),
    }
    torch.save(content, tmp_path / "checkpoint.pth.tar")
    loaded = load_weights(tmp_path / "checkpoint.pth.tar")
    assert torch.equal(outputs_of(loaded.network()), outputs_of(network))
