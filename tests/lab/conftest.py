"""A lab of three hosts on this machine, begun once for all tests of a file."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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
        begun = hosts.start("desk", "emu-a=emulator", "emu-b=emulator:cortex-a53")
        assert begun.exit_code == 0, begun.stderr
        with ThreadPoolExecutor() as pool:
            shelf = pool.submit(hosts.join, "shelf", "emu-c=emulator", "emu-d=emulator:cortex-a57")
            door = pool.submit(hosts.join, "door", "emu-e=emulator")
        for joined in (shelf.result(), door.result()):
            assert joined.exit_code == 0, joined.stderr
        yield hosts
    finally:
        hosts.end()
    assert hosts.ray_processes() == []
