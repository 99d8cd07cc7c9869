"""What people give in the place of a weights file, and which file to give instead."""

import re
from collections.abc import Callable
from dataclasses import dataclass

_SAME_ARCHIVE = "give the frozen graph (.pb) or the .tflite file of the same archive"


@dataclass(frozen=True)
class OtherFile:
    """`what` completes the sentence "FILE is …"; `fits` gets the file's name and its first bytes."""

    what: str
    hint: str
    fits: Callable[[str, bytes], bool]


_OTHERS = (
    OtherFile(
        "a pointer of Git LFS, not the weights themselves",
        "fetch them: git lfs pull",
        lambda _name, start: start.startswith(b"version https://git-lfs"),
    ),
    OtherFile(
        "a web page, not weights",
        "download the file itself, not the page that shows it",
        lambda _name, start: start.lstrip().lower().startswith((b"<!doctype html", b"<html")),
    ),
    OtherFile(
        "compressed",
        f"unpack it; of TensorFlow's archives, {_SAME_ARCHIVE}",
        lambda _name, start: start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")),
    ),
    OtherFile(
        "a part of a TensorFlow checkpoint, which is not read",
        _SAME_ARCHIVE,
        lambda name, _start: (
            name == "checkpoint" or re.search(r"\.(data-\d+-of-\d+|index|meta)$", name) is not None
        ),
    ),
    OtherFile(
        "a SavedModel of TensorFlow, which is not read",
        "freeze its graph, or convert it to a .tflite file",
        lambda name, _start: name == "saved_model.pb",
    ),
    OtherFile(
        "a list of files that hold parts of the weights",
        "save the model in one file",
        lambda name, _start: name.endswith(".index.json"),
    ),
    OtherFile(
        "an ExecuTorch program, not weights",
        "measure it as it is: harness run --program",
        lambda name, start: start[4:6] == b"ET" and name.endswith(".pte"),
    ),
)


def find_other_file(name: str, start: bytes) -> OtherFile | None:
    """What a file of this name and these first bytes is, if it is known and holds no weights to read."""
    return next((other for other in _OTHERS if other.fits(name, start)), None)
