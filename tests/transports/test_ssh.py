"""What ssh says, and what sshd does with those it should not let in."""

import re
import stat
import tempfile
import time
from pathlib import Path

import pytest
from device_bench import Bench

from harness.errors import ConnectionLost, DeviceError, DeviceUnfit, UsageError
from harness.system.child_processes import running
from harness.system.processes import run_local
from harness.transports.ssh import SshTransport
from harness.transports.ssh_failures import failure


@pytest.mark.parametrize("destination", ["", "-oProxyCommand=touch pwned"])
def test_a_destination_is_never_taken_for_an_option(destination: str) -> None:
    with pytest.raises(UsageError, match="not an SSH destination"):
        SshTransport(destination)


@pytest.mark.parametrize(
    ("log", "kind", "what"),
    [
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            DeviceUnfit,
            "not the one",
        ),
        ("No ED25519 host key is known for pi\nHost key verification failed.", DeviceUnfit, "not known"),
        ("pi@pi: Permission denied (publickey,password).", DeviceUnfit, "does not accept"),
        (
            "ssh: Could not resolve hostname pi: Name or service not known",
            DeviceUnfit,
            "no host has this name",
        ),
        ("command-line: line 0: Bad configuration option: foo", DeviceUnfit, "configuration"),
        ("ssh: connect to host pi port 22: Connection refused", ConnectionLost, "no program listens"),
        ("ssh: connect to host pi port 22: Connection timed out", ConnectionLost, "does not answer"),
        ("Timeout, server pi not responding.", ConnectionLost, "does not answer"),
        ("Connection to pi closed by remote host.", ConnectionLost, "before the command's end"),
        ("", ConnectionLost, "before the command's end"),
    ],
)
def test_sshs_messages_are_understood(log: str, kind: type[DeviceError], what: str) -> None:
    found = failure(log.encode(), "pi@pi")
    assert type(found) is kind
    assert what in found.what


@pytest.mark.parametrize(
    ("destination", "hint"),
    [
        ("pi:2222", "give a port in ~/.ssh/config, or as port = 2222 in devices.toml"),
        ("me@pi:22", "give a port"),
        ("pi", "check the name"),
        ("fe80::1", "check the name"),
    ],
)
def test_a_port_in_the_name_of_a_host_is_recognized(destination: str, hint: str) -> None:
    found = failure(f"ssh: Could not resolve hostname {destination}: unknown".encode(), destination)
    assert hint in found.hint


def test_the_mends_name_the_port() -> None:
    found = failure(b"REMOTE HOST IDENTIFICATION HAS CHANGED", "me@pi", 2222)
    assert "ssh-keygen -R '[pi]:2222'" in found.hint
    assert "ssh -p 2222 me@pi" in found.hint


def test_the_command_that_removes_a_key_has_the_name_and_file_of_ssh_and_can_be_copied(
    tmp_path: Path,
) -> None:
    known_hosts = tmp_path / "known hosts"
    key = make_ssh_key(tmp_path / "key").with_name("key.pub").read_text().split()[1]
    known_hosts.write_text(f"[127.0.0.1]:2222 ssh-ed25519 {key}\nother ssh-ed25519 {key}\n")
    log = (
        f"Offending ED25519 key in {known_hosts}:1\n"
        "Host key for [127.0.0.1]:2222 has changed and you have requested strict checking.\n"
    )
    # An alias of the user's configuration, which has another name and port.
    hint = failure(log.encode(), "pi@board").hint
    command = re.search(r"`(ssh-keygen [^`]*)`", hint)
    assert command
    assert command[1] == f"ssh-keygen -f '{known_hosts}' -R '[127.0.0.1]:2222'"
    run_local(["sh", "-c", command[1]], timeout_s=30).check()
    assert known_hosts.read_text() == f"other ssh-ed25519 {key}\n"


def test_control_characters_in_a_message_are_not_shown() -> None:
    assert "\x1b" not in failure(b"\x1b[2Jkex_exchange_identification", "pi").what


def test_nobody_listening_is_told(closed_port: int) -> None:
    transport = SshTransport("127.0.0.1", port=closed_port, options=("-F", "none"))
    with pytest.raises(ConnectionLost, match="no program listens"):
        transport.run(["true"], timeout_s=10)
    transport.close()


# sshd itself --------------------------------------------------------------------------------------


def try_in(bench: Bench, **options: Path) -> None:
    transport = SshTransport(
        f"{bench.machine.ssh_user}@127.0.0.1",
        port=bench.machine.ssh_port,
        options=bench.ssh_options(**options),
    )
    try:
        transport.run(["true"], timeout_s=30)
    finally:
        transport.close()


def make_ssh_key(path: Path) -> Path:
    run_local(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], timeout_s=30).check()
    return path


@pytest.mark.slow
@pytest.mark.device
def test_an_unknown_host_key_is_refused(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(DeviceUnfit, match="host key is not known") as caught:
        try_in(bench, known_hosts=tmp_path / "empty")
    assert f"ssh -p {bench.machine.ssh_port}" in caught.value.hint
    assert not (tmp_path / "empty").exists()


@pytest.mark.slow
@pytest.mark.device
def test_a_changed_host_key_is_refused(bench: Bench, tmp_path: Path) -> None:
    other = make_ssh_key(tmp_path / "other").with_name("other.pub").read_text().split()[1]
    (tmp_path / "changed").write_text(f"[127.0.0.1]:{bench.machine.ssh_port} ssh-ed25519 {other}\n")
    with pytest.raises(DeviceUnfit, match="not the one known for it") as caught:
        try_in(bench, known_hosts=tmp_path / "changed")
    assert f"-R '[127.0.0.1]:{bench.machine.ssh_port}'" in caught.value.hint


@pytest.mark.slow
@pytest.mark.device
def test_an_unknown_user_key_is_refused_without_asking(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(DeviceUnfit, match="does not accept this user's SSH keys"):
        try_in(bench, key=make_ssh_key(tmp_path / "stranger"))


@pytest.mark.slow
@pytest.mark.device
def test_the_shared_connection_is_private_and_ends_with_close(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        transport = bench.connect("ssh")
        transport.run(["true"], timeout_s=30).check()
        (folder,) = Path(short).iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert (folder / "socket").is_socket()
        transport.close()
        assert list(Path(short).iterdir()) == []


@pytest.mark.slow
@pytest.mark.device
def test_a_long_temporary_folder_is_no_obstacle(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("a" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    transport = bench.connect("ssh")
    assert transport.run(["echo", "in"], timeout_s=30).stdout == b"in\n"
    transport.close()
    assert list(long.iterdir()) == []


# The user's own ways ------------------------------------------------------------------------------


CONFIG = """
Host jump
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {key}
Host pi
  # As the jump host sees it.
  HostName 127.0.0.1
  Port 22
  User {user}
  IdentityFile {key}
  ProxyJump jump
Host *
  HostKeyAlias [127.0.0.1]:{port}
  UserKnownHostsFile {known_hosts}
  GlobalKnownHostsFile none
"""


@pytest.mark.slow
@pytest.mark.device
def test_the_configuration_with_its_jump_hosts_and_known_hosts_is_honoured(
    bench: Bench, tmp_path: Path
) -> None:
    machine = bench.machine
    config, known_hosts = tmp_path / "config", tmp_path / "known_hosts"
    config.write_text(
        CONFIG.format(
            port=bench.port("ssh"), user=machine.ssh_user, key=machine.ssh_key, known_hosts=known_hosts
        )
    )
    transport = SshTransport("pi", options=("-F", str(config)))
    with pytest.raises(DeviceUnfit, match="host key is not known"):
        transport.run(["true"], timeout_s=60)
    # What is known to the machine's own file is known under its alias, too.
    key = machine.known_hosts.read_text().split(" ", 1)[1]
    known_hosts.write_text(f"[127.0.0.1]:{machine.ssh_port} {key}")
    answer = transport.run(["sh", "-c", 'echo "$SSH_CONNECTION"'], timeout_s=60).check().text
    transport.close()
    # Without the jump, the machine sees QEMU's address instead of its own.
    assert answer.startswith(("127.0.0.1 ", "::1 "))


@pytest.mark.slow
@pytest.mark.device
def test_the_agents_keys_are_used(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = bench.port("ssh")
    options = (
        *("-F", "none", "-i", str(tmp_path / "missing"), "-o", "StrictHostKeyChecking=yes"),
        *("-o", f"UserKnownHostsFile={bench.machine.known_hosts}"),
    )
    with running(["ssh-agent", "-D", "-a", str(tmp_path / "agent")]):
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        while not (tmp_path / "agent").exists():
            time.sleep(0.05)
        run_local(["ssh-add", "-q", str(bench.machine.ssh_key)], timeout_s=30).check()
        transport = SshTransport(f"{bench.machine.ssh_user}@127.0.0.1", port=port, options=options)
        assert transport.run(["echo", "in"], timeout_s=60).stdout == b"in\n"
        transport.close()
