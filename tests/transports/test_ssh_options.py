"""What each call of ssh is given, and a login shell that prints, with an ssh that runs commands here."""

import tempfile
from pathlib import Path

import pytest

from harness.transports.ssh import SshTransport

FAKE = """#!/bin/sh
printf '%s\\n' "$*" >>"$CALLS"
for word; do
    case $word in ControlPath=*) path=${word#ControlPath=} ;; esac
    last=$word
done
case "$*" in *ControlMaster=yes*) : >"$path" ;; esac
case "$last" in exec*) echo Welcome; echo "to stderr" >&2; sh -c "$last" ;; esac
"""


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
