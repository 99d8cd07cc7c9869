from pathlib import Path

import pytest

from harness.bundle import ensure_instruction_counter
from harness.bundle.instruction_counter import plugin_api_version
from harness.errors import BundleError


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("qemu-aarch64 version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright (c) 2003-2022", 1),
        ("qemu-aarch64 version 8.2.2 (Debian 1:8.2.2+ds-0ubuntu1)", 1),
        ("qemu-aarch64 version 9.0.0", 2),
        ("qemu-aarch64 version 10.0.3 (Debian 1:10.0.3+ds-0+deb13u1)", 2),
    ],
)
def test_the_plugin_interface_follows_qemus_version(told: str, version: int) -> None:
    assert plugin_api_version(told) == version


def test_a_qemu_without_a_version_is_told() -> None:
    with pytest.raises(BundleError, match="prints no version: 'segmentation fault'"):
        plugin_api_version("segmentation fault\n")


def test_a_missing_qemu_is_told_with_its_package(no_compilers, own_cache: Path) -> None:
    with pytest.raises(BundleError) as raised:
        ensure_instruction_counter()
    assert (raised.value.what, raised.value.mend) == (
        "qemu-aarch64 is not installed",
        "sudo apt-get install qemu-user",
    )


def test_a_missing_compiler_is_told_with_its_package(no_compilers, own_cache: Path, tmp_path: Path) -> None:
    qemu = tmp_path / "nothing" / "qemu-aarch64"
    qemu.parent.mkdir()
    qemu.write_text("#!/bin/sh\necho qemu-aarch64 version 7.2.0\n")
    qemu.chmod(0o755)
    with pytest.raises(BundleError, match="needs a C compiler") as raised:
        ensure_instruction_counter()
    assert raised.value.mend == "sudo apt-get install gcc"
