"""What a second run saves: it lowers nothing and pushes nothing. Exit code 1 when it does either."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_history import record

SWEEP = ("--device", "host", "--width", "0.25", "--resolution", "64", "--processes", "1", "--min-time", "0.1")
# Where artifacts are lowered to, and where the host as a device gets bundle and artifacts pushed.
WRITTEN = ("artifacts/*/model.pte", "devices/host/bundle-*/*", "devices/host/artifacts/*")


def main() -> int:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        cold_s, cold = run(cache, Path(folder) / "cold")
        warm_s, warm = run(cache, Path(folder) / "warm")
    again = {path for path, written in warm.items() if cold.get(path) != written}
    lowered = sum(path.name == "model.pte" for path in again)
    print(f"{'':6} {'lowered':>8} {'pushed':>8} {'seconds':>8}")
    programs = sum(path.name == "model.pte" for path in cold)
    print(f"{'cold':6} {programs:8} {len(cold) - programs:8} {cold_s:8.1f}")
    print(f"{'warm':6} {lowered:8} {len(again) - lowered:8} {warm_s:8.1f}   ratio {cold_s / warm_s:.1f}x")
    record("warm", "cold/warm run, 0.25/64", cold_s / warm_s, at_least=1.0)
    return 1 if again else 0


def run(cache: Path, out: Path) -> tuple[float, dict[Path, int]]:
    """Seconds of one `harness run`, and when each file that is lowered or pushed was written."""
    started = time.monotonic()
    command = (sys.executable, "-m", "harness", "run", *SWEEP, "--out", str(out), "--quiet")
    environment = {**os.environ, "HARNESS_CACHE": str(cache)}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=600)
    seconds = time.monotonic() - started
    files = (path for pattern in WRITTEN for path in cache.glob(pattern))
    return seconds, {path: path.stat().st_mtime_ns for path in files}


if __name__ == "__main__":
    sys.exit(main())
