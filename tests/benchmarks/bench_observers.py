"""What each way of choosing int8's ranges costs in accuracy, with weights and images of your own.

    python tests/benchmarks/bench_observers.py w25-32.safetensors [DATASET] [CALIBRATION]

Calibrates on CALIBRATION (default fashion-mnist:train) and prints top-1 on DATASET (default: the shipped
subset), with its 95 % interval, of the fp32 network and of the exact integers that each observer leads to:
what a correct device computes.
"""

import sys
from pathlib import Path
from typing import get_args

from harness.accuracy.datasets import open_split
from harness.accuracy.loading import load_pixels
from harness.accuracy.preparation import Prepared, prepare
from harness.accuracy.reference import Network, predict_pixels, reference_network
from harness.accuracy.scoring import score
from harness.records import DEFAULT_OBSERVER, Observer, RunRequest

SHIPPED = f"idx:{Path(__file__).resolve().parent.parent / 'data' / 'fashion-mnist-1k'}"


def main(file: str, tested: str = SHIPPED, calibrated_on: str = "fashion-mnist:train") -> None:
    """Print a line for fp32 and for each observer."""
    dataset = open_split(tested)
    prepared = {observer: _prepare(file, calibrated_on, observer) for observer in get_args(Observer)}
    ((variant, weights),) = prepared[DEFAULT_OBSERVER].weights.items()
    preprocessing = weights.preprocessing(variant.shape[1])
    pixels = load_pixels(dataset, preprocessing)

    def log(name: str, network: Network) -> None:
        top1 = score(predict_pixels(network, pixels, preprocessing), dataset).top1
        print(f"{name:10} {top1.estimate:.2%} ({top1.low:.2%} to {top1.high:.2%})", flush=True)

    print(f"{variant.name}, top-1 on {len(dataset)} images of {dataset.name}")
    log("fp32", weights.network())
    for observer, one in prepared.items():
        log(observer, reference_network(variant, one.inputs[variant]))


def _prepare(file: str, calibrated_on: str, observer: Observer) -> Prepared:
    request = RunRequest(
        devices=(),
        widths=(),
        resolutions_px=(),
        precisions=("int8",),
        threads=(1,),
        weights_files=(str(Path(file).resolve()),),
        calibration_dataset=calibrated_on,
        observer=observer,
    )
    return prepare(request, print)


if __name__ == "__main__":
    main(*sys.argv[1:])
