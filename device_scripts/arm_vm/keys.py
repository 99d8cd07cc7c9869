"""The keys of one built machine: only users who can read this folder can log in."""

from pathlib import Path

from commands import run

HOST_KEY = "ssh_host_ed25519_key"


def make_keys(folder: Path, root: Path) -> None:
    """Write the clients' keys and `known_hosts` to `folder`, their counterparts into the guest's tree."""
    _make_ssh_key(folder / "ssh_key", "harness")
    make_adb_key(folder, root)
    host_key = root / "etc/ssh" / HOST_KEY
    _make_ssh_key(host_key, "arm-vm")
    algorithm, key, _ = host_key.with_suffix(".pub").read_text().split()
    # The port changes from boot to boot, the host key does not.
    (folder / "known_hosts").write_text(f"[127.0.0.1]:* {algorithm} {key}\n")
    authorized = root / "home/harness/.ssh/authorized_keys"
    authorized.write_text((folder / "ssh_key.pub").read_text())
    authorized.chmod(0o600)


def make_adb_key(folder: Path, root: Path) -> None:
    """Write a client's key to `folder`, and to the guest's tree that its adbd accepts it."""
    run("adb", "keygen", folder / "adb_key")
    (folder / "adb_key").chmod(0o600)
    (root / "adb_keys").write_text((folder / "adb_key.pub").read_text())
    (root / "adb_keys").chmod(0o644)


def _make_ssh_key(path: Path, comment: str) -> None:
    path.unlink(missing_ok=True)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path)
