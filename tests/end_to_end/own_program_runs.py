"""Brief runs of programs unlike the built-in network."""

from pathlib import Path
from typing import Any

from harness_command import Ended, HarnessCommand

BRIEF = ("--processes", "2", "--min-time", "20ms", "--max-time", "50ms", "--yes", "--json")


def run_own(run_harness: HarnessCommand, device: str, *arguments: str | Path) -> Ended:
    return run_harness("run", "--device", device, *BRIEF, *arguments)


def program_list(folder: Path, *names: str) -> str:
    return ",".join(str(folder / f"{name}.pte") for name in names)


def cells_by_model(ended: Ended) -> dict[str, dict[str, Any]]:
    assert ended.exit_code == 0, ended.stderr
    return {cell["variant"]["model"]: cell for cell in ended.document["cells"]}
