"""Which bundle a device gets, by what its kernel and its userland say."""

from pathlib import Path

import pytest

from harness.devices.device import describe
from harness.errors import DeviceUnfit
from harness.records import DeviceInfo
from harness.transports.local import LocalTransport

# machine, what Android says of ABIs (None: not Android), the word size of its shell, the bundle
KNOWN = [
    ("aarch64", "arm64-v8a,armeabi-v7a,armeabi", "64", "arm64-v8a"),
    ("aarch64", "arm64-v8a", "64", "arm64-v8a"),  # Pixel 7 and later: no 32-bit programs
    ("x86_64", "x86_64,arm64-v8a", "64", "x86_64"),  # an AVD that can translate ARM
    ("x86_64", "x86_64,x86", "64", "x86_64"),
    ("aarch64", None, "64", "arm64-v8a"),
    ("x86_64", None, "64", "x86_64"),
]
REFUSED = [
    ("armv7l", None, "32"),  # Raspberry Pi OS 32-bit
    ("aarch64", None, "32"),  # the same with a 64-bit kernel, its default on a Pi 4
    ("aarch64", "armeabi-v7a,armeabi", "32"),  # a 32-bit Android on a 64-bit core
    ("i686", "x86", "32"),
    ("riscv64", None, "64"),
]


def ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, abis: str | None, bits: str
) -> DeviceInfo:
    """Describe a device whose programs say so."""
    programs = tmp_path / "bin"
    programs.mkdir()
    said = {
        "uname": f"case $1 in -m) echo {machine} ;; *) echo 6.1 ;; esac",
        "getconf": f"echo {bits}",
    }
    if abis is not None:
        said["getprop"] = f"case $1 in *abilist) echo {abis} ;; *release) echo 14 ;; esac"
    for name, script in said.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("HARNESS_PROBE_ROOT", str(tmp_path))
    return describe(LocalTransport(), name="it", kind="android", folder=str(tmp_path))[0]


@pytest.mark.parametrize(("machine", "abis", "bits", "bundle"), KNOWN)
def test_the_bundle_is_the_userlands(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    machine: str,
    abis: str | None,
    bits: str,
    bundle: str,
) -> None:
    assert ask(tmp_path, monkeypatch, machine, abis, bits).abi == bundle


@pytest.mark.parametrize(("machine", "abis", "bits"), REFUSED)
def test_a_32_bit_userland_is_refused_whatever_the_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, abis: str | None, bits: str
) -> None:
    with pytest.raises(DeviceUnfit, match="no runner for this device") as caught:
        ask(tmp_path, monkeypatch, machine, abis, bits)
    assert "64-bit" in caught.value.hint


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeviceUnfit, match=r"^/proc/1 cannot be written") as caught:
        describe(LocalTransport(), name="it", kind="host", folder="/proc/1")
    assert "devices.toml" in caught.value.hint
