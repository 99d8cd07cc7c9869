"""Which QEMU counts instructions, and what is said when there is none."""

from pathlib import Path

import pytest

from fakes import install_fake_qemu
from harness.devices.emulator.debian import ensure_entry
from harness.devices.emulator.qemu import ensure_qemu, qemu_version
from harness.errors import BundleError


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> Path:
    """A machine whose programs are those put here; none so far."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_a_qemu_that_loads_plugins_is_used_as_it_is(programs: Path) -> None:
    install_fake_qemu(programs, "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)")
    assert ensure_qemu() == ("qemu-aarch64",)
    assert qemu_version() == "7.2.22"


def test_a_qemu_without_a_version_is_told(programs: Path) -> None:
    install_fake_qemu(programs, "unknown")
    with pytest.raises(BundleError, match="prints no version: 'qemu-aarch64 version unknown"):
        qemu_version()


def test_a_qemu_without_plugins_that_cannot_be_replaced_is_told(programs: Path) -> None:
    install_fake_qemu(programs, "10.0.13", plugins=False)
    with pytest.raises(
        BundleError, match=r"loads no plugins, and Debian 12's cannot be fetched: missing: "
    ) as caught:
        ensure_qemu()
    assert caught.value.hint.startswith("apt-get install ")


def test_a_failed_entry_leaves_nothing_behind(programs: Path, own_cache: Path) -> None:
    with pytest.raises(BundleError, match="missing: "):
        ensure_entry("qemu", "fetch_qemu.py", lambda line: None)
    assert [path.name for path in (own_cache / "qemu").iterdir()] == ["build.lock"]
