"""Calibration images are real, a fixed sample, and their file name describes them."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.accuracy.calibration import save_calibration
from harness.accuracy.datasets import open_dataset
from harness.accuracy.preprocessing import Preprocessing, normalize, resize_image

SHIPPED = f"idx:{Path(__file__).parent.parent / 'data' / 'fashion-mnist-1k'}"
PREPROCESSING = Preprocessing(resolution_px=32)


def test_calibration_images_are_a_stratified_sample_of_network_inputs(tmp_path: Path) -> None:
    dataset = open_dataset(SHIPPED)
    file = save_calibration(dataset, PREPROCESSING, tmp_path, images=50)
    assert file.name.startswith("fashion-mnist-1k-test-50-seed0-")
    images = np.load(file, allow_pickle=False)
    assert images.shape == (50, 3, 32, 32)
    assert images.dtype == np.float32
    everything = {
        normalize(resize_image(dataset.read(index), PREPROCESSING), PREPROCESSING).tobytes(): dataset.labels[
            index
        ]
        for index in range(len(dataset))
    }
    labels = [everything[np.ascontiguousarray(image.transpose(1, 2, 0)).tobytes()] for image in images]
    assert np.bincount(labels).tolist() == [5] * 10


def test_the_same_sample_is_saved_once_and_another_preprocessing_is_another_file(tmp_path: Path) -> None:
    dataset = open_dataset(SHIPPED)
    first = save_calibration(dataset, PREPROCESSING, tmp_path, images=10)
    written = first.stat().st_mtime_ns
    assert save_calibration(dataset, PREPROCESSING, tmp_path, images=10) == first
    assert first.stat().st_mtime_ns == written
    assert save_calibration(dataset, PREPROCESSING, tmp_path, images=11) != first
    assert save_calibration(dataset, Preprocessing(resolution_px=64), tmp_path, images=10) != first


def test_a_data_set_of_the_hub_has_a_slash_in_its_name(tmp_path: Path) -> None:
    dataset = replace(open_dataset(SHIPPED), name="owner/" + "x" * 300)
    file = save_calibration(dataset, PREPROCESSING, tmp_path, images=10)
    assert file.parent == tmp_path
    assert file.name.startswith("owner_xx")
