"""The RSA keys that ADB devices know this computer by."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from harness.errors import DeviceUnfit
from harness.system.processes import run_local
from harness.transports.adb_keys import find_keys, load_signers, make_key


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ANDROID_USER_HOME", raising=False)
    monkeypatch.delenv("ADB_VENDOR_KEYS", raising=False)
    return tmp_path


def test_the_users_own_key_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor, folder = home / "vendor", home / "keys"
    folder.mkdir()
    for path in (vendor, folder / "b.adb_key", folder / "a.adb_key", folder / "other"):
        path.touch()
    monkeypatch.setenv(
        "ADB_VENDOR_KEYS", os.pathsep.join([str(vendor), str(home / "missing"), str(folder), ""])
    )
    assert find_keys() == (home / ".android/adbkey", vendor, folder / "a.adb_key", folder / "b.adb_key")


def test_a_key_that_does_not_exist_is_made_for_this_user_alone(home: Path) -> None:
    previous = os.umask(0)
    try:
        (signer,) = load_signers(find_keys())
    finally:
        os.umask(previous)
    key = home / ".android/adbkey"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert len(signer.Sign(bytes(20))) == 256
    assert sorted(path.name for path in key.parent.iterdir()) == ["adbkey", "adbkey.pub"]


def test_a_key_that_exists_is_kept(home: Path) -> None:
    key = home / "adbkey"
    make_key(key)
    private, public = key.read_bytes(), (home / "adbkey.pub").read_bytes()
    make_key(key)
    assert (key.read_bytes(), (home / "adbkey.pub").read_bytes()) == (private, public)


@pytest.mark.skipif(shutil.which("adb") is None, reason="Google's adb is not installed")
def test_keys_and_public_keys_are_google_adbs(home: Path) -> None:
    key, public = home / "adbkey", home / "adbkey.pub"
    assert run_local(["adb", "keygen", str(key)], timeout_s=30).exit_code == 0
    expected = public.read_bytes().split()[0]
    public.unlink()
    (signer,) = load_signers((key,))
    assert bytes(signer.GetPublicKey()).split()[0] == expected


def test_a_damaged_key_is_told(home: Path) -> None:
    (home / "adbkey").write_text("no key")
    (home / "adbkey.pub").write_text("no key")
    with pytest.raises(DeviceUnfit, match="cannot be used"):
        load_signers((home / "adbkey",))
