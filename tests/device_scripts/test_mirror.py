"""Where the ARM machine's packages come from, on Debian, on Ubuntu and on neither."""

import importlib
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness.system.paths import DEVICE_SCRIPTS

DEBOOTSTRAP = """#!/bin/sh
set -e
DEF_MIRROR="http://default.invalid/debian"
DEF_HTTPS_MIRROR="https://default.invalid/debian"
MIRRORS="$DEF_MIRROR"
"""
DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_CODENAME=trixie\nID=debian\n'
UBUNTU = "ID=ubuntu\nVERSION_CODENAME=noble\nID_LIKE=debian\n"


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DEVICE_SCRIPTS / "arm_vm"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delenv("HARNESS_DEBIAN_MIRROR", raising=False)
    return importlib.import_module("mirror")


def make_root(root: Path, os_release: str, sources: str, debootstrap: str | None = DEBOOTSTRAP) -> Path:
    """A machine with these files; its programs are in `bin`."""
    (root / "bin").mkdir()
    if debootstrap is not None:
        (root / "bin/debootstrap").write_text(debootstrap)
        (root / "bin/debootstrap").chmod(0o755)
    (root / "etc/apt/sources.list.d").mkdir(parents=True)
    (root / "etc/os-release").write_text(os_release)
    (root / "etc/apt/sources.list.d/system.sources").write_text(sources)
    return root


def deb822(uri: str, suite: str) -> str:
    return f"Types: deb\nURIs: {uri}\nSuites: {suite} {suite}-updates\nComponents: main universe\n"


def test_debian_is_asked_for_its_own_mirror(tmp_path: Path, mirror: ModuleType) -> None:
    root = make_root(tmp_path, DEBIAN, deb822("http://near.invalid/debian", "trixie"))
    assert mirror.debian_mirror(root, path=str(root / "bin")) == "http://near.invalid/debian"


def test_debian_without_a_mirror_of_its_release_takes_the_default(tmp_path: Path, mirror: ModuleType) -> None:
    root = make_root(tmp_path, DEBIAN, deb822("http://vendor.invalid/apt", "vendor"))
    disc = "cdrom:[Debian GNU/Linux 13.1.0 _Trixie_ - Official amd64 DVD Binary-1 20250906-10:22]/"
    (root / "etc/apt/sources.list").write_text(f"deb {disc} trixie main\ndeb cdrom:[disc]/ trixie main\n")
    assert mirror.debian_mirror(root, path=str(root / "bin")) == "http://default.invalid/debian"


def test_ubuntu_takes_debians_default_mirror(tmp_path: Path, mirror: ModuleType) -> None:
    root = make_root(tmp_path, UBUNTU, deb822("http://ubuntu.invalid/ubuntu", "noble"))
    assert mirror.debian_mirror(root, path=str(root / "bin")) == "http://default.invalid/debian"


@pytest.mark.parametrize("debootstrap", [None, "", "DEF_MIRROR=$MIRROR\n", 'DEF_MIRROR=""\n'])
def test_where_nothing_names_a_mirror_a_hint_is_given(
    tmp_path: Path, mirror: ModuleType, debootstrap: str | None
) -> None:
    root = make_root(tmp_path, UBUNTU, deb822("http://ubuntu.invalid/ubuntu", "noble"), debootstrap)
    with pytest.raises(mirror.BuildFailed, match="hint: apt-get install debootstrap") as caught:
        mirror.debian_mirror(root, path=str(root / "bin"))
    assert "HARNESS_DEBIAN_MIRROR" in str(caught.value)


def test_the_debootstrap_installed_here_names_a_mirror(tmp_path: Path, mirror: ModuleType) -> None:
    if shutil.which("debootstrap", path=mirror.PATH) is None:
        pytest.skip("debootstrap is not installed (apt-get install debootstrap)")
    root = make_root(tmp_path, UBUNTU, deb822("http://ubuntu.invalid/ubuntu", "noble"))
    assert mirror.debian_mirror(root).startswith("http")


def test_the_environment_names_another_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: ModuleType
) -> None:
    root = make_root(tmp_path, DEBIAN, deb822("http://near.invalid/debian", "trixie"))
    monkeypatch.setenv("HARNESS_DEBIAN_MIRROR", "http://mine.invalid/debian")
    assert mirror.debian_mirror(root) == "http://mine.invalid/debian"


def test_one_line_sources_are_read(mirror: ModuleType) -> None:
    text = """
        # deb http://commented.invalid/debian bookworm main
        deb-src http://sources.invalid/debian bookworm main
        deb [arch=amd64 signed-by=/a.gpg] http://mirror.invalid/debian bookworm main contrib # mine
        deb\thttp://plain.invalid/debian bookworm-updates main
    """
    assert list(mirror.parse_list(text)) == [
        ("http://mirror.invalid/debian", ["bookworm"], ["main", "contrib"]),
        ("http://plain.invalid/debian", ["bookworm-updates"], ["main"]),
    ]


def test_deb822_sources_are_read(mirror: ModuleType) -> None:
    text = (
        "Types: deb deb-src\n# a comment within\nURIs: http://one.invalid/debian\n  http://two.invalid/debian\n"
        "Suites: trixie trixie-updates\nComponents: main\n\n"
        "Enabled: no\nTypes: deb\nURIs: http://off.invalid\nSuites: trixie\nComponents: main\n\n"
        "Types: deb-src\nURIs: http://sources.invalid\nSuites: trixie\nComponents: main\n"
    )
    assert list(mirror.parse_deb822(text)) == [
        ("http://one.invalid/debian", ["trixie", "trixie-updates"], ["main"]),
        ("http://two.invalid/debian", ["trixie", "trixie-updates"], ["main"]),
    ]
