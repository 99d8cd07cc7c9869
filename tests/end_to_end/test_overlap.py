"""Work on the host overlaps work on a device of its own, through the command line and a real adbd."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from chosen_system import SYSTEM
from harness.devices.arm_vm.machine import boot
from harness.system.paths import cache_folder

# Quantized variants take seconds each to lower: longer than the runner takes to reach the device.
SWEEP = (
    *("--width", "0.25", "--resolution", "32,64,96", "--precision", "int8", "--processes", "1"),
    *("--warmup", "2", "--iterations", "5", "--min-time", "0"),
)


@pytest.mark.slow
@pytest.mark.device
def test_a_device_measures_what_is_ready_while_the_rest_is_lowered(
    run_harness: Callable[..., Any], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    # A cache in which nothing is lowered yet, but whatever is only built once is there.
    for name in ("bundles", "wheels"):
        (cache / name).symlink_to(cache_folder() / name)
    with boot(virtual_time=False, system=SYSTEM) as machine:
        (tmp_path / "devices.toml").write_text(
            '[devices.bench]\nkind = "android"\ntransport = "adb-direct"\n'
            f'address = "127.0.0.1:{machine.adb_port}"\n'
        )
        key = tmp_path / "home/.android/adbkey"
        key.parent.mkdir(parents=True)
        key.write_text(machine.adb_key.read_text())
        key.chmod(0o600)
        environment = {"HARNESS_CACHE": str(cache), "HOME": str(tmp_path / "home")}
        ended = run_harness("run", "--device", "bench", *SWEEP, "--json", env=environment)
    assert ended.exit_code == 0, ended.stderr
    cells = ended.document["cells"]
    assert len(cells) == 3
    starts = [datetime.fromisoformat(cell["processes"][0]["started_at"]).timestamp() for cell in cells]
    lowered = [path.stat().st_mtime for path in cache.glob("artifacts/*/model.pte")]
    assert len(lowered) == 3
    assert min(starts) < max(lowered)
