"""The set-up script: what it asks apt-get for, and its messages when it fails."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / ".ci/setup_host.sh"
# The programs the script itself uses; a machine of these tests has no others.
TOOLS = ("sh", "cat", "sed", "env", "ls")
RECORD = '#!/bin/sh\necho "${0##*/} $*" >>"$RECORD"\n'
PASS_ON = '#!/bin/sh\nexec "$@"\n'
# Packages whose presence a command proves, and that command.
COMMANDS = {
    "python3-venv": "python3",
    "g++": "g++",
    "g++-aarch64-linux-gnu": "aarch64-linux-gnu-g++",
    "qemu-user": "qemu-aarch64",
    "qemu-system-arm": "qemu-system-aarch64",
    "adb": "adb",
    "clang": "clang++",
    "openssh-client": "ssh",
    "busybox-static": "busybox",
    "mksh": "mksh",
    "chromium": "chromium",
    "dpkg-dev": "dpkg-source",
}


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder for PATH with the machine's programs; it is an x86-64 and the user is not root."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        program = shutil.which(name)
        assert program is not None
        (folder / name).symlink_to(program)
    install(folder, "uname", "#!/bin/sh\necho x86_64\n")
    install(folder, "id", "#!/bin/sh\necho 1000\n")
    return folder


def install(folder: Path, name: str, text: str) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def set_up(folder: Path) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the script; its result, and the calls of apt-get it made, options left out."""
    record = folder / "record"
    done = subprocess.run(
        ["/bin/sh", str(SCRIPT)],
        env={"PATH": str(folder), "RECORD": str(record)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    calls = record.read_text().splitlines() if record.exists() else []
    return done, [" ".join(word for word in call.split() if not word.startswith("-")) for call in calls]


def test_what_is_missing_is_installed_through_sudo(machine: Path) -> None:
    install(machine, "sudo", PASS_ON)
    install(machine, "apt-get", RECORD)
    install(machine, "mksh", RECORD)
    done, (update, installation) = set_up(machine)
    assert (done.returncode, done.stderr) == (0, "")
    assert update == "apt-get DPkg::Lock::Timeout=600 update"
    asked = installation.split()
    assert asked[2] == "install"
    assert COMMANDS.keys() - set(asked) == {"mksh"}


def test_an_arm_machine_needs_no_cross_compiler(machine: Path) -> None:
    install(machine, "uname", "#!/bin/sh\necho aarch64\n")
    done, _ = set_up(machine)
    assert " g++" in done.stderr
    assert "g++-aarch64-linux-gnu" not in done.stderr


def test_a_complete_machine_is_left_alone(machine: Path) -> None:
    for command in (*COMMANDS.values(), "apt-get"):
        install(machine, command, RECORD)
    install(machine, "python3", "#!/bin/sh\n")
    files = ("/usr/sbin/sshd", "/sbin/mke2fs", "/usr/sbin/debootstrap")
    keyrings = Path("/usr/share/keyrings").glob("debian-archive-keyring.*")
    if not any(keyrings) or not all(Path(path).exists() for path in files):
        pytest.skip("this machine is not set up itself (sh .ci/setup_host.sh)")
    done, calls = set_up(machine)
    assert (done.returncode, done.stdout, done.stderr, calls) == (0, "", "", [])


def test_without_root_and_sudo_the_message_names_the_command(machine: Path) -> None:
    install(machine, "apt-get", RECORD)
    done, calls = set_up(machine)
    assert (done.returncode, calls) == (1, [])
    assert done.stderr.startswith(
        "error: packages are missing, you are not root, and sudo is not installed. Run as root:"
    )
    assert set(COMMANDS) <= set(done.stderr.partition("apt-get install ")[2].split())


def test_without_apt_it_names_the_packages(machine: Path) -> None:
    done, _ = set_up(machine)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: apt-get was not found. Install the equivalents of these Debian packages: python3-venv"
    )


@pytest.mark.parametrize("failing", ["sudo", "apt-get"])
def test_a_failed_installation_is_reported_last(machine: Path, failing: str) -> None:
    install(machine, "sudo", PASS_ON)
    install(machine, "apt-get", RECORD)
    install(machine, failing, "#!/bin/sh\necho 'E: no such luck' >&2\nexit 100\n")
    done, _ = set_up(machine)
    assert done.returncode == 1
    reason, message, *_ = done.stderr.splitlines()
    assert reason == "E: no such luck"
    assert message == "error: apt-get failed; see its message above. Run as root:"
