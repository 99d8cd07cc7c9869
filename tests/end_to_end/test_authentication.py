"""`harness run` through a real adbd that asks for a key, and one that asks for none, by both routes."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chosen_system import SYSTEM
from harness.devices.arm_vm.machine import ArmVm, boot
from harness.system.paths import cache_folder
from harness.system.processes import run_local

pytestmark = [pytest.mark.slow, pytest.mark.device]

SMALL = (
    *("--width", "0.25", "--resolution", "32", "--precision", "int8", "--processes", "1"),
    *("--warmup", "2", "--iterations", "5", "--min-time", "0"),
)


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest) -> Iterator[ArmVm]:
    with boot(adbd_asks_for_key=request.param, system=SYSTEM) as running:
        yield running


@pytest.fixture
def user(machine: ArmVm, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Somebody whose adb key is where Google's adb keeps it, and whose adb server is their own."""
    keys = tmp_path / "home/.android"
    keys.mkdir(parents=True, mode=0o700)
    for name, source in (("adbkey", machine.adb_key), ("adbkey.pub", machine.adb_key.with_suffix(".pub"))):
        shutil.copy(source, keys / name)
    server = f"localfilesystem:{tmp_path / 'adb'}"
    environment = {"HOME": str(keys.parent), "ADB_SERVER_SOCKET": server, "ADB_VENDOR_KEYS": ""}
    # Elsewhere than in this home: what was built and lowered before.
    yield {**environment, "HARNESS_CACHE": str(cache_folder())}
    run_local(["adb", "kill-server"], timeout_s=30, env=environment)


# With a key by Google's adb: `arm-vm:adb` in test_devices_end_to_end.py.
@pytest.mark.parametrize(
    ("machine", "route"),
    [
        pytest.param(True, "adb-direct", id="with a key by adb-direct"),
        pytest.param(False, "adb-direct", id="without a key by adb-direct"),
        pytest.param(False, "adb", id="without a key by adb"),
    ],
    indirect=["machine"],
)
def test_a_bundle_and_a_model_are_pushed_run_and_reported(
    machine: ArmVm, user: dict[str, str], route: str, run_harness: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "devices.toml").write_text(
        f'[devices.bench]\nkind = "android"\ntransport = "{route}"\n'
        f'address = "127.0.0.1:{machine.adb_port}"\nfolder = "/data/local/tmp/{route}"\n'
    )
    ended = run_harness("run", "--device", "bench", *SMALL, "--json", env=user)
    assert ended.exit_code == 0, ended.stderr
    (cell,) = ended.document["cells"]
    assert cell["failure"] is None
    assert cell["device"]["transport"] == route
    assert cell["device"]["abi"] == "arm64-v8a"
    assert cell["parity"]["passed"]
    # A phone lets nobody count before `setprop security.perf_harden 0`.
    assert (cell["instructions_per_inference"] or 0) > 100_000 or SYSTEM.is_android
