"""The RSA keys by which ADB devices know this computer: those that Google's adb uses."""

import base64
import contextlib
import functools
import os
import tempfile
from pathlib import Path

from adb_shell.auth.keygen import encode_pubkey, get_user_info, keygen
from adb_shell.auth.sign_cryptography import CryptographySigner
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from harness.errors import DeviceUnfit
from harness.system.files import read_regular_file
from harness.system.os_errors import describe, hint_for

KEY_BITS = 2048  # adbd takes no other
MAX_KEY_FILE_BYTES = 1 << 16
ANOTHER_KEY = "move the key away; a new one is made, which the device will ask about"


class Signer(CryptographySigner):  # type: ignore[misc]
    """adb-shell's signer; it reads no `.pub` file, which may be missing, damaged or another key's."""

    def __init__(self, path: Path, private: RSAPrivateKey) -> None:
        self.path = path
        self.rsa_key = private

    def GetPublicKey(self) -> bytes:
        """The public key in Android's form, and who this is."""
        try:
            key: bytes = base64.b64encode(encode_pubkey(str(self.path)))
            return key + str(get_user_info()).encode("utf-8", "replace")
        except (OSError, ValueError) as error:
            raise _unusable(self.path, str(error)) from error


def find_keys() -> tuple[Path, ...]:
    """The user's own key, made when there is none, then those of `ADB_VENDOR_KEYS` (files or folders).

    Raises:
        DeviceUnfit: nothing says where the user's own key is.
    """
    vendor = []
    for entry in os.environ.get("ADB_VENDOR_KEYS", "").split(os.pathsep):
        path = Path(entry)
        with contextlib.suppress(OSError):  # a folder that this user may not enter
            if entry and path.is_dir():
                vendor += sorted(path.glob("*.adb_key"))
            elif entry and path.exists():
                vendor.append(path)
    return (_android_folder() / "adbkey", *vendor)


def _android_folder() -> Path:
    if folder := os.environ.get("ANDROID_USER_HOME"):
        return Path(folder)
    try:
        return Path.home() / ".android"
    except RuntimeError as error:
        raise DeviceUnfit(
            "this user has no home folder, in which ADB keys are kept", hint="set HOME or ANDROID_USER_HOME"
        ) from error


def load_signers(keys: tuple[Path, ...]) -> tuple[Signer, ...]:
    """What signs a device's challenge, in the order of the keys; keys that do not exist are made.

    After the first, keys that cannot be used are left out, as Google's adb does.

    Raises:
        DeviceUnfit: the first key cannot be made or read.
    """
    signers = [_load(key) for key in keys[:1]]
    for key in keys[1:]:
        with contextlib.suppress(DeviceUnfit):
            signers.append(_load(key))
    return tuple(signers)


def _load(key: Path) -> Signer:
    try:
        if not key.exists():
            make_key(key)
        return Signer(key, _private_key(read_regular_file(key, MAX_KEY_FILE_BYTES)))
    except OSError as error:
        raise _unusable(key, describe(error), hint_for(error)) from error
    # TypeError: a password is needed. Any other: it is damaged, or of a kind that nobody uses for ADB.
    except TypeError as error:
        raise _unusable(key, "it is encrypted, and ADB keys have no password") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unusable(key, f"it is no RSA key of {KEY_BITS} bits in the form PEM") from error


@functools.lru_cache
def _private_key(content: bytes) -> RSAPrivateKey:
    """Kept, because checking an RSA key takes longer than all the rest of a second connection."""
    private = load_pem_private_key(content, password=None)
    if not isinstance(private, RSAPrivateKey) or private.key_size != KEY_BITS:
        raise ValueError("another kind of key")
    return private


def _unusable(key: Path, why: str, hint: str = "") -> DeviceUnfit:
    return DeviceUnfit(f"the ADB key {key} cannot be used: {why}", hint=hint or ANOTHER_KEY)


def make_key(key: Path) -> None:
    """Make a key pair that only this user can read, unless another process makes one first."""
    key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=key.parent, prefix=".adbkey-") as folder:
        made = Path(folder) / key.name
        public = made.with_name(made.name + ".pub")
        # Created before they are written: keygen leaves the modes to the umask.
        made.touch(mode=0o600)
        public.touch(mode=0o644)
        keygen(str(made))
        made.chmod(0o600)
        public.chmod(0o644)
        with contextlib.suppress(FileExistsError):
            os.link(made, key)
            public.replace(key.with_name(key.name + ".pub"))
