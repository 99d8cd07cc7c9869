"""Data sets are opened whole or refused with the reason, before anything is measured."""

import gzip
import os
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from harness.accuracy.datasets import Dataset, hold_out, match_classes, open_dataset
from harness.accuracy.datasets.dataset import stratified_subset
from harness.accuracy.loading import load_pixels
from harness.accuracy.preprocessing import tensorflow_preprocessing
from harness.errors import UsageError

SHIPPED = Path(__file__).parent.parent / "data" / "fashion-mnist-1k"


def _picture(path: Path, value: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (value, value, value)).save(path)
    return path


def _dataset(labels: tuple[int, ...], classes: tuple[str, ...] = ("a", "b")) -> Dataset:
    return Dataset(
        name="made",
        split="test",
        classes=classes,
        labels=labels,
        image_names=tuple(str(index) for index in range(len(labels))),
        content="",
        read=lambda index: Image.new("RGB", (2, 2), (index, 0, 0)),
    )


# Folders of pictures -------------------------------------------------------------------------------


def test_a_folder_numbers_its_classes_by_name_and_ignores_other_files(tmp_path: Path) -> None:
    _picture(tmp_path / "dog" / "1.png", 10)
    _picture(tmp_path / "cat" / "deep" / "2.jpg", 20)
    (tmp_path / "dog" / "notes.txt").write_text("not a picture")
    (tmp_path / ".cache").mkdir()
    dataset = open_dataset(str(tmp_path))
    assert dataset.classes == ("cat", "dog")
    assert dataset.image_names == ("cat/deep/2.jpg", "dog/1.png")
    assert dataset.labels == (0, 1)
    assert dataset.read(1).getpixel((0, 0)) == (10, 10, 10)


def test_pictures_without_a_usual_suffix_are_known_by_their_content(tmp_path: Path) -> None:
    _picture(tmp_path / "b" / "1.png")
    stored = _picture(tmp_path / "made.jpg", 30).read_bytes()
    names = ("a.jfif", "b.jpe", "c", "d.photo", "e.jpg")
    (tmp_path / "a").mkdir()
    for name in names:
        (tmp_path / "a" / name).write_bytes(stored)
    Image.new("RGB", (8, 8)).save(tmp_path / "a" / "f.avif")
    (tmp_path / "a" / "g.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(16))
    (tmp_path / "a" / "README").write_text("BMW and P5: no pictures")
    (tmp_path / "a" / "empty").touch()
    (tmp_path / "made.jpg").unlink()
    dataset = open_dataset(str(tmp_path))
    assert dataset.image_names == (*(f"a/{name}" for name in (*names, "f.avif", "g.heic")), "b/1.png")
    loaded = load_pixels(dataset, tensorflow_preprocessing(8))
    assert [(left_out.image, left_out.reason[:25]) for left_out in loaded.unreadable] == [
        ("a/g.heic", "not a picture in one of t")
    ]


def test_links_to_nothing_and_what_is_no_file_are_left_out_and_named(tmp_path: Path) -> None:
    _picture(tmp_path / "a" / "1.png")
    _picture(tmp_path / "b" / "1.png")
    (tmp_path / "b" / "2.jpg").symlink_to(".git/annex/objects/not-fetched.jpg")
    os.mkfifo(tmp_path / "b" / "3.jpg")
    (tmp_path / "b" / "4.ico").write_bytes(b"\0\0\1\0")
    (tmp_path / "b" / "5.txt").symlink_to("nowhere")
    dataset = open_dataset(str(tmp_path))
    loaded = load_pixels(dataset, tensorflow_preprocessing(8))
    assert [(one.image, one.reason.partition(":")[0]) for one in loaded.unreadable] == [
        ("b/2.jpg", "[Errno 2] No such file or directory"),
        ("b/3.jpg", "[Errno 22] it is not a regular file"),
        ("b/4.ico", loaded.unreadable[2].reason),
    ]
    assert loaded.unreadable[2].reason.startswith("not a picture in one of the formats")


def test_names_in_another_encoding_than_utf_8_are_readable_everywhere(tmp_path: Path) -> None:
    _picture(tmp_path / "a" / "1.png")
    latin = tmp_path / os.fsdecode(b"caf\xe9")
    _picture(tmp_path / "made.png", 40).rename(tmp_path / "1.png")
    latin.mkdir()
    (tmp_path / "1.png").rename(latin / os.fsdecode(b"bro\xdfken.png"))
    dataset = open_dataset(str(tmp_path))
    assert dataset.classes == ("a", "caf\\xe9")
    assert dataset.image_names == ("a/1.png", "caf\\xe9/bro\\xdfken.png")
    assert msgspec.json.encode((dataset.classes, dataset.image_names, dataset.identity))
    assert dataset.read(1).getpixel((0, 0)) == (40, 40, 40)


def test_split_folders_are_found_under_their_usual_names(tmp_path: Path) -> None:
    for split in ("train", "val"):
        _picture(tmp_path / split / "a" / "1.png")
        _picture(tmp_path / split / "b" / f"{split}.png")
    assert open_dataset(str(tmp_path), "validation").image_names == ("a/1.png", "b/val.png")
    with pytest.raises(UsageError, match="no test split, only train, val"):
        open_dataset(str(tmp_path), "test")


@pytest.mark.parametrize(
    ("train", "validation"), [("Train", "Val"), ("training_set", "valid_set"), ("train images", "VALIDATION")]
)
def test_split_folders_are_found_under_their_names_in_other_spellings(
    tmp_path: Path, train: str, validation: str
) -> None:
    for split in (train, validation):
        _picture(tmp_path / split / "a" / "1.png")
        _picture(tmp_path / split / "b" / f"{split}.png")
    opened = open_dataset(str(tmp_path), "validation")
    assert (opened.classes, opened.image_names) == (("a", "b"), ("a/1.png", f"b/{validation}.png"))
    with pytest.raises(UsageError, match=f"no test split, only {', '.join(sorted((train, validation)))}"):
        open_dataset(str(tmp_path), "test")


def test_classes_with_names_of_splits_are_classes(tmp_path: Path) -> None:
    for name in ("Boat", "Train", "Test"):
        _picture(tmp_path / name / "1.png")
    assert open_dataset(str(tmp_path), "test").classes == ("Boat", "Test", "Train")


def test_splits_are_not_taken_for_classes(tmp_path: Path) -> None:
    for split in ("seg_train", "seg_test"):
        _picture(tmp_path / split / split / "a" / "1.png")
    with pytest.raises(UsageError, match="the folders seg_test, seg_train, which are splits and not classes"):
        open_dataset(str(tmp_path))


def test_what_systems_put_beside_pictures_is_left_out(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/1.png"):
        _picture(tmp_path / name)
    for name in (
        *("a/.ipynb_checkpoints/1-checkpoint.png", ".ipynb_checkpoints/1-checkpoint.png"),
        *("a/@eaDir/1.png/SYNOPHOTO_THUMB_M.png", "@eaDir/a.png", "__MACOSX/a/._1.png", "lost+found/1.png"),
    ):
        _picture(tmp_path / name)
    dataset = open_dataset(str(tmp_path))
    assert (dataset.classes, dataset.image_names) == (("a", "b"), ("a/1.png", "b/1.png"))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "no class folders"),
        (("only/1.png",), "a single class, 'only'"),
        (("a/1.png", "b/readme.txt"), "b has no pictures"),
    ],
    ids=["empty", "one class", "empty class"],
)
def test_folders_that_give_no_accuracy_are_refused(
    files: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    for name in files:
        _picture(tmp_path / name) if name.endswith(".png") else (tmp_path / name).parent.mkdir(parents=True)
    with pytest.raises(UsageError, match=message):
        open_dataset(f"folder:{tmp_path}")


def test_unknown_data_sets_name_the_known_kinds() -> None:
    with pytest.raises(UsageError, match="KIND one of folder, imagenet, idx, hf"):
        open_dataset("nosuch")


def test_content_changes_with_a_picture_and_identity_with_a_name(tmp_path: Path) -> None:
    _picture(tmp_path / "a" / "1.png")
    changing = _picture(tmp_path / "b" / "2.png")
    before = open_dataset(str(tmp_path))
    Image.new("RGB", (9, 9)).save(changing)
    after = open_dataset(str(tmp_path))
    assert after.content != before.content
    assert after.identity == before.identity
    changing.rename(tmp_path / "b" / "3.png")
    assert open_dataset(str(tmp_path)).identity != before.identity


# IDX -----------------------------------------------------------------------------------------------


def _idx(file: Path, values: np.ndarray, *, cut: int = 0) -> None:
    header = bytes((0, 0, 8, values.ndim)) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    content = header + values.astype(np.uint8).tobytes()
    file.write_bytes(content[: len(content) - cut])


def test_the_shipped_subset_has_a_hundred_images_of_each_class() -> None:
    dataset = open_dataset(f"idx:{SHIPPED}")
    assert np.bincount(dataset.labels).tolist() == [100] * 10
    assert dataset.classes[9] == "Ankle boot"
    assert dataset.read(0).size == (28, 28)
    # Ankle boots are dark at the top left and not empty.
    boot = np.asarray(dataset.read(dataset.labels.index(9)))
    assert boot[0, 0].max() == 0
    assert boot.mean() > 20
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 500_000


def test_plain_and_gzipped_idx_are_the_same_data_set(tmp_path: Path) -> None:
    for zipped in SHIPPED.glob("*.gz"):
        (tmp_path / zipped.stem).write_bytes(gzip.decompress(zipped.read_bytes()))
    plain, shipped = open_dataset(f"idx:{tmp_path}"), open_dataset(f"idx:{SHIPPED}")
    assert plain.labels == shipped.labels
    assert plain.content == shipped.content
    assert plain.classes == tuple("0123456789")


def test_idx_files_are_found_by_the_dot_that_unpacking_gives_them(tmp_path: Path) -> None:
    _idx(tmp_path / "t10k-images.idx3-ubyte", np.zeros((2, 4, 4)))
    _idx(tmp_path / "t10k-labels.idx1-ubyte", np.array([0, 1]))
    assert open_dataset(f"idx:{tmp_path}").labels == (0, 1)


def test_damaged_idx_files_are_refused(tmp_path: Path) -> None:
    images, labels = np.zeros((3, 4, 4)), np.array([0, 1, 1])
    _idx(tmp_path / "t10k-images-idx3-ubyte", images)
    _idx(tmp_path / "t10k-labels-idx1-ubyte", labels[:2])
    with pytest.raises(UsageError, match="3 test images but 2 labels"):
        open_dataset(f"idx:{tmp_path}")
    _idx(tmp_path / "t10k-images-idx3-ubyte", images, cut=1)
    with pytest.raises(UsageError, match=r"has 47 bytes of data, but sizes \(3, 4, 4\) mean 48"):
        open_dataset(f"idx:{tmp_path}")
    _idx(tmp_path / "t10k-images-idx3-ubyte", labels)
    with pytest.raises(UsageError, match="not an IDX file of unsigned bytes with 3 dimensions"):
        open_dataset(f"idx:{tmp_path}")
    (tmp_path / "t10k-images-idx3-ubyte").unlink()
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8bnot gzip")
    with pytest.raises(UsageError, match="cannot read"):
        open_dataset(f"idx:{tmp_path}")
    with pytest.raises(UsageError, match="has no train-images"):
        open_dataset(f"idx:{tmp_path}", "train")


# Hugging Face --------------------------------------------------------------------------------------


def test_hugging_face_data_sets_are_read_from_disk(tmp_path: Path) -> None:
    library = pytest.importorskip("datasets")
    features = library.Features({"image": library.Image(), "label": library.ClassLabel(names=["a", "b"])})
    pictures = [Image.new("RGB", (5, 5), (value, 0, 0)) for value in (1, 2)]
    table = library.Dataset.from_dict({"image": pictures, "label": [1, 0]}, features=features)
    table.save_to_disk(tmp_path / "saved")
    dataset = open_dataset(f"hf:{tmp_path / 'saved'}")
    assert (dataset.classes, dataset.labels) == (("a", "b"), (1, 0))
    assert dataset.read(1).getpixel((0, 0)) == (2, 0, 0)


# What all of them can do ---------------------------------------------------------------------------


def test_subsets_keep_the_proportions_of_classes() -> None:
    dataset = _dataset((0,) * 90 + (1,) * 10)
    subset = stratified_subset(dataset, 20, seed=1)
    assert np.bincount(subset.labels).tolist() == [18, 2]
    assert subset.image_names == stratified_subset(dataset, 20, seed=1).image_names
    assert subset.image_names != stratified_subset(dataset, 20, seed=2).image_names
    position = 5
    assert subset.read(position).getpixel((0, 0)) == (int(subset.image_names[position]), 0, 0)


def test_held_out_images_are_in_no_training_set() -> None:
    dataset = _dataset((0,) * 30 + (1,) * 10)
    rest, held = hold_out(dataset, 0.1, seed=0)
    assert np.bincount(held.labels).tolist() == [3, 1]
    assert not set(rest.image_names) & set(held.image_names)
    assert len(rest) + len(held) == len(dataset)


def test_labels_must_fit_the_classes() -> None:
    with pytest.raises(UsageError, match="a label 2, but only 2 classes"):
        _dataset((0, 2))


def test_another_order_of_classes_is_an_error_that_names_the_first() -> None:
    dataset = _dataset((0, 1), ("cat", "dog"))
    match_classes(dataset, ("cat", "dog"))
    with pytest.raises(UsageError, match="class 0 is 'cat' in the data set and 'dog' in the weights"):
        match_classes(dataset, ("dog", "cat"))
    with pytest.raises(UsageError, match=r"only in the data set: \['dog'\], only in the weights: \['fox'\]"):
        match_classes(dataset, ("cat", "fox"))


def test_names_that_no_file_can_record_are_refused_before_hours_of_work() -> None:
    with pytest.raises(UsageError, match=r"no file can record"):
        Dataset(
            "made", "test", ("a", "b\udce9"), (0, 1), ("1", "2"), "", lambda index: Image.new("RGB", (1, 1))
        )
