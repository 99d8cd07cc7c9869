"""Direct ADB against Google's adb, on the same real adbd of `arm-vm`: throughput and set-up.

Run `python tests/benchmarks/bench_transports.py`; each figure is the median of interleaved rounds.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "transports"))

from device_bench import Bench
from shaped_proxy import ShapedProxy

from harness.devices.arm_vm import boot
from harness.transports.base import Transport
from harness.transports.local import run_local

ROUNDS = 5
PUSH_BYTES = 17_800_000  # a bundle
LARGE_BYTES = 200_000_000
OUTPUT_BYTES = 100_000_000
LEAST_RATIO = 0.5
LONGEST_SETUP_MS = 50.0
FOLDER = "/data/local/tmp"


def main() -> int:
    """Print the table; 1 when a goal is missed."""
    with (
        tempfile.TemporaryDirectory() as folder,
        boot(virtual_time=False) as machine,
        adb_server(machine.adb_key, Path(folder)) as environment,
    ):
        bench = Bench(machine, environment)
        ratios = [compare_pushes(bench, Path(folder), narrow=narrow) for narrow in (False, True)]
        setup_ms = second_connection_ms(bench)
        measure_large(bench, Path(folder))
    reached = min(ratios) >= LEAST_RATIO and setup_ms <= LONGEST_SETUP_MS
    print("goals reached" if reached else "GOALS MISSED")
    return 0 if reached else 1


@contextmanager
def adb_server(key: Path, home: Path) -> Iterator[Mapping[str, str]]:
    """An adb server of the benchmark's own, with a port and a home of its own."""
    environment = {
        "HOME": str(home),
        "ANDROID_ADB_SERVER_PORT": "5998",
        "ADB_SERVER_SOCKET": "tcp:localhost:5998",
        "ADB_VENDOR_KEYS": str(key),
    }
    try:
        yield environment
    finally:
        run_local(["adb", "kill-server"], timeout_s=10, env=environment)


def compare_pushes(bench: Bench, folder: Path, *, narrow: bool) -> float:
    """Throughput of direct pushes relative to Google adb's, on loopback or on a narrow link."""
    source = folder / "source"
    source.write_bytes(os.urandom(PUSH_BYTES))
    seconds: dict[str, list[float]] = {"adb": [], "adb-direct": []}
    with ShapedProxy(bench.machine.adb_port, narrow=narrow) as proxy:
        port = proxy.port if narrow else bench.machine.adb_port
        transports = {kind: bench.connect(kind, port) for kind in seconds}
        for transport in transports.values():
            transport.run(["true"], timeout_s=60).check()
        for _ in range(ROUNDS):
            for kind, transport in transports.items():
                target = f"{FOLDER}/{kind}"
                seconds[kind].append(timed(lambda t=transport, d=target: t.push(source, d)))
        for transport in transports.values():
            transport.close()
    rates = {kind: PUSH_BYTES / 1e6 / statistics.median(times) for kind, times in seconds.items()}
    link = "MTU 1500, 4 KiB buffers" if narrow else "loopback"
    ratio = rates["adb-direct"] / rates["adb"]
    print(
        f"push {PUSH_BYTES / 1e6:g} MB, {link}: adb {rates['adb']:.1f} MB/s, "
        f"direct {rates['adb-direct']:.1f} MB/s, ratio {ratio:.2f} (goal ≥ {LEAST_RATIO})",
        flush=True,
    )
    return ratio


def second_connection_ms(bench: Bench) -> float:
    """How long another connection takes from nothing to an authenticated device."""
    times = []
    for _ in range(2 * ROUNDS + 1):
        transport = bench.connect("adb-direct")
        first = timed(lambda t=transport: t.run(["true"], timeout_s=60))
        second = timed(lambda t=transport: t.run(["true"], timeout_s=60))
        transport.close()
        times.append(1000 * (first - second))
    setup = statistics.median(times[1:])
    print(f"second connection: {setup:.1f} ms (goal ≤ {LONGEST_SETUP_MS:g} ms)", flush=True)
    return setup


def measure_large(bench: Bench, folder: Path) -> None:
    """Much output, and a large file there and back again."""
    source, back = folder / "large", folder / "back"
    source.write_bytes(os.urandom(LARGE_BYTES))
    for kind in ("adb", "adb-direct", "ssh"):
        transport = bench.connect(kind)
        output_s = timed(lambda t=transport: check_output(t))
        push_s = timed(lambda t=transport: t.push(source, f"{FOLDER}/large"))
        pull_s = timed(lambda t=transport: t.pull(f"{FOLDER}/large", back))
        same = source.read_bytes() == back.read_bytes()
        transport.run(["rm", f"{FOLDER}/large"], timeout_s=60)
        transport.close()
        print(
            f"{kind}: {OUTPUT_BYTES / 1e6:g} MB of output {output_s:.1f} s, {LARGE_BYTES / 1e6:g} MB "
            f"push {push_s:.1f} s, pull {pull_s:.1f} s, {'the same' if same else 'NOT THE SAME'}",
            flush=True,
        )


def check_output(transport: Transport) -> None:
    """Receive it all."""
    argv = ["head", "-c", str(OUTPUT_BYTES), "/dev/zero"]
    received = transport.run(argv, timeout_s=600).check().stdout
    if received != bytes(OUTPUT_BYTES):
        raise SystemExit(f"{transport.name}: {len(received)} of {OUTPUT_BYTES} bytes arrived")


def timed(action: Callable[[], object]) -> float:
    """Seconds it takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
