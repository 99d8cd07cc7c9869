"""What evaluating costs: `python tests/benchmarks/bench_accuracy.py`.

10,000 images of 28x28 pixels at 32 px on this machine: sending, running and scoring them, against a bare
`Module::forward` loop of as many inferences, one thread each, turn and turn about. Preparing the images
(decoding, resizing, packing) happens once and is told apart. Ends with exit code 1 when the processor's time
is off its limit.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench_history import record

from harness.accuracy.datasets import Dataset, open_dataset
from harness.accuracy.packing import Chunk, pack
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.scoring import collect_predictions, score
from harness.errors import UsageError
from harness.lowering.artifact import lower_cached
from harness.lowering.artifact_store import StoredArtifact
from harness.records import Variant
from harness.runner.bundle import Bundle, ensure_bundle
from harness.runner.bundle.toolchain import find_toolchain
from harness.runner.bundle.wheel import find_executorch, runs_natively
from harness.system.paths import DEVICE_SCRIPTS
from harness.transports.local import LocalTransport

SOURCES = Path(__file__).with_name("runner_costs")
SHIPPED = Path(__file__).parent.parent / "data" / "fashion-mnist-1k"
IMAGES, SIDE, CLASSES = 10_000, 32, 10
MAX_RATIO = 1.2
# All images in one chunk: what an image costs, without the start of a runner for each chunk.
CHUNK_BYTES = 64 * 2**20
ROUNDS = 5


@dataclass(frozen=True)
class Bench:
    """What both loops run: the host's bundle, the bare program and one artifact."""

    bundle: Bundle
    bare: Path
    stored: StoredArtifact
    folder: Path

    def start(self, program: Path, *words: object) -> str:
        """Run a program with the bundle's loader and libraries, as the runner is run."""
        bundle = self.bundle.folder
        argv = [bundle / self.bundle.loader, "--library-path", bundle, program, *words]
        ended = subprocess.run([*map(str, argv)], check=True, capture_output=True, text=True, timeout=600)
        return ended.stdout

    def run_batch(self, chunk: Chunk) -> Path:
        """Send a chunk as it is sent to the `host` device, run it, and bring its outputs back."""
        sent, output = self.folder / "sent.bin", self.folder / "output.bin"
        LocalTransport().push(chunk.path, str(sent))
        options = ["--model", self.stored.program, "--report", self.folder / "report.json", "--threads", 1]
        batch = ["--batch-input", sent, "--batch-output", output]
        if chunk.scale is not None:
            batch += ["--batch-scale", repr(chunk.scale), "--batch-offset", repr(chunk.offset)]
        self.start(self.bundle.folder / "runner", *options, *batch)
        LocalTransport().pull(str(output), self.folder / "logits.bin")
        return self.folder / "logits.bin"


def main() -> int:
    """Build the bare program, compare for a small and a large network, and tell."""
    bundle = ensure_bundle("x86_64" if runs_natively("x86_64") else "arm64-v8a")
    dataset = ten_thousand_images()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        find_toolchain(bundle.abi).build(
            SOURCES,
            scratch / "build",
            find_executorch(bundle.abi),
            {"RUNNER_SOURCES": str(DEVICE_SCRIPTS / "runner")},
        )
        title = f"{IMAGES} images, {SIDE} px, 1 thread"
        columns = ("prepared", "forward", "evaluate", "clock ratio", "CPU ratio", "limit")
        print(f"{title:32}" + "".join(f"{column:>12}" for column in columns))
        within = []
        for width in (0.25, 1.0):
            stored = lower_cached(Variant(width=width, resolution_px=SIDE, precision="fp32", classes=CLASSES))
            bench = Bench(bundle, scratch / "build" / "bare_forward", stored, scratch)
            within.append(compare(bench, dataset, f"{width:g}/{SIDE} fp32, random weights"))
    return 0 if all(within) else 1


def ten_thousand_images() -> Dataset:
    """Fashion-MNIST's test split, or the shipped subset over and over where it is not installed."""
    try:
        return open_dataset("fashion-mnist")
    except UsageError:
        shipped = open_dataset(f"idx:{SHIPPED}")
        return shipped.take(index % len(shipped) for index in range(IMAGES))


def compare(bench: Bench, dataset: Dataset, title: str) -> bool:
    """Print the median rounds and their ratio; whether it is within the limit."""
    preprocessing = Preprocessing(resolution_px=SIDE)
    packed = bench.folder / f"packed-{title[:4].strip('/')}"
    started = time.perf_counter()
    list(pack(dataset, preprocessing, packed, chunk_bytes=CHUNK_BYTES))
    prepared = time.perf_counter() - started

    def run_bare() -> None:
        bench.start(bench.bare, bench.stored.program, bench.stored.reference_input, 0, IMAGES)

    def run_evaluation() -> None:
        chunks = pack(dataset, preprocessing, packed, chunk_bytes=CHUNK_BYTES)
        score(collect_predictions(chunks, bench.run_batch, classes=CLASSES), dataset)

    # Turn and turn about, so that neither always comes second; neighbours in time share the machine's mood,
    # so each round is compared with itself, and the median round decides.
    bare: list[Seconds] = []
    ours: list[Seconds] = []
    for round_ in range(ROUNDS):
        for run, seconds in ((run_bare, bare), (run_evaluation, ours))[:: 1 if round_ % 2 else -1]:
            seconds.append(timed(run))
    wall = median(o.wall / b.wall for o, b in zip(ours, bare, strict=True))
    cpu = median(o.cpu / b.cpu for o, b in zip(ours, bare, strict=True))
    clock = f"{median(s.wall for s in bare):10.2f} s{median(s.wall for s in ours):10.2f} s"
    print(f"{title:32}{prepared:10.2f} s{clock}{wall:12.3f}{cpu:12.3f}{MAX_RATIO:>12}")
    entry = record("accuracy", f"CPU, evaluate/forward, {title}", cpu, at_most=MAX_RATIO)
    if wall >= MAX_RATIO > cpu:
        print("The processor's time is within the limit: this machine is too busy to tell by the clock.")
    return entry.met


@dataclass(frozen=True)
class Seconds:
    """What a run took: by the clock, and of the processor, in this process and its children."""

    wall: float
    cpu: float


def timed(run: Callable[[], None]) -> Seconds:
    """Run once."""
    wall, cpu = time.perf_counter(), sum(os.times()[:4])
    run()
    return Seconds(time.perf_counter() - wall, sum(os.times()[:4]) - cpu)


if __name__ == "__main__":
    sys.exit(main())
