"""Direct ADB against Google's adb, on the same real adbd of `arm-vm`: throughput and set-up.

Run `python tests/benchmarks/bench_transports.py`; each figure is the median of interleaved rounds.
"""

import filecmp
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "transports"))

from bench_history import record
from device_bench import REMOTE, Bench, adb_server
from narrow_network import MTU, NotPermitted, narrow_network
from shaped_proxy import ShapedProxy

from harness.devices.arm_vm.machine import boot
from harness.errors import TransferFailed
from harness.system.processes import run_local
from harness.transports.base import Transport

ROUNDS = 5
PUSH_BYTES = 17_800_000  # a bundle
LARGE_BYTES = 200_000_000
# A command may print 64 MiB; a transport refuses more.
OUTPUT_BYTES = 60_000_000
SILENT_S = 60
LONGEST_S = 600.0
LEAST_RATIO = 0.5
LONGEST_SETUP_MS = 50.0
LONGEST_REFUSAL_S = 1.0
FOLDER = "/data/local/tmp"


def main() -> int:
    """Print the table; 1 when a goal is missed."""
    with (
        tempfile.TemporaryDirectory() as folder,
        boot(virtual_time=False) as machine,
        adb_server(Path(folder), str(machine.adb_key)) as environment,
    ):
        bench = Bench(machine, environment)
        loopback = Link("loopback", "127.0.0.1", machine.adb_port, lambda action: action())
        with narrow_link(bench) as narrow:
            ratios = [compare_pushes(bench, Path(folder), link) for link in (loopback, narrow)]
        for name, ratio in zip(("loopback", "narrow network"), ratios, strict=True):
            record("transports", f"push, direct/adb, {name}", ratio, at_least=LEAST_RATIO)
        setup_ms = second_connection_ms(bench)
        check_exit_codes(bench)
        refusal_s = slowest_refusal_s(bench, Path(folder))
        wait_silently(bench)
        measure_large(bench, Path(folder))
    reached = min(ratios) >= LEAST_RATIO and setup_ms <= LONGEST_SETUP_MS and refusal_s <= LONGEST_REFUSAL_S
    print("goals reached" if reached else "GOALS MISSED")
    return 0 if reached else 1


@dataclass(frozen=True)
class Link:
    """A way to the device: `run` does something at the end where the harness would be."""

    name: str
    host: str
    port: int
    run: Callable[[Callable[[], float]], float]


@contextmanager
def narrow_link(bench: Bench) -> Iterator[Link]:
    """A network namespace behind a cable of MTU 1500; where none may be made, a proxy that imitates it."""
    with ExitStack() as stack:
        try:
            network = stack.enter_context(narrow_network())
        except NotPermitted as error:
            proxy = stack.enter_context(ShapedProxy(bench.machine.adb_port, narrow=True))
            name = f"proxy with segments of 1448 bytes and 4 KiB buffers ({error})"
            yield Link(name, "127.0.0.1", proxy.port, lambda action: action())
            return
        proxy = stack.enter_context(ShapedProxy(bench.machine.adb_port, host=network.host))
        stack.callback(
            network.run, lambda: run_local(["adb", "kill-server"], timeout_s=10, env=bench.adb_environment)
        )
        yield Link(f"MTU {MTU}, 8 KiB buffers", network.host, proxy.port, network.run)


def compare_pushes(bench: Bench, folder: Path, link: Link) -> float:
    """Throughput of direct pushes relative to Google adb's over a link."""
    source = folder / "source"
    source.write_bytes(os.urandom(PUSH_BYTES))
    seconds: dict[str, list[float]] = {"adb": [], "adb-direct": []}
    transports = {kind: bench.connect(kind, link.port, link.host) for kind in seconds}

    def push(kind: str) -> float:
        # The first command connects.
        transports[kind].run(["true"], timeout_s=60).check()
        return timed(lambda: transports[kind].push(source, f"{FOLDER}/{kind}"))

    for _ in range(ROUNDS):
        for kind in seconds:
            seconds[kind].append(link.run(partial(push, kind)))
    for transport in transports.values():
        transport.close()
    rates = {kind: PUSH_BYTES / 1e6 / statistics.median(times) for kind, times in seconds.items()}
    ratio = rates["adb-direct"] / rates["adb"]
    print(
        f"push {PUSH_BYTES / 1e6:g} MB, {link.name}: adb {rates['adb']:.1f} MB/s, "
        f"direct {rates['adb-direct']:.1f} MB/s, ratio {ratio:.2f} (goal ≥ {LEAST_RATIO})",
        flush=True,
    )
    return ratio


def second_connection_ms(bench: Bench) -> float:
    """How long another connection takes from nothing to an authenticated device; most of it is QEMU's."""
    times, busy = [], []
    for _ in range(2 * ROUNDS + 1):
        transport = bench.connect("adb-direct")
        before = time.process_time()
        first, second = (timed(partial(transport.run, ["true"], timeout_s=60)) for _ in range(2))
        busy.append(1000 * (time.process_time() - before))
        transport.close()
        times.append(1000 * (first - second))
    setup, own = statistics.median(times[1:]), statistics.median(busy[1:])
    print(
        f"second connection: {setup:.1f} ms (goal ≤ {LONGEST_SETUP_MS:g} ms); "
        f"this process computes for {own:.1f} ms, two commands included",
        flush=True,
    )
    return setup


def measure_large(bench: Bench, folder: Path) -> None:
    """Much output, and a large file there and back again; each figure is told as soon as it is there."""
    source, back = folder / "large", folder / "back"
    source.write_bytes(os.urandom(LARGE_BYTES))
    target = f"{FOLDER}/large"
    for kind in REMOTE:
        transport = bench.connect(kind)
        seconds = timed(partial(check_output, transport))
        print(f"{kind}: {OUTPUT_BYTES / 1e6:g} MB of output {seconds:.1f} s", flush=True)
        seconds = timed(partial(transport.push, source, target, timeout_s=LONGEST_S))
        print(f"{kind}: {LARGE_BYTES / 1e6:g} MB pushed in {seconds:.1f} s", flush=True)
        seconds = timed(partial(transport.pull, target, back, timeout_s=LONGEST_S))
        print(f"{kind}: {LARGE_BYTES / 1e6:g} MB pulled in {seconds:.1f} s", flush=True)
        if not filecmp.cmp(source, back, shallow=False):
            raise SystemExit(f"{kind}: what came back is not what went there")
        transport.run(["rm", target], timeout_s=60)
        transport.close()


def check_exit_codes(bench: Bench) -> None:
    """All 256, by every route."""
    for kind in REMOTE:
        transport = bench.connect(kind)
        for code in range(256):
            came = transport.run(["sh", "-c", f"exit {code}"], timeout_s=60).exit_code
            if came != code:
                raise SystemExit(f"{kind}: exit code {came} came for {code}")
        transport.close()
    print(f"256 exit codes: {', '.join(REMOTE)}", flush=True)


def slowest_refusal_s(bench: Bench, folder: Path) -> float:
    """How long the slowest route takes to tell why the device does not take a bundle."""
    source = folder / "refused"
    source.write_bytes(os.urandom(PUSH_BYTES))
    administrator = bench.connect("ssh")
    slowest = 0.0
    for reason, options in (("No space left", "size=256k,mode=1777"), ("Read-only", "ro,mode=1777")):
        mount = f"mkdir -p /run/refusing && mount -t tmpfs -o {options} tmpfs /run/refusing"
        administrator.run(["sudo", "sh", "-c", mount], timeout_s=60).check()
        for kind in REMOTE:
            transport = bench.connect(kind)
            transport.run(["true"], timeout_s=60)
            seconds = timed(partial(expect_refusal, transport, source, reason))
            print(
                f"{kind}: {reason!r} told after {seconds:.2f} s (goal ≤ {LONGEST_REFUSAL_S:g} s)", flush=True
            )
            slowest = max(slowest, seconds)
            transport.close()
        administrator.run(["sudo", "umount", "/run/refusing"], timeout_s=60).check()
    administrator.close()
    return slowest


def expect_refusal(transport: Transport, source: Path, reason: str) -> None:
    """Push where it is refused."""
    try:
        transport.push(source, "/run/refusing/file")
    except TransferFailed as error:
        if reason in error.what:
            return
        raise
    raise SystemExit(f"{transport.name}: a push that cannot be was not refused")


def wait_silently(bench: Bench) -> None:
    """A command that says nothing for a minute, by all routes at once."""
    argv = ["sh", "-c", f"sleep {SILENT_S}; exit 5"]
    with ThreadPoolExecutor() as pool:
        codes = pool.map(lambda kind: bench.connect(kind).run(argv, timeout_s=LONGEST_S).exit_code, REMOTE)
        if set(codes) != {5}:
            raise SystemExit("a silent command did not end with its exit code")
    print(f"{SILENT_S} s of silence, then the exit code: {', '.join(REMOTE)}", flush=True)


def check_output(transport: Transport) -> None:
    """Receive it all."""
    argv = ["head", "-c", str(OUTPUT_BYTES), "/dev/zero"]
    received = transport.run(argv, timeout_s=LONGEST_S).check().stdout
    if received != bytes(OUTPUT_BYTES):
        raise SystemExit(f"{transport.name}: {len(received)} of {OUTPUT_BYTES} bytes arrived")


def timed(action: Callable[[], object]) -> float:
    """Seconds it takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
