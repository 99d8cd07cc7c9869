"""How long a report of many cells takes, how much memory, and how quickly its page answers in a browser.

Run by `make bench-report`; exits 1 where a goal is missed. The cells are simulated.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from browser import open_browser, open_page
from builders import make_run
from harness.records import Variant
from harness.records.run_folder import write_cell, write_run
from synthetic import PHONE, simulate_cell

MAX_SECONDS, MAX_MB, MAX_PAGE_MB, MAX_LOAD_S, MAX_ANSWER_MS = 10.0, 800.0, 2.0, 1.5, 100.0
PROCESSES = 5
_MEASURE = """() => {
  const field = document.querySelector("input[name=max-latency]");
  const times = [];
  for (const limit of [3, 5, 8, 13, 21, 34]) {
    const start = performance.now();
    field.value = limit;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    document.body.getBoundingClientRect();
    times.push(performance.now() - start);
  }
  return Math.max(...times);
}"""


def write_cells(folder: Path, cells: int, samples: int) -> None:
    """A run folder of that many cells, each with that many samples over its processes."""
    random = np.random.default_rng(0)
    shapes = product(np.linspace(0.25, 1.0, 16), (96, 128, 160, 192, 224), ("fp32", "int8"), range(1, 9))
    first = None
    for _, (width, side, precision, threads) in zip(range(cells), shapes, strict=False):
        variant = Variant(width=round(float(width), 3), resolution_px=side, precision=precision)
        cell = simulate_cell(
            PHONE,
            variant,
            threads=threads,
            processes=PROCESSES,
            samples=samples // PROCESSES,
            random=random,
        )
        first = first or cell
        write_cell(folder, cell)
    if first:
        write_run(folder, make_run((first,)))


def main() -> int:
    """Measure, print each figure with its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        write_cells(folder, options.cells, options.samples)
        start = time.monotonic()
        subprocess.run([sys.executable, "-m", "harness", "report", str(folder)], check=True)
        seconds = time.monotonic() - start
        used_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
        page = folder / "report" / "index.html"
        size_mb = page.stat().st_size / 1e6
        with open_browser() as browser, open_page(browser, "about:blank") as opened:
            start = time.monotonic()
            opened.goto(page.as_uri())
            load_s = time.monotonic() - start
            answer_ms = float(opened.evaluate(_MEASURE))
    rows = (
        ("report, s", seconds, MAX_SECONDS),
        ("peak memory, MB", used_mb, MAX_MB),
        ("index.html, MB", size_mb, MAX_PAGE_MB),
        ("page loads, s", load_s, MAX_LOAD_S),
        ("answers a new budget, ms", answer_ms, MAX_ANSWER_MS),
    )
    for name, value, goal in rows:
        print(f"{name:26} {value:9.2f}   goal at most {goal:g}{'' if value <= goal else '   MISSED'}")
    return int(any(value > goal for _, value, goal in rows))


if __name__ == "__main__":
    sys.exit(main())
