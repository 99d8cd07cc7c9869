"""The ImageNet (ILSVRC 2012) validation images, as folders or flat with a file of labels."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from harness.accuracy.datasets.dataset import Dataset
from harness.accuracy.datasets.image_folder import (
    is_class_folder,
    list_pictures,
    open_image_folder,
    picture_dataset,
    split_folder,
)
from harness.errors import UsageError
from harness.system.files import read_regular_file

CLASSES = 1000
MAX_LABELS_BYTES = 64 * 2**20
_SYNSET = re.compile(r"n\d{8}")
# Hugging Face's archives: ILSVRC2012_val_00000001_n01751748.JPEG.
_NAMED_SYNSET = re.compile(r".*_(n\d{8})")
# Kaggle's list of the validation images: ILSVRC2012_val_00048981,n03995372 85 1 499 272
KAGGLE_FILE, _KAGGLE_HEADER = "LOC_val_solution.csv", "ImageId,PredictionString"
# From ILSVRC/Data/CLS-LOC/val up to the folder that Kaggle's archive was unpacked in.
_KAGGLE_DEPTH = 4
_FIRST_IMAGES = tuple(f"ILSVRC2012_val_{number:08d}" for number in range(1, 5))
_DEVELOPMENT_KIT = "numbers of the development kit, which has the classes in another order"
# Of the first four images, whose labels are 65, 970, 230 and 809.
_OTHER_NUMBERINGS: dict[tuple[int, ...], str] = {
    (490, 361, 171, 822): _DEVELOPMENT_KIT,
    (489, 360, 170, 821): _DEVELOPMENT_KIT,
    (66, 971, 231, 810): "numbers of TF-Slim, which count from 1",
}


def open_imagenet(folder: Path, split: str) -> Dataset:
    """Open class folders named by synset (n01440764, …), or flat pictures with a file of labels.

    The file of labels, `labels.txt` or `val.txt` beside or in the folder, has a line for each picture:
    `NAME LABEL` or `NAME,LABEL`, or only the label, in the sorted order of the names. A label is a synset, or
    the number of its place among the sorted synsets, from 0 (Caffe's val.txt). Kaggle's LOC_val_solution.csv
    is read where its archive has it. Without such a file the names of all pictures may end in synsets, as in
    Hugging Face's archives. Classes are the 1000 synsets in sorted order;
    a network of 1001 classes has the background before them (`class_offset` of its weights).

    Raises:
        UsageError: not 1000 classes, another number of labels than pictures, or a label out of range.
    """
    root = split_folder(folder, split)
    if any(_SYNSET.fullmatch(entry.name) for entry in root.iterdir() if is_class_folder(entry)):
        return _from_class_folders(folder, split)
    pictures = {path.name: path for path in list_pictures(root)}
    if not pictures:
        raise UsageError(f"{root} has no pictures", hint="give the folder of the validation images")
    names = sorted(pictures)
    labels_file = _find_labels(root)
    in_names = [[name, match[1]] for name in names if (match := _NAMED_SYNSET.fullmatch(Path(name).stem))]
    if labels_file:
        labelled, classes = _read_labels(labels_file, names)
    elif len(in_names) == len(names):
        labelled, classes = _label(in_names, root, names)
    else:
        raise UsageError(
            f"{root} has neither synset folders nor a labels.txt or val.txt",
            hint="add a labels.txt with a line NAME LABEL for each picture, such as Caffe's val.txt; or"
            f" Kaggle's {KAGGLE_FILE}",
        )
    return picture_dataset(
        "imagenet",
        split,
        classes,
        tuple(labelled[name] for name in names),
        tuple(pictures[name] for name in names),
        root,
    )


def _from_class_folders(folder: Path, split: str) -> Dataset:
    dataset = open_image_folder(folder, split)
    if len(dataset.classes) != CLASSES:
        raise UsageError(
            f"{folder} has {len(dataset.classes)} class folders, not ImageNet's {CLASSES}",
            hint="add the missing folders, or open it as folder:PATH with a head trained for these classes",
        )
    return dataset


def _find_labels(root: Path) -> Path | None:
    for candidate in (
        root / "labels.txt",
        root / "val.txt",
        root.parent / "labels.txt",
        root.parent / "val.txt",
        *(folder / KAGGLE_FILE for folder in (root, *root.parents[:_KAGGLE_DEPTH])),
    ):
        if candidate.is_file():
            return candidate
    return None


def _read_labels(file: Path, names: list[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    """The class index of each picture by name, and the names of the classes."""
    try:
        lines = read_regular_file(file, MAX_LABELS_BYTES).decode("utf-8-sig").split("\n")
    except OSError as error:
        raise UsageError(f"cannot read the labels {file}: {error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"the labels {file} are not UTF-8 text: {error}", hint="save the file as UTF-8"
        ) from error
    if lines[0].strip() == _KAGGLE_HEADER:
        rows = list(_kaggle_rows(lines[1:], file))
    else:
        rows = _without_heading([_fields(line) for line in lines if line.strip()], names)
    if len(rows) != len(names):
        raise UsageError(
            f"{file} has {len(rows)} labels for {len(names)} pictures", hint="give one label for each picture"
        )
    known = _by_other_spellings(names)
    if all(len(row) == 1 for row in rows):
        _refuse_two_orders(file, names)
        rows = [[name, row[0]] for name, row in zip(names, rows, strict=True)]
    return _label([[_picture_name(row[0], known), *row[1:]] for row in rows], file, names)


def _fields(line: str) -> list[str]:
    """Name and label, between them a comma or blanks, which a name may have, too; or a label alone."""
    fields = line.rsplit(",", 1) if "," in line else line.rsplit(maxsplit=1)
    return [field.strip().strip('"') for field in fields]


def _without_heading(rows: list[list[str]], names: list[str]) -> list[list[str]]:
    """The rows without a first one such as `filename,label`, if it is the one too many."""
    if len(rows) == len(names) + 1 and not re.fullmatch(rf"\d+|{_SYNSET.pattern}", rows[0][-1]):
        return rows[1:]
    return rows


def _by_other_spellings(names: list[str]) -> dict[str, str]:
    """The pictures by their names without suffix, and by the composed form of letters with accents."""
    stems = Counter(Path(name).stem for name in names)
    found = {Path(name).stem: name for name in names if stems[Path(name).stem] == 1}
    composed = Counter(map(_composed, names))
    return found | {_composed(name): name for name in names if composed[_composed(name)] == 1}


def _picture_name(named: str, known: Mapping[str, str]) -> str:
    """The picture's name, of which lists made for other programs have the path, or no suffix."""
    name = PurePosixPath(named.replace("\\", "/")).name
    return known.get(name) or known.get(_composed(name), name)


def _composed(name: str) -> str:
    """macOS writes the accent of a letter as a character of its own."""
    return unicodedata.normalize("NFC", name)


def _refuse_two_orders(file: Path, names: list[str]) -> None:
    """Labels without names must not meet the wrong pictures: some programs list 10.jpg after 2.jpg."""
    as_numbers = sorted(names, key=lambda name: re.sub("[0-9]+", lambda number: number[0].zfill(30), name))
    if as_numbers != names:
        one, other = next(pair for pair in zip(names, as_numbers, strict=True) if pair[0] != pair[1])
        raise UsageError(
            f"{file} has labels without names, and it is not clear whether {one} or {other} comes first",
            hint="write a line NAME LABEL for each picture",
        )


def _kaggle_rows(lines: list[str], file: Path) -> Iterator[list[str]]:
    """The name without suffix and the synset of each picture, whose boxes all are of that synset."""
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        image, _, boxes = line.strip().partition(",")
        synsets = set(boxes.split()[::5])
        if len(synsets) != 1:
            raise UsageError(
                f"{file} line {number} has {len(synsets)} classes for {image!r}, not 1",
                hint="use the labels of the validation images: those of the training images have folders",
            )
        yield [image, *synsets]


def _label(rows: list[list[str]], file: Path, names: list[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    """The same from rows of a name and a label, which are in this file or folder."""
    known = set(names)
    synsets = sorted({row[-1] for row in rows if _SYNSET.fullmatch(row[-1])})
    if synsets and len(synsets) != CLASSES:
        raise UsageError(
            f"{file} has {len(synsets)} different synsets, not ImageNet's {CLASSES}: labels would be shifted"
        )
    numbers = {synset: number for number, synset in enumerate(synsets)}
    labelled: dict[str, int] = {}
    for line, row in enumerate(rows, start=1):
        if len(row) != 2 or row[0] not in known or row[0] in labelled:
            raise UsageError(
                f"{file} line {line}: {' '.join(row)!r} is not NAME LABEL of one of the pictures"
            )
        labelled[row[0]] = numbers[row[1]] if row[1] in numbers else _number(file, line, row[1])
    if not synsets:
        _check_numbering(file, {Path(name).stem: number for name, number in labelled.items()})
    return labelled, tuple(synsets) or tuple(str(number) for number in range(CLASSES))


def _check_numbering(file: Path, labelled: dict[str, int]) -> None:
    other = _OTHER_NUMBERINGS.get(tuple(labelled.get(image, -1) for image in _FIRST_IMAGES))
    if other:
        raise UsageError(
            f"{file} has {other}",
            hint="use synsets, or their numbers in sorted order from 0 (Caffe's val.txt)",
        )


def _number(file: Path, line: int, text: str) -> int:
    number = int(text) if re.fullmatch(r"\d{1,4}", text) else -1
    if not 0 <= number < CLASSES:
        raise UsageError(
            f"{file} line {line}: label {text} is not one of {CLASSES} counted from 0",
            hint="use synsets, or their numbers in sorted order from 0; the development kit's "
            "ILSVRC2012_validation_ground_truth.txt counts from 1, in another order; "
            "labels of TF-Slim, where 0 is the background, count from 1: subtract 1",
        )
    return number
