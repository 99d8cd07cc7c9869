import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import BundleError
from harness.records import Abi
from harness.runner.bundle.contents import read_bundle, read_sums, write_sums

DIGEST = "0" * 64


def test_sums_are_read_by_name() -> None:
    assert read_sums(f"{DIGEST}  runner\n{'1' * 64}  libc.so.6\n") == {
        "runner": DIGEST,
        "libc.so.6": "1" * 64,
    }


@pytest.mark.parametrize(
    "line",
    [
        f"{DIGEST}  ../runner",
        f"{DIGEST}  /runner",
        f"{DIGEST}  a b",
        f"{DIGEST[1:]}  runner",
        f"{DIGEST.replace('0', 'G')}  runner",
        f"{DIGEST} runner",
        f"{DIGEST}  SHA256SUMS",
        f"{DIGEST}  twice\n{DIGEST}  twice",
    ],
)
def test_anything_but_a_name_and_its_digest_is_refused(line: str) -> None:
    with pytest.raises(BundleError, match="SHA256SUMS has a malformed or repeated line"):
        read_sums(line)


def test_a_missing_library_is_named_even_when_the_sums_do_not_have_it(
    copy_bundle: Callable[[Abi], Path],
) -> None:
    folder = copy_bundle("arm64-v8a")
    (folder / "libm.so.6").unlink()
    sums = (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
    (folder / "SHA256SUMS").write_text("".join(line for line in sums if "libm.so.6" not in line))
    with pytest.raises(BundleError, match=r"is damaged: libm\.so\.6$"):
        read_bundle(folder, "arm64-v8a")


def test_a_file_too_many_is_named(copy_bundle: Callable[[Abi], Path]) -> None:
    folder = copy_bundle("arm64-v8a")
    (folder / "libmore.so").touch()
    with pytest.raises(BundleError, match=r"is damaged: libmore\.so$"):
        read_bundle(folder, "arm64-v8a")


def test_a_changed_file_is_named(copy_bundle: Callable[[Abi], Path]) -> None:
    folder = copy_bundle("arm64-v8a")
    (folder / "runner").write_bytes(b"")
    with pytest.raises(BundleError, match=r"is damaged: runner$"):
        read_bundle(folder, "arm64-v8a")


def test_a_bundle_of_the_other_abi_is_refused(copy_bundle: Callable[[Abi], Path]) -> None:
    with pytest.raises(BundleError, match=r"is damaged: ld-linux-x86-64\.so\.2$"):
        read_bundle(copy_bundle("arm64-v8a"), "x86_64")


def test_a_program_of_another_abi_is_named_even_where_the_sums_agree(
    copy_bundle: Callable[[Abi], Path],
) -> None:
    folder, other = copy_bundle("arm64-v8a"), copy_bundle("x86_64")
    (folder / "runner").write_bytes((other / "runner").read_bytes())
    write_sums(folder)
    with pytest.raises(BundleError, match=r"is not of arm64-v8a: runner$"):
        read_bundle(folder, "arm64-v8a")


def test_a_linked_file_is_refused(copy_bundle: Callable[[Abi], Path], tmp_path: Path) -> None:
    folder = copy_bundle("arm64-v8a")
    (folder / "runner").rename(tmp_path / "elsewhere")
    (folder / "runner").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match=r"cannot be read: .*is a symbolic link"):
        read_bundle(folder, "arm64-v8a")


@pytest.mark.parametrize("name", ["SHA256SUMS", "runner"])
def test_a_fifo_in_a_bundle_is_refused_and_not_waited_for(
    copy_bundle: Callable[[Abi], Path], name: str
) -> None:
    folder = copy_bundle("arm64-v8a")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(BundleError, match=r"cannot be read: .*not a regular file"):
        read_bundle(folder, "arm64-v8a")


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be read"):
        read_bundle(tmp_path / "nosuch", "x86_64")
