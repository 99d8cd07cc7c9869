"""What an error of the operating system means, in words, and what to do about it."""

import errno
import os

_HINTS = {
    errno.ENOSPC: "make room on that disk, or choose another folder; `harness run --resume` continues a run",
    errno.EDQUOT: "remove files of yours, or choose another folder; `harness run --resume` continues a run",
    errno.EROFS: "choose a folder on a disk that can be written",
    errno.EACCES: "check the owner and the permissions of the file and its folders",
    errno.EPERM: "check the owner and the permissions of the file and its folders",
    errno.ENOTDIR: "a part of the path is a file; choose another path",
    errno.EISDIR: "the path is a folder; name a file",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "allow more open files: `ulimit -n 4096`",
    errno.ENOMEM: "end other programs, or use fewer images or variants at a time",
    errno.EIO: "check the disk",
}


def describe(error: OSError) -> str:
    """What went wrong, with the files that it names."""
    named = [readable(os.fspath(name)) for name in (error.filename, error.filename2) if _is_path(name)]
    what = error.strerror or (os.strerror(error.errno) if error.errno else str(error))
    return ": ".join([what, " -> ".join(named)][: 1 + bool(named)])


def hint_for(error: OSError) -> str:
    """What to do about it; empty for an error that has no usual answer."""
    return _HINTS.get(error.errno or 0, "")


def _is_path(name: object) -> bool:
    return isinstance(name, (str, bytes, os.PathLike))


def readable(text: str | bytes) -> str:
    """Text that UTF-8 can encode; a byte that is not UTF-8 becomes `\\xe9`."""
    try:
        return os.fsencode(text).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half of a pair of surrogates, as JSON can hold
        return str(text).encode("utf-8", "backslashreplace").decode()
