"""What is sent to a device is the data set, in order, once, and the same the second time."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.accuracy.datasets import open_dataset
from harness.accuracy.loading import load_pixels
from harness.accuracy.packing import pack
from harness.accuracy.preprocessing import (
    Preprocessing,
    normalize,
    resize_image,
    tensorflow_preprocessing,
    torchvision_preprocessing,
)
from harness.errors import UsageError

SHIPPED = f"idx:{Path(__file__).parent.parent / 'data' / 'fashion-mnist-1k'}"

pack_megabytes = partial(pack, chunk_bytes=2**20)


def _folder(root: Path) -> Path:
    for label in "ab":
        (root / label).mkdir(parents=True)
        for number in range(3):
            pixels = np.random.default_rng(number + ord(label)).integers(0, 256, (40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number}.png")
    return root


@pytest.mark.parametrize("preprocessing", [tensorflow_preprocessing(32), torchvision_preprocessing(32)])
def test_chunks_hold_every_image_in_order(preprocessing: Preprocessing, tmp_path: Path) -> None:
    dataset = open_dataset(SHIPPED).take(range(70))
    image_bytes = 32 * 32 * 3 * (1 if preprocessing.mean[0] == 0.5 else 4)
    chunks = list(pack(dataset, preprocessing, tmp_path, chunk_bytes=25 * image_bytes))
    assert [len(chunk.indices) for chunk in chunks] == [25, 25, 20]
    assert [chunk.path.stat().st_size for chunk in chunks] == [25 * image_bytes] * 2 + [20 * image_bytes]
    assert [index for chunk in chunks for index in chunk.indices] == list(range(70))
    packed = np.concatenate([chunk.inputs(preprocessing) for chunk in chunks])
    expected = normalize(
        np.stack([resize_image(dataset.read(index), preprocessing) for index in range(70)]), preprocessing
    )
    assert np.array_equal(packed, expected)


def test_the_devices_own_scaling_gives_the_same_inputs(tmp_path: Path) -> None:
    preprocessing = tensorflow_preprocessing(32)
    chunk = next(pack_megabytes(open_dataset(SHIPPED).take(range(9)), preprocessing, tmp_path))
    assert chunk.scale is not None
    assert chunk.offset is not None
    raw = np.fromfile(chunk.path, dtype=np.uint8).reshape(9, 32, 32, 3)
    # As the runner computes it, in float32.
    fed = raw.astype(np.float32) * np.float32(chunk.scale) + np.float32(chunk.offset)
    assert np.array_equal(fed, chunk.inputs(preprocessing))


@pytest.mark.parametrize("preprocessing", [tensorflow_preprocessing(32), torchvision_preprocessing(32)])
def test_a_chunk_for_an_nchw_program_has_the_same_images_in_its_order(
    preprocessing: Preprocessing, tmp_path: Path
) -> None:
    dataset = open_dataset(SHIPPED).take(range(5))
    nhwc = next(pack_megabytes(dataset, preprocessing, tmp_path))
    nchw = next(pack_megabytes(dataset, preprocessing, tmp_path, dim_order=(0, 1, 2, 3)))
    assert nchw.sha256 != nhwc.sha256
    assert np.array_equal(nchw.inputs(preprocessing), nhwc.inputs(preprocessing))
    dtype = np.dtype("<f4") if nchw.scale is None else np.dtype(np.uint8)
    one, other = (np.fromfile(chunk.path, dtype) for chunk in (nhwc, nchw))
    assert np.array_equal(one.reshape(5, 32, 32, 3).transpose(0, 3, 1, 2), other.reshape(5, 3, 32, 32))


def test_chunks_are_prepared_once(tmp_path: Path) -> None:
    dataset, preprocessing = open_dataset(SHIPPED).take(range(40)), tensorflow_preprocessing(32)
    first = list(pack_megabytes(dataset, preprocessing, tmp_path))
    written = first[0].path.stat().st_mtime_ns
    again = list(pack_megabytes(dataset, preprocessing, tmp_path))
    assert again == first
    assert again[0].path.stat().st_mtime_ns == written
    other = list(pack_megabytes(dataset, tensorflow_preprocessing(64), tmp_path))
    assert other[0].path != first[0].path


def test_a_damaged_chunk_is_written_again(tmp_path: Path) -> None:
    dataset, preprocessing = open_dataset(SHIPPED).take(range(10)), tensorflow_preprocessing(32)
    chunk = next(pack_megabytes(dataset, preprocessing, tmp_path))
    good = chunk.path.read_bytes()
    chunk.path.write_bytes(good[:-1] + bytes((good[-1] ^ 1,)))
    assert next(pack_megabytes(dataset, preprocessing, tmp_path)).sha256 == chunk.sha256
    assert chunk.path.read_bytes() == good


def test_a_changed_picture_changes_the_chunk(tmp_path: Path) -> None:
    root, preprocessing = _folder(tmp_path / "pictures"), tensorflow_preprocessing(32)
    before = next(pack_megabytes(open_dataset(str(root)), preprocessing, tmp_path / "packed"))
    Image.new("RGB", (40, 50), "red").save(root / "a" / "0.png")
    after = next(pack_megabytes(open_dataset(str(root)), preprocessing, tmp_path / "packed"))
    assert (before.path, before.sha256) != (after.path, after.sha256)


def test_unreadable_pictures_are_left_out_and_named(tmp_path: Path) -> None:
    root = _folder(tmp_path / "pictures")
    truncated = root / "a" / "1.png"
    truncated.write_bytes(truncated.read_bytes()[:500])
    Image.new("CMYK", (40, 40)).save(root / "b" / "3.jpg")
    dataset = open_dataset(str(root))
    chunk = next(pack_megabytes(dataset, tensorflow_preprocessing(32), tmp_path / "packed"))
    assert chunk.indices == (0, 2, 3, 4, 5)
    assert [entry.image for entry in chunk.unreadable] == ["a/1.png", "b/3.jpg"]
    assert "CMYK" in chunk.unreadable[1].reason
    assert chunk.path.stat().st_size == 5 * 32 * 32 * 3


def test_a_data_set_without_a_readable_picture_is_refused(tmp_path: Path) -> None:
    root = _folder(tmp_path / "pictures")
    for picture in root.rglob("*.png"):
        picture.write_bytes(b"gone")
    with pytest.raises(UsageError, match=r"none of 6 images of pictures can be read; the first, a/0.png"):
        load_pixels(open_dataset(str(root)), tensorflow_preprocessing(32))


def test_a_chunk_of_unreadable_pictures_alone_takes_no_other_chunk_with_it(tmp_path: Path) -> None:
    root = _folder(tmp_path / "pictures")
    broken = [root / "b" / "1.png", root / "b" / "2.png"]
    for picture in broken:
        picture.write_bytes(b"gone")
    chunks = list(
        pack(
            open_dataset(str(root)),
            tensorflow_preprocessing(32),
            tmp_path / "packed",
            chunk_bytes=2 * 32 * 32 * 3,
        )
    )
    assert [chunk.indices for chunk in chunks] == [(0, 1), (2, 3), ()]
    assert [entry.image for entry in chunks[2].unreadable] == ["b/1.png", "b/2.png"]
