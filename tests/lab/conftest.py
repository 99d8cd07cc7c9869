"""A lab of three hosts on this machine, begun once for all tests of a file."""

from collections.abc import Iterator

import pytest

from harness.runner.bundle import ensure_bundle
from lab_hosts import LabHosts, require_ray


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHosts]:
    """Head `desk` with two devices, `shelf` with two, and `door` with one; other tests may add hosts."""
    require_ray()
    ensure_bundle("arm64-v8a")
    hosts = LabHosts(tmp_path_factory.mktemp("lab"))
    try:
        for ended in (
            hosts.start("desk", "emu-a=emulator", "emu-b=emulator:cortex-a53"),
            hosts.join("shelf", "emu-c=emulator", "emu-d=emulator:cortex-a57"),
            hosts.join("door", "emu-e=emulator"),
        ):
            assert ended.exit_code == 0, ended.stderr
        yield hosts
    finally:
        hosts.end()
    assert hosts.ray_processes() == []
