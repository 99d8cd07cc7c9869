"""What each call of ssh is given, and a login shell that prints, with an ssh that runs commands here."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import ConnectionLost, DeviceUnfit, TransferFailed
from harness.system.processes import run_local
from harness.transports.ssh import SshTransport, _newer_options

FAKE = """#!/bin/sh
printf '%s\\n' "$*" >>"$CALLS"
for word; do
    case $word in ControlPath=*) path=${word#ControlPath=} ;; esac
    last=$word
done
case "$*" in *ControlMaster=yes*) : >"$path" ;; esac
case "$last" in exec*) echo Welcome; echo "to stderr" >&2; ${LOGIN_SHELL:-sh} -c "$last" ;; esac
"""


def filter_found(*programs: str) -> list[str]:
    """The paths of those that are installed."""
    return [path for path in map(shutil.which, programs) if path]


@pytest.fixture(autouse=True)
def forget_the_version() -> Iterator[None]:
    _newer_options.cache_clear()
    yield
    _newer_options.cache_clear()


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ssh").write_text(FAKE)
    (tmp_path / "bin" / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


@pytest.mark.usefixtures("calls")
def test_a_login_shell_that_prints_changes_no_answer_and_no_pulled_file(tmp_path: Path) -> None:
    transport = SshTransport("board")
    assert transport.run(["echo", "answer"], timeout_s=10).stdout == b"answer\n"
    assert transport.run(["true"], timeout_s=10).stdout == b""
    content = bytes(range(256)) * 12_000
    (tmp_path / "source").write_bytes(content)
    transport.push(tmp_path / "source", str(tmp_path / "remote"))
    transport.pull(str(tmp_path / "remote"), tmp_path / "pulled")
    assert (tmp_path / "pulled").read_bytes() == content
    with pytest.raises(TransferFailed, match="remote is longer than 3,071,999 bytes"):
        transport.pull(str(tmp_path / "remote"), tmp_path / "again", longest_bytes=len(content) - 1)
    assert not (tmp_path / "again").exists()
    transport.close()


def test_no_call_forwards_the_agent_a_port_or_the_display(calls: Path) -> None:
    transport = SshTransport("board", options=("-o", "ForwardAgent=yes"))
    transport.run(["true"], timeout_s=10)
    transport.close()
    lines = calls.read_text().splitlines()
    assert sum(" board" in line for line in lines) == 3
    for line in lines:
        if " board" in line:
            assert line.startswith("-o ForwardAgent=no -o ClearAllForwardings=yes -o Tunnel=no ")
            assert " -a -x " in line


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize("name", ["a b", "a%h", 'a"b', "a'b", "${HOME}"])
def test_the_socket_is_never_in_a_folder_whose_name_has_a_meaning_for_ssh(
    name: str, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        (Path(short) / name).mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(Path(short) / name))
        transport = SshTransport("board")
        transport.run(["true"], timeout_s=10)
        transport.close()
        assert list((Path(short) / name).iterdir()) == []
    assert f"ControlPath={short}" not in calls.read_text()


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize("shell", filter_found("bash", "mksh", "tcsh", "fish"))
def test_any_login_shell_will_do(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGIN_SHELL", shell)
    transport = SshTransport("board")
    words = ["a\nb", "!x", "a\\\\b", "it's", "$HOME"]
    assert transport.run(["printf", "%s|", *words], timeout_s=10).text == "|".join(words) + "|"
    transport.close()


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize("shell", filter_found("rbash", "/usr/sbin/nologin", "/bin/false"))
def test_a_login_shell_that_runs_no_commands_is_told(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGIN_SHELL", shell)
    transport = SshTransport("board")
    with pytest.raises(DeviceUnfit, match="login shell there does not run the harness's commands"):
        transport.run(["true"], timeout_s=10)


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize("prints", ["", "echo '1) Set up  2) Log out'; "])
def test_a_login_shell_that_ends_well_without_the_command_is_told(
    prints: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `exit` or `exec fish` in .bashrc (fish-shell/fish-shell#8036), a board's menu.
    (tmp_path / "login").write_text(f"#!/bin/sh\n{prints}exit 0\n")
    (tmp_path / "login").chmod(0o755)
    monkeypatch.setenv("LOGIN_SHELL", str(tmp_path / "login"))
    with pytest.raises(DeviceUnfit, match="login shell there does not run the harness's commands"):
        SshTransport("board").run(["true"], timeout_s=10)


@pytest.mark.skipif(shutil.which("ssh") is None, reason="OpenSSH's ssh is not installed")
@pytest.mark.parametrize(
    "destination",
    [
        "board",
        "pi@board",
        "first.last@corp@board",
        "pi@::1",
        "fe80::1%eth0",
        "ssh://pi@board:2222",
        "a" * 200,
    ],
)
def test_ssh_itself_takes_the_options_whatever_the_user_has_configured(
    destination: str, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text(
        "RemoteCommand uptime\nRequestTTY force\nForwardAgent yes\nForwardX11 yes\nLocalForward 5000 a:5000\n"
        "Tunnel yes\nLogLevel QUIET\nBatchMode no\nControlPath /nowhere/%h\n"
        "StdinNull yes\nSessionType subsystem\nForkAfterAuthentication yes\n"
    )
    transport = SshTransport(destination, options=("-F", str(tmp_path / "config")))
    asked = run_local([*transport._ssh("-T", "-G", "--", destination, "exec true")], timeout_s=10)
    assert asked.exit_code == 0, asked.stderr
    settings = dict(line.partition(" ")[::2] for line in asked.text.splitlines())
    assert {name: settings.get(name) for name in EXPECTED} == EXPECTED
    assert "localforward" not in settings


def test_a_proxy_command_that_cannot_start_is_told(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host board\n ProxyCommand /nowhere/proxy %h %p\n")
    transport = SshTransport("board", options=("-F", str(config)))
    with pytest.raises(ConnectionLost, match=r"/nowhere/proxy: (No such file|not found)") as told:
        transport.run(["true"], timeout_s=10)
    assert told.value.hint == "try `ssh board true`"


def test_an_older_ssh_is_given_no_option_that_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version, options in (
        ("OpenSSH_8.6p1, x", 0),
        ("OpenSSH_8.7p1", 6),
        ("OpenSSH_10.0p2", 6),
        ("other", 0),
    ):
        (tmp_path / "ssh").write_text(f"#!/bin/sh\necho '{version}' >&2\n")
        (tmp_path / "ssh").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        _newer_options.cache_clear()
        assert len(_newer_options()) == options


EXPECTED = {
    "forwardagent": "no",
    "forwardx11": "no",
    "clearallforwardings": "yes",
    "tunnel": "false",
    "batchmode": "yes",
    "requesttty": "false",
    "remotecommand": None,
    "loglevel": "INFO",
    "controlpath": "None/socket",
    "stdinnull": "no",
    "sessiontype": "default",
    "forkafterauthentication": "no",
}
