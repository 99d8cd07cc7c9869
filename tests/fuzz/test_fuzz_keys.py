"""Damaged ADB keys are used, or refused by their name; nothing of `cryptography` passes."""

import base64
import random
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from damaged_bytes import anywhere, change_bytes

from harness.errors import DeviceUnfit
from harness.transports.adb_keys import KEY_BITS, load_signers

MAX_SECONDS = 10


@pytest.fixture(scope="module")
def keys() -> list[bytes]:
    """PEM files of every form in which keys are kept."""
    private = generate_rsa(65537, KEY_BITS)
    forms = (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL, PrivateFormat.OpenSSH)
    return [
        *(private.private_bytes(Encoding.PEM, form, NoEncryption()) for form in forms),
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
        generate_ec(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ]


def damage(key: bytes, chance: random.Random) -> bytes:
    """Bytes of the text changed, or of what is written in it."""
    if chance.random() < 0.3:
        return change_bytes(key, chance, anywhere(chance))
    first, *lines, last = key.strip().split(b"\n")
    inside = base64.encodebytes(change_bytes(base64.b64decode(b"".join(lines)), chance, anywhere(chance)))
    return b"\n".join((first, inside.strip(), last, b""))


def test_damaged_keys_are_used_or_refused_by_name(keys: list[bytes], tmp_path: Path, fuzz_runs: int) -> None:
    file = tmp_path / "adbkey"
    for seed in range(fuzz_runs):
        chance = random.Random(f"keys {seed}")
        file.write_bytes(damage(chance.choice(keys), chance))
        start, refused = time.monotonic(), ""
        try:
            (signer,) = load_signers((file,))
            signer.Sign(bytes(20))
            signer.GetPublicKey()
        except DeviceUnfit as error:
            refused = error.what
        except BaseException as error:
            raise AssertionError(f"seed {seed}") from error
        assert not refused or "adbkey cannot be used: " in refused, f"seed {seed}"
        assert time.monotonic() - start < MAX_SECONDS, f"seed {seed}"
        assert [path.name for path in tmp_path.iterdir()] == ["adbkey"], f"seed {seed}"
