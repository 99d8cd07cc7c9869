"""Weights of every origin through the command line, evaluated on pictures of which some are unusable."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from harness.accuracy.datasets import open_dataset
from harness.accuracy.loading import load_pixels
from harness.accuracy.pairing import list_outcomes
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.reference import predict_pixels
from small_data import QUICK
from tflite_files import tflite_model
from weight_files import (
    CoursePort,
    frozen_graph,
    hugging_face_names,
    shake,
    slim_constants,
    timm_names,
    trained_network,
    write_keras,
)

RunHarness = Callable[..., Any]

CLASSES = ("a", "b", "c", "d", "e", "f", "g")
BAD = {"a/truncated.jpg": "truncated", "b/cmyk.jpg": "CMYK", "c/deep.png": "16 bit"}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Five coloured pictures of each of seven classes, and three that cannot be used."""
    folder = tmp_path / "pictures"
    random = np.random.default_rng(0)
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for number in range(5):
            coarse = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((48, 40)).save(folder / name / f"{number}.png")
    noise = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "a" / "truncated.jpg")
    content = (folder / "a" / "truncated.jpg").read_bytes()
    (folder / "a" / "truncated.jpg").write_bytes(content[: len(content) // 2])
    Image.fromarray(noise).convert("CMYK").save(folder / "b" / "cmyk.jpg")
    Image.fromarray(noise[..., 0].astype(np.uint16) * 256).save(folder / "c" / "deep.png")
    return folder


@pytest.mark.slow
def test_weights_of_every_origin_run_and_are_evaluated_and_bad_pictures_are_named(
    run_harness: RunHarness, tmp_path: Path, pictures: Path
) -> None:
    pytest.importorskip("h5py")
    files = _write_foreign(tmp_path)
    expected = {file.name: network for file, network in files.items()}
    # A folder as Hugging Face gives it stands for the weights in it.
    named = [file.parent if file.name == "model.safetensors" else file for file in files]
    dataset = open_dataset(str(pictures))
    ended = run_harness(
        *(
            "run",
            "-d",
            "host",
            "--weights",
            ",".join(map(str, named)),
            "-r",
            "32",
            *QUICK,
            "--out",
            "r",
            "--json",
        ),
        *("--accuracy", pictures),
        timeout_s=600,
    )
    assert ended.exit_code == 0, ended.stderr
    cells = {cell["variant"]["weights"]["source"]: cell for cell in ended.document["cells"]}
    assert set(cells) == set(expected)
    for name, cell in cells.items():
        accuracy = cell["accuracy"]
        from_torch = name in ("timm.pth", "course.pt")
        assert cell["variant"]["padding"] == ("symmetric" if from_torch else "tf_same"), name
        assert (accuracy["images"], accuracy["unreadable"]) == (35, 3)
        assert accuracy["agreement_with_eager"] == 1.0, name
        for picture, reason in BAD.items():
            assert any(f"{picture}: " in entry and reason in entry for entry in accuracy["unreadable_images"])
        # Not only the network that we read from the file: the outputs of the original network.
        if "uint8" not in name:
            file = tmp_path / "r" / "accuracy" / f"host-{_cell_name(cell)}.json"
            saved = json.loads(file.read_text())
            preprocessing = msgspec.convert(saved["preprocessing"], Preprocessing)
            predictions = predict_pixels(expected[name], load_pixels(dataset, preprocessing), preprocessing)
            assert saved["outcomes"] == list_outcomes(predictions, dataset), name
    page = (tmp_path / "r" / "report" / "report.md").read_text()
    assert "not counted: a/truncated.jpg: " in page
    assert "3 of 38 images of pictures could not be read" in page


def _cell_name(cell: dict[str, Any]) -> str:
    variant = cell["variant"]
    suffix = "" if variant["padding"] == "symmetric" else f"_{variant['padding']}"
    return f"mobilenet_v1_{variant['width']:g}_32_fp32{suffix}-t1"


def _write_foreign(folder: Path) -> dict[Path, torch.nn.Module]:
    """A file of each kind and its network; different widths distinguish the variants."""
    written: dict[Path, torch.nn.Module] = {}

    def add(name: str, network: torch.nn.Module) -> Path:
        written[folder / name] = network
        return folder / name

    network = trained_network(width=0.2)
    add("slim.pb", network).write_bytes(frozen_graph(slim_constants(network)))
    network = trained_network(width=0.25)
    add("float.tflite", network).write_bytes(tflite_model(network, resolution_px=32))
    network = trained_network(width=0.3)
    add("uint8.tflite", network).write_bytes(tflite_model(network, resolution_px=32, quantized=True))
    for number, name in enumerate(("keras2.h5", "keras3.keras")):
        network = trained_network(width=0.35 + number / 20)
        write_keras(add(name, network), network)
    network = trained_network(width=0.45)
    (folder / "mobilenet_v1_hf").mkdir()
    save_file(hugging_face_names(network.state_dict()), add("mobilenet_v1_hf/model.safetensors", network))
    network = trained_network(width=0.5, padding="symmetric", bn_eps=1e-5)
    torch.save(timm_names(network.state_dict()), add("timm.pth", network))
    port = shake(CoursePort(0.55, len(CLASSES)))
    port.pool = torch.nn.AdaptiveAvgPool2d(1)  # its 7x7 window is the whole picture at 224 px only
    torch.save(port.state_dict(), add("course.pt", port))
    return written
