"""Real images for int8 calibration, saved in the format that lowering reads."""

import re
from pathlib import Path

import msgspec
import numpy as np

from harness.accuracy.datasets import Dataset, stratified_subset
from harness.accuracy.datasets.dataset import digest
from harness.accuracy.loading import load_pixels
from harness.accuracy.preprocessing import Preprocessing, normalize
from harness.system.files import atomic_file

IMAGES, SEED = 128, 0


def save_calibration(
    dataset: Dataset, preprocessing: Preprocessing, folder: Path, *, images: int = IMAGES
) -> Path:
    """Save a stratified sample of the images as float32 NCHW `.npy`, and return the file.

    Its name holds data set, split, count and seed, and a hash of the images and the preprocessing.

    Raises:
        UsageError: none of the images can be read.
    """
    chosen = stratified_subset(dataset, images, seed=SEED)
    key = digest((chosen.content, msgspec.json.encode(preprocessing).decode()))[:12]
    # Names of the hub have slashes; the hash tells names apart that become equal.
    name = re.sub(r"[^\w.-]+", "_", f"{dataset.name}-{dataset.split}")[:100]
    file = folder / f"{name}-{len(chosen)}-seed{SEED}-{key}.npy"
    if file.exists():
        return file
    pixels = load_pixels(chosen, preprocessing)
    inputs = normalize(pixels.values, preprocessing).transpose(0, 3, 1, 2)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_file(file) as temporary, temporary.open("wb") as stream:
        np.save(stream, np.ascontiguousarray(inputs))
    return file
