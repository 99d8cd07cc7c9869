"""Evaluation through the command line: on every route, after a kill, of foreign weights, of bad pictures."""

import json
import os
import signal
import subprocess
import sys
import time
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
from harness.accuracy.eager import predict_pixels
from harness.accuracy.loading import load_pixels
from harness.accuracy.pairing import list_outcomes
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.weights import Checkpoint, save_checkpoint
from harness.paths import cache_folder
from weight_files import (
    CoursePort,
    frozen_graph,
    hugging_face_names,
    shake,
    slim_constants,
    tflite_model,
    timm_names,
    trained_network,
    write_keras,
)

SHIPPED = Path(__file__).parent.parent / "data" / "fashion-mnist-1k"
QUICK = ("--precision", "fp32", "--processes", "1", "--min-time", "0", "--max-time", "0.1")

RunHarness = Callable[..., Any]


def write_weights(
    file: Path, *, side: int = 32, classes: int = 10, class_names: tuple[str, ...] = ()
) -> Path:
    """A checkpoint of ours, of a network that tells pictures apart without having been trained."""
    network = trained_network(classes=classes, padding="symmetric")
    checkpoint = Checkpoint(
        padding="symmetric",
        bn_eps=1e-3,
        activation="relu6",
        preprocessing=Preprocessing(resolution_px=side),
        class_names=class_names,
    )
    save_checkpoint(file, network.state_dict(), checkpoint)
    return file


def write_idx(folder: Path, images: int) -> str:
    """The first of the shipped images as an IDX data set of its own."""
    dataset = open_dataset(f"idx:{SHIPPED}").take(range(images))
    pixels = np.stack([np.asarray(dataset.read(index))[..., 0] for index in range(images)])
    folder.mkdir()
    for name, values in (("images-idx3", pixels), ("labels-idx1", np.array(dataset.labels))):
        header = bytes((0, 0, 8, values.ndim)) + b"".join(s.to_bytes(4, "big") for s in values.shape)
        (folder / f"t10k-{name}-ubyte").write_bytes(header + values.astype(np.uint8).tobytes())
    (folder / "classes.txt").write_text("\n".join(dataset.classes))
    return f"idx:{folder}"


@pytest.mark.slow
@pytest.mark.device
def test_every_route_and_the_host_give_pytorchs_answers(run_harness: RunHarness, tmp_path: Path) -> None:
    weights = write_weights(tmp_path / "w.safetensors")
    images = write_idx(tmp_path / "few", 40)
    routes = ("arm-vm", "arm-vm:ssh")
    ended = run_harness(
        *("run", "--device", ",".join(routes), "--weights", weights, *QUICK, "--out", "r", "--json"),
        *("--accuracy", images),
        timeout_s=600,
    )
    assert ended.exit_code == 0, ended.stderr
    by_route = {cell["device"]["name"]: cell["accuracy"] for cell in ended.document["cells"]}
    assert set(by_route) == set(routes)
    for route, accuracy in by_route.items():
        assert (accuracy["measured_on"], accuracy["images"]) == (route, 40)
        assert (accuracy["agreement_with_eager"], accuracy["departs_at"]) == (1.0, None)
    transports = {cell["device"]["name"]: cell["device"]["transport"] for cell in ended.document["cells"]}
    assert transports == {"arm-vm": "adb-direct", "arm-vm:ssh": "ssh"}
    outcomes = _outcomes(tmp_path / "r")
    assert len(set(outcomes)) == 1
    # The same files on this machine, for devices that are too slow.
    again = run_harness("evaluate", "r", "--accuracy-on", "host", "--json")
    assert again.exit_code == 0, again.stderr
    assert {cell["accuracy"]["measured_on"] for cell in again.document["cells"]} == {"host"}
    assert _outcomes(tmp_path / "r") == outcomes
    assert "run on host" in (tmp_path / "r" / "report" / "report.md").read_text()


def _outcomes(folder: Path) -> list[str]:
    return [json.loads(file.read_text())["outcomes"] for file in sorted((folder / "accuracy").glob("*.json"))]


@pytest.mark.slow
def test_a_killed_evaluation_goes_on_and_images_are_sent_once(
    run_harness: RunHarness, tmp_path: Path
) -> None:
    weights = write_weights(tmp_path / "w.safetensors", side=224)
    images = write_idx(tmp_path / "some", 220)
    measured = run_harness("run", "-d", "host", "--weights", weights, *QUICK, "--out", "r")
    assert measured.exit_code == 0, measured.stderr
    evaluation = ("evaluate", "r", "--accuracy", images, "--json")
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *evaluation], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    kept: list[Path] = []
    while time.monotonic() < deadline and not kept:
        time.sleep(0.002)
        kept = sorted((tmp_path / "r" / "accuracy").glob("outputs/*/*.logits"))
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
    # 55 pictures of 224 px a chunk: four chunks, of which some are done.
    assert 1 <= len(kept) < 4
    assert not list((tmp_path / "r" / "accuracy").glob("*.json"))
    # Answers that no program gives are found again in the end: the chunk was not run a second time.
    logits = np.fromfile(kept[0], dtype="<f4").reshape(-1, 10)
    (-logits).tofile(kept[0])
    resumed = run_harness(*evaluation)
    assert resumed.exit_code == 1
    assert f"the logits of {len(logits)} of 220 images are not PyTorch's" in resumed.stderr
    (cell,) = resumed.document["cells"]
    assert cell["accuracy"]["agreement_with_eager"] == pytest.approx(1 - len(logits) / 220, abs=0.02)
    assert cell["accuracy"]["departs_at"] == "lowered on host"
    sent = _sent_images()
    assert len(sent) >= 4
    (tmp_path / "r" / "accuracy" / f"{cell['device']['name']}-mobilenet_v1_0.25_224_fp32-t1.json").unlink()
    anew = run_harness(*evaluation)
    assert anew.exit_code == 0, anew.stderr
    assert anew.document["cells"][0]["accuracy"]["agreement_with_eager"] == 1.0
    # Content-addressed: what is there was not written again.
    assert sent.items() <= _sent_images().items()


def _sent_images() -> dict[str, tuple[int, int]]:
    folder = cache_folder() / "devices" / "host" / "inputs"
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in folder.glob("*.bin")}


# Foreign weights and pictures ----------------------------------------------------------------------

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
            assert any(f"{picture}: " in told and reason in told for told in accuracy["unreadable_images"])
        # Not only what we read from the file: what its own network says.
        if "uint8" not in name:
            file = tmp_path / "r" / "accuracy" / f"host-{_cell_name(cell)}.json"
            saved = json.loads(file.read_text())
            preprocessing = msgspec.convert(saved["preprocessing"], Preprocessing)
            predictions = predict_pixels(expected[name], load_pixels(dataset, preprocessing), preprocessing)
            assert saved["outcomes"] == list_outcomes(predictions, dataset), name
    page = (tmp_path / "r" / "report" / "report.md").read_text()
    assert "left out: a/truncated.jpg: " in page
    assert "3 of 38 images of pictures could not be read" in page


def _cell_name(cell: dict[str, Any]) -> str:
    variant = cell["variant"]
    suffix = "" if variant["padding"] == "symmetric" else f"_{variant['padding']}"
    return f"mobilenet_v1_{variant['width']:g}_32_fp32{suffix}-t1"


def _write_foreign(folder: Path) -> dict[Path, torch.nn.Module]:
    """A file of each kind and the network it is of; widths of their own tell the variants apart."""
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


# Bad input, before anything is touched -------------------------------------------------------------


def _flat_imagenet(folder: Path, labels: str) -> None:
    for number in range(3):
        Image.new("RGB", (8, 8)).save(folder / f"{number}.png")
    (folder / "labels.txt").write_text(labels)


def _class_folders(folder: Path, names: str) -> None:
    for name in names:
        (folder / name).mkdir()
        Image.new("RGB", (8, 8)).save(folder / name / "1.png")


@pytest.mark.parametrize(
    ("kind", "fill", "says"),
    [
        ("folder", lambda folder: None, "no class folders"),
        ("folder", lambda folder: _class_folders(folder, "a"), "a single class, 'a'"),
        ("imagenet", lambda folder: _flat_imagenet(folder, "1\n2\n"), "2 labels for 3 pictures"),
        ("imagenet", lambda folder: _flat_imagenet(folder, "1\n2\n1000\n"), "label 1000 is not one of 1000"),
        ("folder", lambda folder: _class_folders(folder, "abcdefg"), "in another order"),
    ],
    ids=["empty", "one class", "a line short", "1001 classes", "order"],
)
def test_data_that_cannot_be_judged_by_is_refused_before_anything_is_touched(
    run_harness: RunHarness, tmp_path: Path, kind: str, fill: Callable[[Path], None], says: str
) -> None:
    names = ("g", "f", "e", "d", "c", "b", "a") if says == "in another order" else ()
    weights = write_weights(tmp_path / "w.safetensors", classes=7, class_names=names)
    images = tmp_path / "images"
    images.mkdir()
    fill(images)
    ended = run_harness(
        *("run", "-d", "host", "--weights", weights, "--accuracy", f"{kind}:{images}", "--out", "r")
    )
    assert ended.exit_code == 2, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "connecting" not in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "w.safetensors"]
