"""A folder with one folder of pictures for each class."""

import re
from pathlib import Path

from harness.accuracy.datasets.dataset import Dataset, digest, readable_name
from harness.accuracy.preprocessing import decode_image
from harness.errors import UsageError

# Suffixes of pictures, also of formats that are then counted as unreadable rather than left out.
PICTURES = frozenset(
    (
        *(
            ".jpg",
            ".jpeg",
            ".jpe",
            ".jfif",
            ".jif",
            ".png",
            ".apng",
            ".webp",
            ".bmp",
            ".dib",
            ".tif",
            ".tiff",
        ),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".gif", ".avif", ".heic", ".heif", ".jp2", ".j2k", ".jxl", ".tga"),
        *(".psd", ".ico", ".pcx"),
    )
)
# How the files of such formats begin; any other file is known by it.
_BEGINNING = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP|BM.{4}\0{4}|II\*\0|MM\0\*|P[1-6]\s"
    rb"|....ftyp(?:avi[fs]|hei[cfx]|hevc|mif1|msf1)|\0{3}\x0c(?:jP  |JXL )",
    re.DOTALL,
)
# Usual names of the same split, also as `Val`, `test_set` or `valid_images`.
_SPLIT_FOLDERS = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid"),
    "test": ("test", "testing"),
}
_SPLIT_NAMES = frozenset(name for names in _SPLIT_FOLDERS.values() for name in names)
_BESIDE_SPLIT = re.compile(r"[-_ ]?(set|data|dataset|dir|folder|images?|imgs?)$")
# A class may be called `test`; several such names beside each other are splits.
_OF_SPLITS = re.compile(rf"(^|[-_ ])({'|'.join(_SPLIT_NAMES)})($|[-_ ])", re.IGNORECASE)
# What systems put beside the pictures: thumbnails of Synology, copies of macOS, Windows and ext4. Hidden
# folders, such as Jupyter's, are left out, too.
_NO_CLASSES = frozenset(
    ("@eaDir", "__MACOSX", "$RECYCLE.BIN", "System Volume Information", "lost+found", "#recycle")
)


def open_image_folder(folder: Path, split: str) -> Dataset:
    """Open `folder/<split>/<class>/*`, or `folder/<class>/*` where there are no split folders.

    Classes are numbered in sorted order of their names, as torchvision's ImageFolder does.

    Raises:
        UsageError: no such folder or split, an empty class, a single class, no pictures.
    """
    root = split_folder(folder, split)
    class_folders = [entry for entry in sorted(root.iterdir()) if is_class_folder(entry)]
    if not class_folders:
        raise UsageError(
            f"{root} has no class folders", hint="put the pictures of each class in a folder of that name"
        )
    if len(class_folders) > 1 and all(_OF_SPLITS.search(entry.name) for entry in class_folders):
        names = ", ".join(readable_name(entry.name) for entry in class_folders)
        raise UsageError(
            f"{root} has the folders {names}, which are splits and not classes",
            hint="give the folder of one split, in which each class has a folder",
        )
    pictures: list[Path] = []
    labels: list[int] = []
    for label, class_folder in enumerate(class_folders):
        found = list_pictures(class_folder)
        if not found:
            raise UsageError(
                f"the class folder {class_folder} has no pictures", hint="add pictures or remove the folder"
            )
        pictures += found
        labels += [label] * len(found)
    classes = tuple(entry.name for entry in class_folders)
    return picture_dataset(folder.resolve().name, split, classes, tuple(labels), tuple(pictures), root)


def split_folder(folder: Path, split: str) -> Path:
    """The folder of a split, or the folder itself if it has no split folders."""
    if not folder.is_dir():
        raise UsageError(f"no folder {folder}", hint="check the path of the data set")
    names = _SPLIT_FOLDERS.get(split, (split,))
    for name in names:
        if (folder / name).is_dir():
            return folder / name
    other = _other_split_folders(folder)
    for entry, name in other.items():
        if name in names:
            return entry
    present = {entry.name for entry in folder.iterdir() if entry.is_dir()}
    divided = present & _SPLIT_NAMES | {entry.name for entry in other}
    if divided:
        raise UsageError(
            f"{folder} has no {split} split, only {', '.join(sorted(divided))}",
            hint=f"add a folder {names[0]}, or give another split",
        )
    return folder


def _other_split_folders(folder: Path) -> dict[Path, str]:
    """Folders of folders, which no class is, by the split's name that theirs holds."""
    entries = sorted(entry for entry in folder.iterdir() if is_class_folder(entry))
    names = {entry: _BESIDE_SPLIT.sub("", entry.name.lower()) for entry in entries}
    return {
        entry: name
        for entry, name in names.items()
        if name in _SPLIT_NAMES and any(map(is_class_folder, entry.iterdir()))
    }


def is_class_folder(entry: Path) -> bool:
    """Whether the entry is a folder that is neither hidden nor a system's own."""
    return entry.is_dir() and not _is_left_out(entry.name)


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name in _NO_CLASSES


def list_pictures(folder: Path) -> list[Path]:
    """All picture files below a folder, by their suffix or else by their content, sorted by path.

    What is hidden, or in a folder that is hidden or a system's own, is left out: these are copies.
    Links to nothing, as git-annex and DVC leave them, and FIFOs are among them by their suffix: they are
    counted later, with the reason why they cannot be read.
    """
    return sorted(
        path
        for path in folder.rglob("*")
        if not any(map(_is_left_out, path.relative_to(folder).parts))
        and not path.is_dir()
        and _is_picture(path)
    )


def _is_picture(path: Path) -> bool:
    if path.suffix.lower() in PICTURES:
        return True
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return _BEGINNING.match(file.read(16)) is not None
    except OSError:
        return True  # Counted later, with the reason why this file cannot be read.


def picture_dataset(
    name: str,
    split: str,
    classes: tuple[str, ...],
    labels: tuple[int, ...],
    pictures: tuple[Path, ...],
    root: Path,
) -> Dataset:
    """A data set of picture files, named by their paths below `root`."""
    names = tuple(readable_name(path.relative_to(root).as_posix()) for path in pictures)
    stats = [path.stat() if path.exists() else path.lstat() for path in pictures]
    versions = (f"{stat.st_size} {stat.st_mtime_ns}" for stat in stats)
    content = digest((str(root.resolve()), *names, *versions))
    return Dataset(
        name=readable_name(name),
        split=split,
        classes=tuple(map(readable_name, classes)),
        labels=labels,
        image_names=names,
        content=content,
        read=lambda index: decode_image(pictures[index]),
    )
