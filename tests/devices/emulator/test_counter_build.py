from pathlib import Path

import pytest

from fakes import install_fake_qemu
from harness.devices.emulator.instruction_counter import ensure_instruction_counter, plugin_api_version
from harness.errors import BundleError


@pytest.mark.parametrize(
    ("qemu", "plugin"), [("7.2.22", 1), ("8.2.2", 1), ("9.0.0", 2), ("10.0.3", 2), ("11.1", 2)]
)
def test_the_plugin_interface_follows_qemus_version(qemu: str, plugin: int) -> None:
    assert plugin_api_version(qemu) == plugin


def test_a_missing_qemu_is_told_with_its_package(no_compilers: None, own_cache: Path) -> None:
    with pytest.raises(BundleError) as raised:
        ensure_instruction_counter()
    assert (raised.value.what, raised.value.hint) == (
        "qemu-aarch64 is not installed",
        "sudo apt-get install qemu-user",
    )


def test_a_missing_compiler_is_told_with_its_package(
    no_compilers: None, own_cache: Path, tmp_path: Path
) -> None:
    install_fake_qemu(tmp_path / "nothing", "7.2.0")
    with pytest.raises(BundleError, match="needs a C compiler") as raised:
        ensure_instruction_counter()
    assert raised.value.hint == "sudo apt-get install gcc"
