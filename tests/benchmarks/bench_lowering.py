"""How long one variant takes: our recipe against the stock one in the same run, and from the cache.

The stock recipe is ExecuTorch's own: export the network with its BatchNorms, partition, emit. Ours does more
(folds, counts, keeps a reference input and output) and is timed with all of it. Both are warmed up once.
Exit code 1 when it takes longer than the stock recipe.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import torch
from bench_history import record

from harness.lowering.silence import quietly
from harness.records import Variant
from models.mobilenet_v1 import MobileNetV1, initialize

with quietly():
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    from harness.lowering.program import lower_variant

ROUNDS = 3
LEAST_RATIO = 1.0
VARIANTS = (
    Variant(width=0.25, resolution_px=128, precision="fp32"),
    Variant(width=1.0, resolution_px=224, precision="fp32"),
)
WARM = """
import sys, time
from harness.lowering.artifact import lower_cached
from harness.records import Variant
variant = Variant(width=1.0, resolution_px=224, precision="fp32")
started = time.perf_counter()
stored = lower_cached(variant)
print(time.perf_counter() - started, stored.was_cached, "torch" in sys.modules)
"""


def lower_stock(variant: Variant) -> None:
    """Export with BatchNorm, hand to XNNPACK, emit."""
    width, side_px = variant.shape
    model = MobileNetV1(width)
    initialize(model, 0)
    example = torch.randn(1, 3, side_px, side_px)
    exported = torch.export.export(model.eval(), (example,))
    _ = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()]).to_executorch().buffer


def timed(lower: Callable[[Variant], object], variant: Variant) -> float:
    """Seconds of one call; with one thread each, as our own recipe always runs."""
    torch.set_num_threads(1)
    started = time.perf_counter()
    with quietly():
        lower(variant)
    return time.perf_counter() - started


def warm_run() -> str:
    """Fill an empty cache in one process, hit it in another."""
    with tempfile.TemporaryDirectory() as cache:
        runs = [
            subprocess.run(
                [sys.executable, "-c", WARM],
                env={"HARNESS_CACHE": cache, "PATH": "/usr/bin:/bin"},
                check=True,
                capture_output=True,
                text=True,
                timeout=600,
            ).stdout.split()
            for _ in range(2)
        ]
    (cold, *_), (warm, was_cached, torch_imported) = runs
    return (
        f"mobilenet_v1_1_224_fp32  cold process {float(cold):6.2f} s   warm {float(warm) * 1e3:6.1f} ms   "
        f"cached: {was_cached}   torch imported: {torch_imported}"
    )


def main() -> int:
    """Print one line a variant, then the warm run; 1 when a goal is missed."""
    met = []
    for lower in (lower_stock, lower_variant):
        timed(lower, Variant(width=0.25, resolution_px=32, precision="fp32"))
    for variant in VARIANTS:
        pairs = [(timed(lower_stock, variant), timed(lower_variant, variant)) for _ in range(ROUNDS)]
        stock, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
        print(f"{variant.name:28} stock {stock:6.2f} s   ours {ours:6.2f} s   ratio {stock / ours:.2f}x")
        met.append(record("lowering", f"stock/ours, {variant.name}", stock / ours, at_least=LEAST_RATIO).met)
    print(warm_run())
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
