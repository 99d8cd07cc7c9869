"""What a year of nightly runs takes: bytes on disk, and seconds and memory of `history` and `report` over it.

Run by `make bench-nights`. Cells are simulated: the grid of 32 variants on a phone, each process measured for
a second as `harness run` does, so that a quick variant has more samples. docs/scale.md quotes the figures.
Exits 1 where a history of one device misses its goals.
"""

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parents[1]))
from builders import make_run
from harness.records.cell_files import CELLS_FOLDER, cell_file_name
from harness.records.run_folder import write_cell, write_run
from synthetic import PHONE, simulate_cell, simulate_cells

PROCESSES, SECONDS_A_PROCESS = 5, 1.0
# Nights that are simulated; the others repeat one of them, in random order.
DISTINCT_NIGHTS = 12
# Of a history of one device.
MAX_SECONDS, MAX_MB, MAX_PAGE_MB = 60.0, 300.0, 2.0
FIRST_NIGHT = datetime(2026, 1, 1, 3, tzinfo=UTC)


def simulate_nights(folder: Path) -> list[dict[str, bytes]]:
    """The files of the grid's cells by their names, for each of the distinct nights."""
    nights: list[dict[str, bytes]] = []
    for seed in range(DISTINCT_NIGHTS):
        random = np.random.default_rng(seed)
        files = {}
        for typical in simulate_cells():
            assert typical.latency is not None
            samples = round(SECONDS_A_PROCESS * 1e9 / typical.latency.median_ns.estimate)
            cell = simulate_cell(
                PHONE, typical.variant, processes=PROCESSES, samples=max(10, samples), random=random
            )
            files[cell.name] = write_cell(folder / str(seed), cell).read_bytes()
        nights.append(files)
    return nights


def write_year(folder: Path, nights: int, devices: int, simulated: list[dict[str, bytes]]) -> list[Path]:
    """A run folder for each night, of all devices, each of which has a simulated night of its own."""
    random = np.random.default_rng(1)
    first = simulate_cells()[:1]
    folders = []
    for number in range(nights):
        started = FIRST_NIGHT + timedelta(days=number)
        run = replace(
            make_run(first),
            id=f"night-{number:03}",
            started_at=f"{started:%Y-%m-%dT%H:%M:%SZ}",
            git_revision=f"{number:040x}",
        )
        place = folder / run.id
        (place / CELLS_FOLDER).mkdir(parents=True)
        write_run(place, run)
        for device in range(devices):
            for name, content in simulated[random.integers(DISTINCT_NIGHTS)].items():
                renamed = name.replace(PHONE.name, f"phone{device:03}", 1)
                of_device = content.replace(f'"{PHONE.name}"'.encode(), f'"phone{device:03}"'.encode(), 1)
                (place / CELLS_FOLDER / cell_file_name(renamed)).write_bytes(of_device)
        folders.append(place)
    return folders


def report_sizes(simulated: list[dict[str, bytes]]) -> None:
    """The bytes of a cell and of what a year adds up to."""
    contents = [content for night in simulated for content in night.values()]
    sizes = np.array([len(content) for content in contents])
    print(f"cell file, bytes           median {np.median(sizes):,.0f}, {sizes.min():,} to {sizes.max():,}")
    packed = sum(len(gzip.compress(content, 6)) for content in contents) / sizes.sum()
    print(f"compressed with gzip -6    {packed:.2f} of that")
    for devices in (1, 10, 100, 1000):
        year = sizes.mean() * 32 * 365 * devices
        print(
            f"{devices:5} devices, a year      {year / 1e9:10.1f} GB, {packed * year / 1e9:.1f} GB compressed"
        )


def measure(*words: str | Path) -> tuple[float, float, int]:
    """Seconds, peak memory in MB and exit code of a harness command."""
    script = (
        "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
    )
    start = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", script, sys.executable, "-m", "harness", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - start
    if ended.stderr:
        print(ended.stderr[-500:])
    return seconds, int(ended.stdout.splitlines()[-1]) / 1e3, ended.returncode


def main() -> int:
    """Write the year, run the commands over it, print what they took; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--commands", default="history,report")
    parser.add_argument("--folder", type=Path, help="where the year is written, and kept")
    options = parser.parse_args()
    print(f"{options.nights} nights x 32 cells x {options.devices} devices, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as temporary:
        simulated = simulate_nights(Path(temporary) / "simulated")
        report_sizes(simulated)
        place = options.folder or Path(temporary) / "year"
        folders = sorted(place.glob("night-*")) if place.exists() else []
        folders = folders or write_year(place, options.nights, options.devices, simulated)
        missed = False
        for command in filter(None, options.commands.split(",")):
            out = Path(temporary) / ("history.html" if command == "history" else "report")
            seconds, megabytes, code = measure(command, *folders, "--out", out)
            page = out if out.is_file() else out / "index.html"
            size = page.stat().st_size / 1e6 if page.exists() else float("nan")
            print(f"{command:8} {seconds:8.1f} s, {megabytes:8.0f} MB, page {size:.1f} MB, exit code {code}")
            beyond = seconds > MAX_SECONDS or megabytes > MAX_MB or size > MAX_PAGE_MB
            if command == "history" and options.devices == 1 and beyond:
                print(f"MISSED: at most {MAX_SECONDS:g} s, {MAX_MB:g} MB, a page of {MAX_PAGE_MB:g} MB")
                missed = True
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
