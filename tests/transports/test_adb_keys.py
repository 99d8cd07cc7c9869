"""The RSA keys that ADB devices know this computer by."""

import os
import shutil
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

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


# Keys that are none ---------------------------------------------------------------------------------


def pem(private: PrivateKeyTypes, password: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = tmp_path_factory.mktemp("good") / "adbkey"
    make_key(key)
    return key


def refusal(key: Path) -> str:
    with pytest.raises(DeviceUnfit, match="cannot be used") as caught:
        load_signers((key,))
    assert caught.value.hint
    assert "\n" not in caught.value.what
    return caught.value.what.rpartition("cannot be used: ")[2]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no key",
        b"\0" * 100,
        b"-----BEGIN PRIVATE KEY-----\n",
        b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
        pem(ec.generate_private_key(ec.SECP256R1())),
        pem(ed25519.Ed25519PrivateKey.generate()),
        pem(rsa.generate_private_key(65537, 1024)),
    ],
    ids=["empty", "text", "zeros", "cut", "RSA in name only", "EC", "Ed25519", "1024 bits"],
)
def test_a_file_that_holds_no_key_for_adb_is_told(home: Path, content: bytes) -> None:
    (home / "adbkey").write_bytes(content)
    assert refusal(home / "adbkey") == "it is no RSA key of 2048 bits in the form PEM"


def test_an_encrypted_key_is_told(home: Path, good: Path) -> None:
    private = load_pem_private_key(good.read_bytes(), None)
    (home / "adbkey").write_bytes(pem(private, b"secret"))
    assert refusal(home / "adbkey") == "it is encrypted, and ADB keys have no password"


def test_a_fifo_a_folder_and_a_device_in_the_place_of_a_key_are_told_at_once(home: Path) -> None:
    os.mkfifo(home / "fifo")
    (home / "folder").mkdir()
    (home / "endless").symlink_to("/dev/zero")
    (home / "large").write_bytes(bytes(100_000))
    (home / "nowhere").symlink_to("missing/file")
    assert "not a regular file" in refusal(home / "fifo")
    assert "Is a directory" in refusal(home / "folder")
    assert "not a regular file" in refusal(home / "endless")
    assert "larger than" in refusal(home / "large")
    assert "No such file" in refusal(home / "nowhere")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_key_that_this_user_may_not_read_is_told(home: Path, good: Path) -> None:
    shutil.copy(good, home / "adbkey")
    (home / "adbkey").chmod(0)
    assert "Permission denied" in refusal(home / "adbkey")


@pytest.mark.parametrize("public", [None, b"", b"\xff\0 garbage"])
def test_the_public_key_is_that_of_the_private_one_whatever_stands_beside_it(
    home: Path, good: Path, public: bytes | None
) -> None:
    shutil.copy(good, home / "adbkey")
    if public is not None:
        (home / "adbkey.pub").write_bytes(public)
    (signer,) = load_signers((home / "adbkey",))
    assert signer.GetPublicKey() == good.with_name("adbkey.pub").read_bytes()


def test_a_vendor_key_that_cannot_be_used_takes_no_good_one_with_it(home: Path, good: Path) -> None:
    (home / "bad").write_text("no key")
    assert [signer.path for signer in load_signers((good, home / "bad", good))] == [good, good]


def test_a_user_without_a_home_folder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(DeviceUnfit, match="no home folder") as caught:
        find_keys()
    assert "ANDROID_USER_HOME" in caught.value.hint


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_keys_keep_their_modes_under_any_umask(home: Path, umask: int) -> None:
    previous = os.umask(umask)
    try:
        load_signers(find_keys())
    finally:
        os.umask(previous)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (home / ".android").iterdir()}
    assert modes == {"adbkey": 0o600, "adbkey.pub": 0o644}
    assert stat.S_IMODE((home / ".android").stat().st_mode) == 0o700
