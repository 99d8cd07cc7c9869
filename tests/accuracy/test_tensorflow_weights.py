"""Files of TensorFlow, TensorFlow Lite and Keras give our network the same outputs, or an error."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from harness.accuracy.weights import load_weights
from harness.errors import UsageError
from models.mobilenet_v1 import MobileNetV1
from tflite_files import tflite_model
from weight_files import WIDTH, frozen_graph, slim_constants, trained_network, write_keras

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1


def _outputs(network: Callable[[Tensor], Tensor]) -> Tensor:
    with torch.no_grad():
        return network(IMAGES)


def test_frozen_graphs_give_the_same_logits(tmp_path: Path) -> None:
    network = trained_network(classes=1001)
    file = tmp_path / "frozen.pb"
    file.write_bytes(frozen_graph(slim_constants(network)))
    loaded = load_weights(file, width=WIDTH, classes=1001)
    assert torch.equal(_outputs(loaded.network()), _outputs(network))
    assert (loaded.padding, loaded.class_offset, loaded.batch_norm_folded) == ("tf_same", 1, False)


@pytest.mark.parametrize("prefix", ["module/", "import/", "a/b/"])
def test_frozen_graphs_of_an_imported_network_give_the_same_logits(prefix: str, tmp_path: Path) -> None:
    network = trained_network(classes=1001)
    file = tmp_path / "output_graph.pb"
    # TensorFlow Hub's modules take [0, 1].
    before = (("Mul", 2.0, False), ("Sub", 1.0, False))
    file.write_bytes(frozen_graph(slim_constants(network), before=before, prefix=prefix))
    loaded = load_weights(file)
    assert torch.equal(_outputs(loaded.network()), _outputs(network))
    assert (loaded.preprocessing(224).mean, loaded.preprocessing(224).std) == ((0.5,) * 3, (0.5,) * 3)


def test_frozen_graphs_of_two_networks_are_refused(tmp_path: Path) -> None:
    constants = slim_constants(trained_network())
    both = constants | {f"import/{name}": value for name, value in constants.items()}
    (tmp_path / "two.pb").write_bytes(frozen_graph(both))
    with pytest.raises(UsageError, match=r"has 2 networks: \(no prefix\), import/"):
        load_weights(tmp_path / "two.pb")


def test_float_tflite_gives_the_same_logits_without_batch_norm(tmp_path: Path) -> None:
    network = trained_network()
    file = tmp_path / "model.tflite"
    file.write_bytes(tflite_model(network))
    loaded = load_weights(file)
    assert torch.allclose(_outputs(loaded.network()), _outputs(network), atol=1e-5)
    assert (loaded.padding, loaded.resolution_px, loaded.activation) == ("tf_same", 64, "relu6")
    assert loaded.batch_norm_folded
    assert loaded.preprocessing(64).mean == (0.5, 0.5, 0.5)


def test_quantized_tflite_is_dequantized(tmp_path: Path) -> None:
    network = trained_network()
    file = tmp_path / "quant.tflite"
    file.write_bytes(tflite_model(network, quantized=True))
    loaded = load_weights(file)
    ours, exact = loaded.state["stem.conv.weight"], dict(_folded_stem(network))["weight"]
    step = float(exact.max() - exact.min()) / 255
    assert 0 < (ours - exact).abs().max() <= step / 2 * 1.001
    assert _outputs(loaded.network()).argmax(1).equal(_outputs(network).argmax(1))
    # uint8 128 is zero, and a byte is 1/128.
    preprocessing = loaded.preprocessing(64)
    assert preprocessing.mean[0] * 255 == pytest.approx(128)
    assert preprocessing.std[0] * 255 == pytest.approx(128)


def _folded_stem(network: MobileNetV1) -> list[tuple[str, Tensor]]:
    from models.mobilenet_v1 import fold_batch_norm

    return list(fold_batch_norm(network).requires_grad_(False).stem.conv.named_parameters())


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (tflite_model(trained_network(), activation=0), "not followed by a ReLU"),
        (tflite_model(trained_network(), same=False), r"pad by \(0, 0\)"),
    ],
    ids=["no activation", "valid padding"],
)
def test_tflite_models_of_other_networks_are_refused(model: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "other.tflite"
    file.write_bytes(model)
    with pytest.raises(UsageError, match=message):
        load_weights(file)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_keras_files_give_the_same_logits(suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    network = trained_network()
    file = tmp_path / f"keras{suffix}"
    write_keras(file, network)
    loaded = load_weights(file)
    assert torch.equal(_outputs(loaded.network()), _outputs(network))
    assert (loaded.padding, loaded.origin) == ("tf_same", "Keras")


_TFLITE = tflite_model(trained_network())
_GRAPH = frozen_graph(
    {name: value for name, value in slim_constants(trained_network()).items() if value.size < 99}
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([("a.tflite", _TFLITE), ("a.pb", _GRAPH)]), st.data())
def test_damaged_files_end_in_an_error_or_a_checked_network(
    tmp_path_factory: pytest.TempPathFactory, original: tuple[str, bytes], data: st.DataObject
) -> None:
    name, content = original
    damaged = bytearray(content[: data.draw(st.integers(len(content) // 2, len(content)), label="cut")])
    # The tables are at the ends of the file, where damage matters most.
    for _ in range(data.draw(st.integers(0, 4), label="flips")):
        at = data.draw(
            st.one_of(st.integers(0, 200), st.integers(1, 4000).map(lambda back: -back)), label="at"
        )
        if -len(damaged) <= at < len(damaged):
            damaged[at] ^= data.draw(st.integers(1, 255), label="bits")
    file = tmp_path_factory.mktemp("damaged") / name
    file.write_bytes(damaged)
    try:
        loaded = load_weights(file)
    except UsageError:
        return
    assert all(np.isfinite(value.numpy()).all() for value in loaded.state.values())
