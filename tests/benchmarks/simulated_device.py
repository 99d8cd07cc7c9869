"""A kind of device that runs nothing: it answers what the harness asks and reports times of recorded runs.

All above the connection is the harness's own: session, deploying, decoding, verdicts, cells. A process takes
as long as it reports. What it reports of one variant: the median recorded in `recorded_grids.csv`, times what
`recorded_rounds.csv` has of consecutive processes. `simulated_host/` makes the kind known to a host's
processes. Its figures are no measurement of any device.
"""

import csv
import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

import msgspec

from harness.devices.device import Device, describe
from harness.devices.device_kind import DeviceKind
from harness.devices.device_lock import STALE_MINUTES
from harness.devices.target import Target
from harness.errors import TransferFailed
from harness.lowering.artifact_store import PROGRAM, RECORD, REFERENCE_OUTPUT
from harness.records import Artifact, RunnerReport
from harness.records.runner_reports import MemoryReport, OutputTensor, SchedulingReport
from harness.runner import job
from harness.system.files import hash_file
from harness.system.processes import Completed
from harness.transports import verified
from harness.transports.base import LONGEST_ANSWER, LONGEST_PULL, Transport

KIND = "simulated"
FOLDER = "/simulated/mobilenet-harness"
# Of the recorded host's latencies: about a Pixel 3's, as published for these networks.
SLOWER = 8.0
RECORDED = Path(__file__).parent
KILLED = 128 + 15

FACTS = """machine=aarch64
kernel=6.6.31
model=simulated board
soc=none
os=Debian GNU/Linux 12 (bookworm)
userland_bits=64
half_precision=yes
memory_total_kib=7811072
page_size_kib=4
boot_id={boot_id}
online=0-3
{cores}
free_kib=20000000
folder_writable=yes
"""
CORE = "cpu{0}.midr=0x414fd0b1\ncpu{0}.capacity=1024\ncpu{0}.max_frequency_khz=2400000"
CONDITIONS = """uptime_seconds={uptime:.2f}
load_average_1min=0.10
memory_available_kib=7000000
frequencies_khz=2400000,2400000,2400000,2400000
governors=performance,performance,performance,performance
zone.0={celsius} cpu-thermal
throttled_flags=0x0
time_in_state.policy0.1500000=1000
time_in_state.policy0.2400000={ticks}
"""


@cache
def recorded_medians() -> dict[tuple[str, str, str], float]:
    """Nanoseconds of an inference on the recorded host, by width, resolution and precision."""
    with (RECORDED / "recorded_grids.csv").open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {
            (row["width"], row["resolution_px"], row["precision"]): float(row["latency_ns"])
            for row in rows
            if row["latency_ns"]
        }


@cache
def recorded_levels() -> tuple[tuple[float, float], ...]:
    """Of processes in the order they ran: median and canary, relative to those of all."""
    lines = (RECORDED / "recorded_rounds.csv").read_text(encoding="ascii").splitlines()
    rows = [tuple(map(float, line.split(","))) for line in lines if not line.startswith("#")]
    typical = sorted(row[0] for row in rows)[len(rows) // 2]
    canary = sorted(row[1] for row in rows)[len(rows) // 2]
    return tuple((row[0] / typical, row[1] / canary) for row in rows)


@cache
def _hash(path: Path, _size: int, _changed: int) -> str:
    return hash_file(path)


@dataclass
class Board:
    """What lies on one device; all its connections share it."""

    name: str
    files: dict[str, str] = field(default_factory=dict)
    programs: dict[str, Path] = field(default_factory=dict)
    job: dict[str, bytes] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)
    processes: int = 0

    @property
    def boot_id(self) -> str:
        digest = hashlib.sha256(self.name.encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"

    def conditions(self) -> str:
        uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
        return CONDITIONS.format(
            uptime=uptime, celsius=48_000 + self.processes % 2000, ticks=int(100 * uptime)
        )

    def start(self, argv: Sequence[str]) -> int:
        """Run a process: wait as long as it takes, and leave its files."""
        words = dict(pairwise(argv))
        report = self._report(words, with_memory="--memory-detail" in argv)
        seconds = (report.load_ns + report.init_ns + report.first_ns) / 1e9
        seconds += (sum(report.warmup_ns) + sum(report.latencies_ns)) / 1e9
        before = self.conditions()
        if self.stopped.wait(seconds):
            return KILLED
        self.processes += 1
        self.job |= {
            "report.json": msgspec.json.encode(report),
            "conditions_before": before.encode(),
            "conditions_after": self.conditions().encode(),
            "samples": self._samples(seconds).encode(),
        }
        return 0

    def fetch(self, names: Sequence[str]) -> bytes:
        """What `job._FETCH` prints of the files that there are: digests, sizes, contents."""
        there = {name: self.job[name] for name in names if name in self.job}
        digests = "".join(f"{hashlib.sha256(there[name]).hexdigest()}  {name}\n" for name in there)
        sizes = "".join(f"{len(there[name])} {name}\n" for name in there)
        return f"{digests}\n{sizes}\n".encode() + b"".join(there.values())

    def _samples(self, seconds: float) -> str:
        uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
        lines = ["cpus_allowed 0-3", *(f"core {core}" for core in range(4)), "zone 0 cpu-thermal"]
        for number in range(int(seconds / 0.5)):
            clocks = ",".join(["2400000"] * 4)
            lines.append(f"sample {uptime - seconds + number / 2:.2f} {clocks} {48_000 + 100 * number}")
        return "".join(f"{line}\n" for line in lines)

    def _report(self, words: dict[str, str], *, with_memory: bool) -> RunnerReport:
        program = self.programs[words["--model"]]
        artifact = msgspec.json.decode((program.parent / RECORD).read_bytes(), type=Artifact)
        variant = artifact.variant
        shape = f"{variant.width:g}", str(variant.resolution_px), variant.precision
        typical_ns = SLOWER * recorded_medians().get(shape, 2e6)
        generator = random.Random(f"{self.name} {variant.name} {self.processes}")
        levels = recorded_levels()
        at = generator.randrange(len(levels))
        level, canary = levels[at]
        minimum = int(words["--min-iterations"])
        count = max(minimum, round(float(words["--min-seconds"]) * 1e9 / (typical_ns * level)))
        latencies = [int(typical_ns * level * levels[(at + i) % len(levels)][0]) for i in range(count)]
        reference = memoryview((program.parent / REFERENCE_OUTPUT).read_bytes()).cast("f")
        size, threads = artifact.size_bytes, int(words["--threads"])
        return RunnerReport(
            schema_version=1,
            runner_version="simulated",
            build_type="Release",
            abi="arm64-v8a",
            executorch_version=artifact.versions.get("executorch", "1.5.1"),
            canary_ns=int(1.9e6 * canary),
            load_ns=2_000_000,
            init_ns=10_000_000 + size,
            init_instructions=None,
            first_ns=2 * latencies[0],
            warmup_ns=(latencies[0],) * int(words["--warmup-iterations"]),
            latencies_ns=tuple(latencies),
            starts_ns=None,
            rss_start_bytes=5_200_000,
            rss_loaded_bytes=6_600_000,
            rss_initialized_bytes=6_600_000 + 2 * size,
            rss_end_bytes=7_500_000 + 2 * size,
            peak_rss_bytes=7_600_000 + 2 * size,
            threads_requested=threads,
            threads_used=threads,
            cpus_allowed="0-3",
            scheduling=SchedulingReport(
                cgroup="0::/",
                cpuset="/",
                uclamp_min_per_1024=0,
                uclamp_max_per_1024=1024,
                oom_score_adj=0,
                timer_slack_ns=50_000,
                nice=0,
                unavailable=None,
            ),
            counted_instructions=None,
            counted_cycles=None,
            counted_cache_misses=None,
            counted_branch_misses=None,
            counters_unavailable="simulated",
            memory_detail=_memory(size) if with_memory else None,
            cold=None,
            packed_cache=None,
            sustained=None,
            profile=None,
            output=OutputTensor(sizes=artifact.output.sizes, values=tuple(reference)),
        )


def _memory(size: int) -> MemoryReport:
    return MemoryReport(
        pss_initialized_bytes=5_000_000 + size,
        private_dirty_initialized_bytes=1_000_000 + size,
        pss_end_bytes=6_000_000 + size,
        private_dirty_end_bytes=2_000_000 + size,
        unavailable=None,
    )


class SimulatedTransport(Transport):
    """Answers the commands that the harness sends to a board; a new one gets none by mistake."""

    name = "simulated"

    def __init__(self, board: Board) -> None:
        self._board = board

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
        longest_bytes: int = LONGEST_ANSWER,
    ) -> Completed:
        words = tuple(argv)
        if words[:3] == ("sh", "-c", verified._VERIFIED):
            code, text = self._answer(words[5:], stdin)
            text = text.rstrip("\n")
            return Completed(words, code, f"{text}\n{verified._hash((text, str(code)))}\n".encode(), b"")
        if words[:3] == ("sh", "-c", job._FETCH):
            return Completed(words, 0, self._board.fetch(words[5:]), b"")
        return Completed(words, 0, b"", b"")

    def _answer(self, argv: Sequence[str], stdin: bytes) -> tuple[int, str]:
        board = self._board
        match list(argv):
            case ["sha256sum", *paths]:
                return 0, "".join(f"{board.files[path]}  {path}\n" for path in paths if path in board.files)
            case ["sh", "-c", _, "probe.sh", "facts", _]:
                cores = "\n".join(CORE.format(index) for index in range(4))
                return 0, FACTS.format(boot_id=board.boot_id, cores=cores)
            case ["sh", _, "conditions"] | ["sh", "-c", _, "probe.sh", "conditions"]:
                return 0, board.conditions()
            case ["sh", _, "start", _, *options]:
                return 0, f"status {board.start(options[options.index('--') + 1 :])}"
            case ["sh", _, "stop", _]:
                board.stopped.set()
            case ["sh", "-c", job._PREPARE, *_]:
                board.job = {"request": stdin}
                board.stopped.clear()
            case ["sh", "-c", '[ -d "$1" ]', *_]:
                return (0 if board.job else 1), ""
            case ["sh", "-c", 'rm -rf "$1"', *_]:
                board.job = {}
            case ["sh", "-c", _, "lock", _, _, minutes] if minutes == str(STALE_MINUTES):
                return 0, "taken"
        return 0, ""

    def push(self, source: Path, destination: str, *, mode: int = 0o644, timeout_s: float = 300) -> None:
        status = source.stat()
        self._board.files[destination] = _hash(source, status.st_size, status.st_mtime_ns)
        if source.name == PROGRAM:
            self._board.programs[destination] = source

    def pull(
        self, source: str, destination: Path, *, timeout_s: float = 300, longest_bytes: int = LONGEST_PULL
    ) -> None:
        raise TransferFailed(f"a simulated board has no file {source}")

    def close(self) -> None:
        pass


_boards: dict[str, Board] = {}


@contextmanager
def open_simulated(target: Target, log: Callable[[str], None]) -> Iterator[Device]:
    board = _boards.setdefault(target.address, Board(target.address))
    transport = SimulatedTransport(board)
    info, free_bytes = describe(transport, name=target.name, kind=KIND, folder=FOLDER)
    yield Device(info, transport, FOLDER, lambda: SimulatedTransport(board), free_bytes=free_bytes)


SIMULATED = DeviceKind(
    name=KIND, runs_on_host=False, open=open_simulated, transports=(SimulatedTransport.name,)
)
