"""Labels of ImageNet are those that its thousand classes are numbered by, or the data set is refused."""

from pathlib import Path

import pytest
from PIL import Image

from harness.accuracy.datasets import open_dataset
from harness.errors import UsageError


def _picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path)
    return path


def _flat_imagenet(folder: Path, labels: str, *, file: str = "val.txt", images: int = 3) -> Path:
    for number in range(images):
        _picture(folder / f"ILSVRC2012_val_{number + 1:08d}.JPEG")
    (folder / file).write_text(labels)
    return folder


def test_flat_imagenet_takes_names_with_labels_in_any_order(tmp_path: Path) -> None:
    lines = [f"ILSVRC2012_val_{number:08d}.JPEG {label}" for number, label in ((3, 999), (1, 65), (2, 0))]
    dataset = open_dataset(f"imagenet:{_flat_imagenet(tmp_path, chr(10).join(lines))}")
    assert dataset.labels == (65, 0, 999)
    assert len(dataset.classes) == 1000


@pytest.mark.parametrize("folder", ["./", "val/", "/data/imagenet/val/"])
def test_the_names_in_a_file_of_labels_may_have_their_folders(folder: str, tmp_path: Path) -> None:
    lines = [f"{folder}ILSVRC2012_val_{number:08d}.JPEG {number * 10}" for number in (1, 3, 2)]
    assert open_dataset(f"imagenet:{_flat_imagenet(tmp_path, chr(10).join(lines))}").labels == (10, 20, 30)


def test_flat_imagenet_takes_bare_labels_in_the_order_of_names(tmp_path: Path) -> None:
    dataset = open_dataset(f"imagenet:{_flat_imagenet(tmp_path, chr(10).join(('0', '999', '65')))}")
    assert dataset.labels == (0, 999, 65)


def test_a_byte_order_mark_before_the_labels_is_no_part_of_the_first(tmp_path: Path) -> None:
    folder = _flat_imagenet(tmp_path, "\ufeff0\r\n999\r\n65\r\n")
    assert open_dataset(f"imagenet:{folder}").labels == (0, 999, 65)


@pytest.mark.parametrize(
    "row",
    [
        "{name}.JPEG,{label}",
        '"{name}.JPEG","{label}"',
        "{name} {label}",
        "val\\{name}.JPEG\t{label}",
    ],
    ids=["commas", "quotes", "no suffix", "a path of Windows"],
)
@pytest.mark.parametrize("heading", ["", "filename,label\n", "# name and label\n"])
def test_lists_of_other_programs_are_read(row: str, heading: str, tmp_path: Path) -> None:
    rows = (row.format(name=f"ILSVRC2012_val_{number:08d}", label=number * 10) for number in (1, 3, 2))
    folder = _flat_imagenet(tmp_path, heading + "\n".join(rows))
    assert open_dataset(f"imagenet:{folder}").labels == (10, 20, 30)


def test_names_of_pictures_may_hold_blanks(tmp_path: Path) -> None:
    for name in ("a cat.jpg", "a dog.jpg"):
        _picture(tmp_path / name)
    (tmp_path / "labels.txt").write_text("a dog.jpg 2\na cat.jpg 1\n")
    assert open_dataset(f"imagenet:{tmp_path}").labels == (1, 2)


@pytest.mark.parametrize(
    ("listed", "stored"), [("cafe\u0301.jpg", "caf\u00e9.jpg"), ("caf\u00e9.jpg", "cafe\u0301.jpg")]
)
def test_accents_are_the_same_however_a_list_writes_them(listed: str, stored: str, tmp_path: Path) -> None:
    for picture in (stored, "dog.jpg"):
        _picture(tmp_path / picture)
    (tmp_path / "labels.txt").write_text(f"dog.jpg 2\n{listed} 1\n")
    assert open_dataset(f"imagenet:{tmp_path}").labels == (1, 2)


def test_labels_without_names_are_refused_where_their_order_is_not_clear(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        _picture(tmp_path / f"{number}.jpg")
    (tmp_path / "labels.txt").write_text("5\n6\n7\n")
    with pytest.raises(UsageError, match=r"not clear whether 10\.jpg or 2\.jpg comes first") as refused:
        open_dataset(f"imagenet:{tmp_path}")
    assert refused.value.hint == "write a line NAME LABEL for each picture"


def test_labels_in_utf_16_are_refused_with_what_to_do(tmp_path: Path) -> None:
    _flat_imagenet(tmp_path, "").joinpath("val.txt").write_bytes("0\n1\n2\n".encode("utf-16"))
    with pytest.raises(UsageError, match=r"val\.txt are not UTF-8 text") as refused:
        open_dataset(f"imagenet:{tmp_path}")
    assert refused.value.hint == "save the file as UTF-8"


def test_synset_labels_are_numbered_by_their_sorted_order(tmp_path: Path) -> None:
    synsets = [f"n{1000 + number:08d}" for number in range(1000)]
    folder = _flat_imagenet(tmp_path, "\n".join(reversed(synsets)), images=1000)
    dataset = open_dataset(f"imagenet:{folder}")
    assert dataset.labels == tuple(range(999, -1, -1))
    assert dataset.classes == tuple(synsets)


def _kaggle_row(number: int, boxes: int = 1) -> str:
    synset = f"n{3000 - number:08d} 85 1 499 272 "
    return f"ILSVRC2012_val_{number:08d},{synset * boxes}"


def test_kaggles_solution_is_read_from_where_its_archive_has_it(tmp_path: Path) -> None:
    images = tmp_path / "ILSVRC/Data/CLS-LOC/val"
    for number in range(1, 1001):
        _picture(images / f"ILSVRC2012_val_{number:08d}.JPEG")
    rows = [_kaggle_row(number, boxes=1 + number % 3) for number in range(1000, 0, -1)]
    (tmp_path / "LOC_val_solution.csv").write_text("\r\n".join(["ImageId,PredictionString", *rows, ""]))
    dataset = open_dataset(f"imagenet:{images}")
    assert dataset.labels == tuple(range(999, -1, -1))
    assert dataset.classes[0] == "n00002000"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("ILSVRC2012_val_00000003,", "line 4 has 0 classes for 'ILSVRC2012_val_00000003', not 1"),
        ("ILSVRC2012_val_00000003,n00000001 1 2 3 4 n00000002 1 2 3 4", "line 4 has 2 classes for"),
        ("ILSVRC2012_val_00000003,n00000003 1 2 3 4", "has 3 different synsets, not ImageNet's 1000"),
        ("", "has 2 labels for 3 pictures"),
    ],
)
def test_a_solution_that_is_not_kaggles_is_refused(row: str, message: str, tmp_path: Path) -> None:
    lines = ["ImageId,PredictionString", _kaggle_row(1), _kaggle_row(2), row]
    with pytest.raises(UsageError, match=message):
        open_dataset(f"imagenet:{_flat_imagenet(tmp_path, chr(10).join(lines), file='labels.txt')}")


def test_names_that_end_in_a_synset_need_no_file_of_labels(tmp_path: Path) -> None:
    for number in range(1000):
        _picture(tmp_path / f"val/ILSVRC2012_val_{number + 1:08d}_n{2000 - number:08d}.JPEG")
    dataset = open_dataset(f"imagenet:{tmp_path}/val")
    assert dataset.labels == tuple(range(999, -1, -1))
    assert dataset.classes == tuple(f"n{number:08d}" for number in range(1001, 2001))


def test_names_that_end_in_few_synsets_are_refused(tmp_path: Path) -> None:
    _picture(tmp_path / "val/ILSVRC2012_val_00000001_n01751748.JPEG")
    with pytest.raises(UsageError, match="has 1 different synsets, not ImageNet's 1000"):
        open_dataset(f"imagenet:{tmp_path}/val")


@pytest.mark.parametrize(
    ("labels", "file", "message"),
    [
        ("1\n2\n", "val.txt", "2 labels for 3 pictures"),
        ("1\n2\n1000\n", "val.txt", "line 3: label 1000 is not one of 1000 counted from 0"),
        ("n00000001\nn00000002\nn00000003\n", "val.txt", "has 3 different synsets"),
        ("other.JPEG 1\na 2\nb 3\n", "val.txt", "line 1: 'other.JPEG 1' is not NAME LABEL"),
        ("1\nx\n3\n", "val.txt", "line 2: label x"),
        ("1\n2\n3\n", "labels.csv", "neither synset folders nor a labels.txt"),
    ],
    ids=["one short", "1001 classes", "few synsets", "other names", "no number", "no labels"],
)
def test_labels_that_would_shift_are_refused(labels: str, file: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        open_dataset(f"imagenet:{_flat_imagenet(tmp_path, labels, file=file)}")


def test_the_development_kits_own_numbering_is_refused_and_named_in_the_hint(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="label 1000 is not one of 1000 counted from 0") as refused:
        open_dataset(f"imagenet:{_flat_imagenet(tmp_path, chr(10).join(('1', '2', '1000')))}")
    assert "ILSVRC2012_validation_ground_truth.txt counts from 1" in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("labels", "whose"),
    [
        ("490 361 171 822 297", "the development kit"),
        ("489 360 170 821 296", "the development kit"),
        ("66 971 231 810 517", "TF-Slim"),
    ],
    ids=["development kit", "development kit from 0", "TF-Slim"],
)
def test_other_numbers_of_the_first_images_are_recognized(labels: str, whose: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"has numbers of {whose}"):
        open_dataset(f"imagenet:{_flat_imagenet(tmp_path, labels.replace(' ', chr(10)), images=5)}")


def test_caffes_numbers_of_the_first_images_are_taken(tmp_path: Path) -> None:
    labels = (65, 970, 230, 809, 516)
    folder = _flat_imagenet(tmp_path, "\n".join(map(str, labels)), images=5)
    assert open_dataset(f"imagenet:{folder}").labels == labels


def test_incomplete_synset_folders_are_refused(tmp_path: Path) -> None:
    for synset in ("n01440764", "n01443537"):
        _picture(tmp_path / synset / "1.png")
    with pytest.raises(UsageError, match="2 class folders, not ImageNet's 1000"):
        open_dataset(f"imagenet:{tmp_path}")
