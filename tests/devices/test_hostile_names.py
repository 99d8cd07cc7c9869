"""Names that could mean something to a shell, a loader or a terminal: refused, quoted or made harmless."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes import DamagingTransport
from harness.devices import android, inventory
from harness.devices.device import Device, describe
from harness.devices.device_lock import hold_on_device
from harness.errors import UsageError
from harness.runner.deploy import DeployedBundle, push_missing
from harness.runner.job import Job
from harness.system.paths import DEVICE_SCRIPTS
from harness.transports.adb import AttachedDevice
from harness.transports.local import LocalTransport

HOSTILE = (
    "a; touch evil",
    "$(touch evil)",
    "`touch evil`",
    "a\ntouch evil",
    "'; touch evil; '",
    "-rf",
    "a b\"c'd&|<>*?~",
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder in which a command that got through would leave `evil`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(inventory, "attached", lambda: ())
    return tmp_path


@pytest.mark.parametrize("name", ["a;b", "$(touch evil)", "a b", "-a", "../a", "a/b", "a\\nb", ""])
def test_device_names_in_the_inventory_are_plain(here: Path, name: str) -> None:
    (here / "devices.toml").write_text(f'[devices."{name}"]\nkind = "android"\naddress = "x"\n')
    with pytest.raises(UsageError, match=r"devices\.toml"):
        inventory.resolve(["a"])


@pytest.mark.parametrize(
    "address",
    [
        *("-oProxyCommand=touch evil", "a b", "a\\nb", "$(touch evil)", ""),
        *("pi@a$(touch${IFS}evil)", "a;touch", "a`b`", "a|b", "a&b"),
    ],
)
def test_addresses_in_the_inventory_are_no_options_and_no_commands(here: Path, address: str) -> None:
    (here / "devices.toml").write_text(f'[devices.a]\nkind = "android"\naddress = "{address}"\n')
    with pytest.raises(UsageError, match="line 3"):
        inventory.resolve(["a"])


@pytest.mark.parametrize("folder", ["relative", "/a:b", "/a;b", "/a\\nb", "/a\\u001b[2J"])
def test_folders_that_no_loader_could_use_are_refused(here: Path, folder: str) -> None:
    (here / "devices.toml").write_text(f'[devices.a]\nkind = "android"\naddress = "x"\nfolder = "{folder}"\n')
    with pytest.raises(UsageError, match="line 4"):
        inventory.resolve(["a"])


@pytest.mark.parametrize("name", HOSTILE)
def test_no_folder_or_argument_is_taken_for_a_command(here: Path, name: str) -> None:
    folder = str(here / name / "harness")
    info, _ = describe(LocalTransport(), name="here", kind="host", folder=folder)
    transport = DamagingTransport(times=0)
    device = Device(info, transport, folder, LocalTransport)
    job = Job(device, DeployedBundle(str(DEVICE_SCRIPTS), "ld.so"), f"{folder}/jobs/current")
    with hold_on_device(device, lambda text: None):
        argv = ["sh", "-c", 'printf %s "$1" > "$2/said"', "x", name, "{job}"]
        assert job.run(argv, timeout_s=30) == 0
        assert job.fetch("said") == name.encode()
        assert push_missing(device, [], lambda text: None) == ()
        job.stop()
        job.remove()
    assert not (here / "evil").exists()


@pytest.mark.parametrize(
    "name", ["a; touch evil", "$(touch evil)", "a\ntouch evil", "ssh:a$(touch${IFS}evil)"]
)
@pytest.mark.parametrize("command", [("run", "--device"), ("devices", "--clean"), ("doctor",)], ids=str)
def test_names_on_the_command_line_are_refused_before_anything_is_done(
    here: Path, run_harness: Callable[..., Any], command: tuple[str, ...], name: str
) -> None:
    ended = run_harness(*command, name)
    assert ended.exit_code in (2, 4)
    assert "Traceback" not in ended.stderr
    assert not (here / "evil").exists()


def test_attached_devices_cannot_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = AttachedDevice("1A2B", "device", "Pix\x1b[2Jel\u202e", "p", 1)
    monkeypatch.setattr(android, "find_adb", lambda: "adb")
    monkeypatch.setattr(
        android, "list_devices", lambda: (shown, AttachedDevice("3C\x1b[2J", "device", "x", "p", 2))
    )
    (only,) = android.attached()
    assert only.serial == "1A2B"
    assert only.model == "Pix [2Jel"
