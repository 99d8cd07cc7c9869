"""Commands through `adb shell`, with an adb that runs them in this machine's shell."""

from pathlib import Path

import pytest

from harness.errors import DeviceUnfit
from harness.transports.adb import AdbTransport

FAKE = """#!/bin/sh
printf '%s\\n' "$@" >>"$0.calls"
[ "$3" = shell ] || exit 0
cd / && {greeting}
sh -c "$5" {redirection}
"""


def adb(folder: Path, *, greeting: str = "true", redirection: str = "") -> str:
    program = folder / "adb"
    program.write_text(FAKE.format(greeting=greeting, redirection=redirection))
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("greeting", ["echo Welcome to this phone", "printf '\\0\\377 no newline'"])
def test_what_a_devices_shell_prints_before_a_command_is_not_the_commands(
    tmp_path: Path, greeting: str
) -> None:
    transport = AdbTransport("1A2B", adb=adb(tmp_path, greeting=greeting))
    completed = transport.run(["sh", "-c", "echo answer; echo error >&2; exit 3"], timeout_s=10)
    assert (completed.stdout, completed.stderr, completed.exit_code) == (b"answer\n", b"error\n", 3)


def test_a_device_that_does_not_separate_stderr_is_told(tmp_path: Path) -> None:
    transport = AdbTransport("1A2B", adb=adb(tmp_path, redirection="2>&1"))
    with pytest.raises(DeviceUnfit, match="does not separate stderr from stdout"):
        transport.run(["echo", "answer"], timeout_s=10)


@pytest.mark.parametrize(
    "serial",
    ["emulator-5554", "adb-12345-AbCdEf (2)._adb-tls-connect._tcp", "a b", "$(touch x)", "-x", "é", "'\""],
)
def test_a_serial_reaches_adb_as_one_word(tmp_path: Path, serial: str) -> None:
    AdbTransport(serial, adb=adb(tmp_path)).run(["true"], timeout_s=10)
    words = (tmp_path / "adb.calls").read_text().splitlines()
    assert words[words.index("-s") + 1] == serial


@pytest.mark.parametrize("serial", ["[::1]:5555", "192.168.1.5:5555", "phone.local:41234"])
def test_an_address_is_connected_to_first(tmp_path: Path, serial: str) -> None:
    (tmp_path / "adb").write_text(
        '#!/bin/sh\necho "$@" >>"$0.calls"\n'
        '[ "$1" = connect ] && echo "already connected to $2"\n'
        '[ "$3" = shell ] || exit 0\nsh -c "$5"\n'
    )
    (tmp_path / "adb").chmod(0o755)
    AdbTransport(serial, adb=str(tmp_path / "adb")).run(["true"], timeout_s=10)
    assert (tmp_path / "adb.calls").read_text().splitlines()[1] == f"connect {serial}"
