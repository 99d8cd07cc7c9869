"""Files are replaced whole: whatever goes wrong, a reader finds the old file or the new one."""

import hashlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.system.files import atomic_file, copy_atomically, hash_file, write_atomically

MEGABYTE = b"x" * 2**20


@contextmanager
def limited_file_size(size_bytes: int) -> Iterator[None]:
    """The kernel refuses to write more, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture
def umask() -> Iterator[Callable[[int], None]]:
    before = os.umask(0o022)

    def change(mask: int) -> None:
        os.umask(mask)

    yield change
    os.umask(before)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_text_and_bytes_are_written_and_nothing_is_left_beside(tmp_path: Path) -> None:
    write_atomically(tmp_path / "text", "0.25 µs\n")
    write_atomically(tmp_path / "bytes", b"\0\xff")
    assert (tmp_path / "text").read_bytes() == "0.25 µs\n".encode()
    assert (tmp_path / "bytes").read_bytes() == b"\0\xff"
    assert names_in(tmp_path) == ["bytes", "text"]


def test_an_error_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "cell.json"
    file.write_text("old")

    def write_and_stop() -> None:
        with atomic_file(file) as temporary:
            temporary.write_text("half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_stop()
    assert file.read_text() == "old"
    assert names_in(tmp_path) == ["cell.json"]


def test_a_process_that_is_killed_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "cell.json"
    file.write_text("old")
    script = (
        "import os, signal, sys; from pathlib import Path; from harness.system.files import atomic_file\n"
        "with atomic_file(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half of the n'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(file)], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    assert file.read_text() == "old"


def test_a_full_disk_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    file, source = tmp_path / "cell.json", tmp_path / "source"
    file.write_text("old")
    source.write_bytes(MEGABYTE)
    with limited_file_size(1000):
        with pytest.raises(OSError, match="too large"):
            write_atomically(file, MEGABYTE)
        with pytest.raises(OSError, match="too large"):
            copy_atomically(source, file)
    assert file.read_text() == "old"
    assert names_in(tmp_path) == ["cell.json", "source"]


def test_a_folder_at_the_destination_is_refused_and_stays(tmp_path: Path) -> None:
    folder = tmp_path / "cell.json"
    folder.mkdir()
    with pytest.raises(IsADirectoryError) as refused:
        write_atomically(folder, "new")
    assert refused.value.filename == str(folder)
    assert names_in(tmp_path) == ["cell.json"]
    assert folder.is_dir()


def test_a_device_is_refused_and_stays() -> None:
    with pytest.raises(OSError, match="it is a device") as refused:
        write_atomically(Path("/dev/null"), "new")
    assert refused.value.filename == "/dev/null"
    assert Path("/dev/null").is_char_device()


def test_an_error_names_the_file_and_not_the_temporary_one(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "file"
    with pytest.raises(FileNotFoundError) as refused:
        write_atomically(file, "new")
    assert refused.value.filename == str(file)


@pytest.mark.parametrize("mode", [0o600, 0o755, 0o444, 0o666])
def test_a_mode_holds_whatever_the_umask(tmp_path: Path, umask: Callable[[int], None], mode: int) -> None:
    for mask in (0o022, 0o077, 0o000):
        umask(mask)
        write_atomically(tmp_path / "file", "content", mode=mode)
        assert mode_of(tmp_path / "file") == mode


def test_without_a_mode_the_umask_decides(tmp_path: Path, umask: Callable[[int], None]) -> None:
    for mask, mode in ((0o022, 0o644), (0o077, 0o600)):
        umask(mask)
        write_atomically(tmp_path / "file", "content")
        assert mode_of(tmp_path / "file") == mode


def test_a_secret_is_at_no_time_readable_by_others(tmp_path: Path, umask: Callable[[int], None]) -> None:
    umask(0o000)
    with atomic_file(tmp_path / "key", mode=0o600) as temporary:
        assert mode_of(temporary) == 0o600
        temporary.write_text("secret")
        assert mode_of(temporary) == 0o600


def test_a_program_may_make_the_temporary_file_again(tmp_path: Path) -> None:
    """As linkers do, which remove what is at the path that they write to."""
    with atomic_file(tmp_path / "plugin.so", mode=0o755) as temporary:
        temporary.unlink()
        temporary.write_bytes(b"\x7fELF")
    assert (tmp_path / "plugin.so").read_bytes() == b"\x7fELF"
    assert mode_of(tmp_path / "plugin.so") == 0o755


def test_a_symbolic_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    elsewhere, link = tmp_path / "elsewhere", tmp_path / "link"
    elsewhere.write_text("untouched")
    link.symlink_to(elsewhere)
    write_atomically(link, "new")
    assert elsewhere.read_text() == "untouched"
    assert not link.is_symlink()
    assert link.read_text() == "new"


def test_a_link_put_in_the_place_of_the_temporary_file_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")

    def put_a_link() -> None:
        with atomic_file(tmp_path / "new") as temporary:
            temporary.unlink()
            temporary.symlink_to(secret)

    with pytest.raises(OSError, match="symbolic links"):
        put_a_link()
    assert names_in(tmp_path) == ["secret"]


def test_the_folder_may_be_reached_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    write_atomically(tmp_path / "link" / "file", "new")
    assert (tmp_path / "folder" / "file").read_text() == "new"


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / ("n" * 255), "new")
    assert (tmp_path / ("n" * 255)).read_text() == "new"


def test_of_concurrent_writers_one_is_whole_and_nothing_is_left_beside(tmp_path: Path) -> None:
    file = tmp_path / "cell.json"
    contents = [bytes([letter]) * 300_000 for letter in b"abcdefgh"]

    def write_and_read(content: bytes) -> bytes:
        write_atomically(file, content)
        return file.read_bytes()

    with ThreadPoolExecutor(max_workers=8) as executor:
        seen = list(executor.map(write_and_read, contents))
    assert set(seen) <= set(contents)
    assert names_in(tmp_path) == ["cell.json"]


def test_a_copy_has_the_content_and_not_the_mode(tmp_path: Path, umask: Callable[[int], None]) -> None:
    umask(0o022)
    source = tmp_path / "source"
    source.write_bytes(MEGABYTE)
    source.chmod(0o400)
    copy_atomically(source, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == MEGABYTE
    assert mode_of(tmp_path / "copy") == 0o644


def test_the_digest_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", MEGABYTE)
    assert hash_file(tmp_path / "file") == hashlib.sha256(MEGABYTE).hexdigest()
