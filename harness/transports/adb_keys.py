"""The RSA keys by which ADB devices know this computer: those that Google's adb uses."""

import contextlib
import functools
import os
import tempfile
from pathlib import Path

from adb_shell.auth.keygen import keygen, write_public_keyfile
from adb_shell.auth.sign_cryptography import CryptographySigner

from harness.errors import DeviceUnfit


def find_keys() -> tuple[Path, ...]:
    """The user's own key, made when there is none, then those of `ADB_VENDOR_KEYS` (files or folders)."""
    own = Path(os.environ.get("ANDROID_USER_HOME") or Path.home() / ".android") / "adbkey"
    vendor = []
    for entry in os.environ.get("ADB_VENDOR_KEYS", "").split(os.pathsep):
        path = Path(entry)
        if entry and path.is_dir():
            vendor += sorted(path.glob("*.adb_key"))
        elif entry and path.is_file():
            vendor.append(path)
    return (own, *vendor)


def load_signers(keys: tuple[Path, ...]) -> tuple[CryptographySigner, ...]:
    """What signs a device's challenge, in the order of the keys; keys that do not exist are made.

    Raises:
        DeviceUnfit: a key cannot be made or read.
    """
    return tuple(_load(key) for key in keys)


def _load(key: Path) -> CryptographySigner:
    try:
        if not key.exists():
            make_key(key)
        public = key.with_name(key.name + ".pub")
        if not public.exists():
            write_public_keyfile(str(key), str(public))
        return _signer(key, key.stat().st_mtime_ns)
    except (OSError, ValueError) as error:
        raise DeviceUnfit(
            f"the ADB key {key} cannot be used: {error}",
            hint="move the key away; a new one is made, which the device will ask about",
        ) from error


@functools.lru_cache
def _signer(key: Path, modified_ns: int) -> CryptographySigner:
    """Kept, because checking an RSA key takes longer than all the rest of a second connection."""
    return CryptographySigner(str(key))


def make_key(key: Path) -> None:
    """Make a key pair that only this user can read, unless another process makes one first."""
    key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=key.parent, prefix=".adbkey-") as folder:
        made = Path(folder) / key.name
        # Created before it is written: keygen leaves the mode to the umask.
        made.touch(mode=0o600)
        keygen(str(made))
        with contextlib.suppress(FileExistsError):
            os.link(made, key)
            made.with_name(made.name + ".pub").replace(key.with_name(key.name + ".pub"))
