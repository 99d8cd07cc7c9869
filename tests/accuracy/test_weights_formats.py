"""Files as people have them: averaged weights, prefixes, old formats, optimizers, a model's input scaling."""

import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from harness.accuracy.weights import load_weights
from harness.errors import UsageError
from tflite_files import ADD, MUL, TANH, tflite_model
from weight_files import (
    outputs_of,
    small_network,
    trained_network,
    write_keras,
)


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
    state = small_network().state_dict()
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
    assert torch.allclose(outputs_of(load_weights(renamed).network()), outputs_of(network), atol=1e-5)


def test_a_safetensors_file_may_begin_with_the_byte_of_a_pickle(tmp_path: Path) -> None:
    """Its first byte is the lowest of its header's length, in steps of 8."""
    network, file = small_network(), tmp_path / "weights.safetensors"
    for filling in range(0, 256, 8):
        save_file(network.state_dict(), file, metadata={"filling": "x" * filling})
        if file.read_bytes()[0] == 0x80:
            break
    assert file.read_bytes()[0] == 0x80
    assert torch.equal(outputs_of(load_weights(file).network()), outputs_of(network))


def test_parameters_and_parts_of_shared_storages_are_read(tmp_path: Path) -> None:
    network = small_network()
    state: dict[str, Tensor] = dict(network.state_dict())
    state["classifier.weight"] = nn.Parameter(state["classifier.weight"].T.contiguous().T)
    both = torch.cat([state["stem.norm.weight"], state["stem.norm.bias"]])
    state["stem.norm.weight"], state["stem.norm.bias"] = both[:8], both[8:]
    torch.save(state, tmp_path / "shared.pt")
    assert torch.equal(outputs_of(load_weights(tmp_path / "shared.pt").network()), outputs_of(network))


def test_folded_half_precision_weights_keep_the_identity_of_their_batch_norm(tmp_path: Path) -> None:
    state = {
        name.replace(".norm.bias", ".conv.bias"): value.half()
        for name, value in small_network().state_dict().items()
        if ".norm." not in name or name.endswith(".norm.bias")
    }
    torch.save(state, tmp_path / "folded.pt")
    loaded = load_weights(tmp_path / "folded.pt")
    variance = loaded.state["stem.norm.running_var"] + loaded.bn_eps
    assert torch.allclose(variance, torch.ones(8), atol=1e-7)
    assert loaded.batch_norm_folded


def test_quantized_numbers_are_not_taken_for_weights(tmp_path: Path) -> None:
    state = small_network().state_dict()
    state["stem.conv.weight"] = state["stem.conv.weight"].to(torch.int8)
    torch.save(state, tmp_path / "int8.pt")
    with pytest.raises(UsageError, match=r"stem\.conv\.weight holds int8 numbers, not floating-point ones"):
        load_weights(tmp_path / "int8.pt")


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
