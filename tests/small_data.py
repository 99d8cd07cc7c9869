"""Weights and images small enough to evaluate in a moment, and options for a minimal measurement."""

from pathlib import Path

import numpy as np

from harness.accuracy.datasets import open_dataset
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.weights import Checkpoint, save_checkpoint
from weight_files import trained_network

SHIPPED = Path(__file__).parent / "data" / "fashion-mnist-1k"
QUICK = ("--precision", "fp32", "--processes", "1", "--min-time", "0", "--max-time", "0.1")


def write_weights(
    file: Path, *, side: int = 32, classes: int = 10, class_names: tuple[str, ...] = ()
) -> Path:
    """A checkpoint of ours; its network is not trained, but its outputs differ between images."""
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
    """The first of the shipped images as a separate IDX data set."""
    dataset = open_dataset(f"idx:{SHIPPED}").take(range(images))
    pixels = np.stack([np.asarray(dataset.read(index))[..., 0] for index in range(images)])
    folder.mkdir()
    for name, values in (("images-idx3", pixels), ("labels-idx1", np.array(dataset.labels))):
        header = bytes((0, 0, 8, values.ndim)) + b"".join(s.to_bytes(4, "big") for s in values.shape)
        (folder / f"t10k-{name}-ubyte").write_bytes(header + values.astype(np.uint8).tobytes())
    (folder / "classes.txt").write_text("\n".join(dataset.classes))
    return f"idx:{folder}"
