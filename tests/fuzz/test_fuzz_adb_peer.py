"""A direct ADB peer that sends anything: every call ends in time, with an answer or a `DeviceError`."""

import random
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from adb_model import CONTENT, HostileLink

from harness.errors import DeviceError
from harness.system.text import printable
from harness.transports.adb_direct import AdbDirectTransport
from harness.transports.adb_keys import make_key
from harness.transports.tcp_link import TcpLink

MAX_SECONDS = 10
MAX_GROWTH_KIB = 1 << 20
TIMEOUT_S = 0.3


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "adbkey"
    make_key(path)
    return path


def peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def connect(chance: random.Random, rate: float, key: Path) -> AdbDirectTransport:
    link = cast(TcpLink, HostileLink(chance, rate))
    return AdbDirectTransport(link, key=key, connect_timeout_s=TIMEOUT_S, auth_timeout_s=TIMEOUT_S)


def run_command(transport: AdbDirectTransport, folder: Path) -> None:
    transport.run(["echo", "hello"], timeout_s=TIMEOUT_S, stdin=b"x" * 100)


def push_file(transport: AdbDirectTransport, folder: Path) -> None:
    transport.push(folder / "source", "/data/local/tmp/file", timeout_s=TIMEOUT_S)


def pull_file(transport: AdbDirectTransport, folder: Path) -> None:
    destination = folder / "pulled"
    try:
        transport.pull("/data/local/tmp/file", destination, timeout_s=TIMEOUT_S)
        destination.unlink()
    finally:
        assert sorted(path.name for path in folder.iterdir()) == ["source"]


CALLS: tuple[Callable[[AdbDirectTransport, Path], None], ...] = (run_command, push_file, pull_file)


def check_sentence(error: DeviceError, seed: int) -> None:
    """It is one sentence, which names the device and nothing of Python's."""
    what = printable(error.what)
    clear = 10 < len(what) < 500 and "Error" not in what and error.device == HostileLink.name
    assert clear, f"seed {seed}: {error}"


def test_an_undamaged_peer_is_understood(key: Path, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(CONTENT)
    for seed in range(8):
        transport = connect(random.Random(seed), 0, key)
        assert transport.run(["echo", "hello"], timeout_s=5).stdout == b"hello\n"
        transport.push(tmp_path / "source", "/data/local/tmp/file")
        transport.pull("/data/local/tmp/file", tmp_path / "pulled")
        assert (tmp_path / "pulled").read_bytes() == CONTENT


def test_a_hostile_peer_ends_no_call_but_with_an_answer_or_one_sentence(
    key: Path, tmp_path: Path, fuzz_runs: int
) -> None:
    (tmp_path / "source").write_bytes(CONTENT)
    before_kib = peak_kib()
    for seed in range(fuzz_runs):
        chance = random.Random(f"adb peer {seed}")
        transport = connect(chance, chance.choice((0.05, 0.2, 0.5)), key)
        for _ in range(3):
            start = time.monotonic()
            try:
                chance.choice(CALLS)(transport, tmp_path)
            except DeviceError as error:
                check_sentence(error, seed)
            except Exception as error:
                raise AssertionError(f"seed {seed}") from error
            assert time.monotonic() - start < MAX_SECONDS, f"seed {seed}"
        transport.close()
    assert peak_kib() - before_kib < MAX_GROWTH_KIB
