"""What every remote transport does when its connection breaks or is narrow, shown on real daemons."""

import contextlib
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from device_bench import REMOTE, Bench, adb_server
from narrow_network import MTU, NotPermitted, narrow_network
from shaped_proxy import ShapedProxy

from chosen_system import WRITABLE
from harness.errors import ConnectionLost
from harness.system.processes import Completed, run_local
from harness.transports.base import Transport

pytestmark = [pytest.mark.slow, pytest.mark.device]


def test_closing_twice_is_harmless_and_the_next_call_connects(transport: Transport) -> None:
    transport.close()
    transport.close()
    assert transport.run(["echo", "again"], timeout_s=30).stdout == b"again\n"


@pytest.mark.parametrize("kind", REMOTE)
def test_a_cut_command_is_lost_and_the_next_call_connects(bench: Bench, kind: str) -> None:
    with ShapedProxy(bench.port(kind)) as proxy:
        transport = bench.connect(kind, proxy.port)
        transport.run(["true"], timeout_s=30).check()
        threading.Timer(0.5, proxy.cut).start()
        with pytest.raises(ConnectionLost):
            # Google's adb exits 0 here.
            transport.run(["sleep", "20"], timeout_s=15)
        assert transport.run(["echo", "again"], timeout_s=30).stdout == b"again\n"
        transport.close()


def run_again(transport: Transport, argv: Sequence[str]) -> Completed:
    """A command after a cut, as a session repeats it: adb's server may call the device offline first."""
    for _ in range(4):
        with contextlib.suppress(ConnectionLost):
            return transport.run(argv, timeout_s=30)
        time.sleep(1)
    return transport.run(argv, timeout_s=30)


@pytest.mark.parametrize("kind", REMOTE)
def test_a_cut_transfer_leaves_nothing_half_done(bench: Bench, kind: str, tmp_path: Path) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(random.Random(1).randbytes(30_000_000))
    destination = f"{WRITABLE}/cut-{kind}"
    with ShapedProxy(bench.port(kind), narrow=True) as proxy:
        transport = bench.connect(kind, proxy.port)
        transport.run(["sh", "-c", 'echo before > "$1"', "sh", destination], timeout_s=30).check()
        proxy.cut_after(3_000_000)
        with pytest.raises(ConnectionLost):
            transport.push(source, destination, timeout_s=60)
        assert run_again(transport, ["cat", destination]).stdout == b"before\n"
        large = f"{destination}-large"
        transport.run(["sh", "-c", 'head -c 9000000 /dev/urandom > "$1"', "sh", large], timeout_s=30).check()
        proxy.cut_after(1_000_000)
        with pytest.raises(ConnectionLost):
            transport.pull(large, back, timeout_s=60)
        assert not back.exists()
        assert [path.name for path in tmp_path.iterdir()] == ["source"]
        transport.close()


@pytest.mark.parametrize("kind", REMOTE)
def test_pushes_survive_a_narrow_link(bench: Bench, kind: str, tmp_path: Path) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(random.Random(2).randbytes(3_000_000))
    with ShapedProxy(bench.port(kind), narrow=True) as proxy:
        transport = bench.connect(kind, proxy.port)
        transport.push(source, f"{WRITABLE}/narrow-{kind}", timeout_s=60)
        transport.pull(f"{WRITABLE}/narrow-{kind}", back, timeout_s=60)
        transport.close()
    assert back.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("kind", REMOTE)
def test_files_pass_a_network_of_mtu_1500_and_small_socket_buffers(
    bench: Bench, kind: str, tmp_path: Path
) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(random.Random(4).randbytes(1_000_000))

    def transfer(host: str, port: int, environment: dict[str, str]) -> None:
        transport = replace(bench, adb_environment=environment).connect(kind, port, host)
        transport.push(source, f"{WRITABLE}/mtu-{kind}", timeout_s=60)
        transport.pull(f"{WRITABLE}/mtu-{kind}", back, timeout_s=60)
        transport.close()

    try:
        with (
            narrow_network() as network,
            ShapedProxy(bench.port(kind), host=network.host) as proxy,
            adb_server(tmp_path, str(bench.machine.adb_key)) as environment,
        ):
            network.run(lambda: transfer(network.host, proxy.port, environment))
            # None was larger than the cable takes, or it would not have been narrow.
            assert network.frames > 2 * len(source.read_bytes()) / MTU
            if kind == "adb":
                network.run(lambda: run_local(["adb", "kill-server"], timeout_s=10, env=environment))
    except NotPermitted as error:
        pytest.skip(str(error))
    assert back.read_bytes() == source.read_bytes()


def test_google_adb_cannot_be_believed_about_a_command_that_was_cut(bench: Bench) -> None:
    """Why every remote command has a last word: this is the trap, shown without it."""
    with ShapedProxy(bench.port("adb")) as proxy:
        serial = f"127.0.0.1:{proxy.port}"
        bench.connect("adb", proxy.port).run(["true"], timeout_s=30).check()
        threading.Timer(0.5, proxy.cut).start()
        argv = ["adb", "-s", serial, "shell", "-T", "sleep 20; exit 3"]
        assert run_local(argv, timeout_s=15, env=bench.adb_environment).exit_code == 0
