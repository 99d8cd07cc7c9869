"""The runner on this machine for one inference, apart from any device: what an own program gives here.

The program may be anybody's: it runs in a process with limits on time, memory and what it writes.
"""

import os
import platform
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.errors import BundleError, HarnessError, MeasurementError
from harness.lowering.own_programs import HostOutputs
from harness.lowering.program_file import LARGEST_OUTPUT_BYTES, Method
from harness.records import Abi, RunnerReport, TensorSpec
from harness.records.decoding import Malformed, decode_json
from harness.runner.bundle import Bundle
from harness.runner.output_checks import check_outputs
from harness.runner.report import describe_end
from harness.system.files import read_regular_file
from harness.system.processes import run_local
from harness.system.text import excerpt, last_line

TIMEOUT_S = 300.0
LISTING_TIMEOUT_S = 30.0
LARGEST_REPORT_BYTES = 2**24
# No more than this machine's memory would be useful; of what is only mapped, twice as much.
MEMORY_SHARE = 2
ABIS: dict[str, Abi] = {"x86_64": "x86_64", "aarch64": "arm64-v8a"}
# In units of 1024 bytes and of 512 bytes, as POSIX has them.
_LIMITED = 'ulimit -v "$1" && ulimit -f "$2" && ulimit -c 0 && shift 2 && exec "$@"'


@dataclass(frozen=True)
class Capabilities:
    """The kernels and backends that are registered in a runner, by their names in a program."""

    operators: frozenset[str]
    backends: frozenset[str]


def host_abi() -> Abi:
    """This machine's; raises BundleError where no bundle is made for it."""
    system, machine = platform.system(), platform.machine()
    if system != "Linux" or machine not in ABIS:
        raise BundleError(f"there is no runner for {system} on {machine}")
    return ABIS[machine]


def list_capabilities(bundle: Bundle) -> Capabilities:
    """What the bundle's runner can execute.

    Raises:
        BundleError: it cannot be started.
    """
    done = run_local([*_runner(bundle), "--list-capabilities"], timeout_s=LISTING_TIMEOUT_S)
    if done.exit_code != 0:
        raise BundleError(f"the runner cannot be started on this machine: {excerpt(done.stderr)}")
    lines = [line.partition(" ") for line in done.text.splitlines()]
    return Capabilities(
        frozenset(name for kind, _, name in lines if kind == "operator"),
        frozenset(name for kind, _, name in lines if kind == "backend"),
    )


def run_here(
    bundle: Bundle | None,
    program: Path,
    inputs: Path,
    method: Method,
    inferences: int = 1,
    *,
    timeout_s: float = TIMEOUT_S,
) -> HostOutputs:
    """The outputs of the last of some inferences; `inputs` is the file with all inputs of each.

    Raises:
        MeasurementError: there is no bundle; or the runner failed, died, took too long, or reported something
            else.
    """
    if bundle is None:
        raise MeasurementError("there is no runner for this machine")
    with tempfile.TemporaryDirectory(prefix="harness-") as folder:
        report, outputs = Path(folder) / "report.json", Path(folder) / "outputs"
        options = {
            "--model": program,
            "--method": method.name,
            "--input": inputs,
            "--report": report,
            "--outputs": outputs,
            "--min-iterations": inferences,
        }
        words = [str(word) for option in options.items() for word in option]
        try:
            done = run_local(
                ["sh", "-c", _LIMITED, "sh", *_limits(program), *_runner(bundle), *words], timeout_s=timeout_s
            )
            if done.exit_code != 0:
                raise MeasurementError(describe_end(done.exit_code, excerpt(last_line(done.stderr))))
            specs = _specs(read_regular_file(report, LARGEST_REPORT_BYTES), method)
            content = read_regular_file(outputs, LARGEST_OUTPUT_BYTES)
        except MeasurementError:
            raise
        except (HarnessError, OSError) as error:
            raise MeasurementError(error.what if isinstance(error, HarnessError) else str(error)) from error
    if len(content) != sum(spec.size_bytes for spec in specs):
        raise MeasurementError(f"the outputs have {len(content)} bytes, and not what their sizes make")
    return HostOutputs(content, specs)


def _specs(report: bytes, method: Method) -> tuple[TensorSpec, ...]:
    """The method's outputs with their actual sizes."""
    try:
        outputs = decode_json(report, RunnerReport).outputs
    except Malformed as error:
        raise MeasurementError(f"the runner's report is malformed: {excerpt(str(error))}") from error
    return check_outputs(outputs, method.outputs)


def _limits(program: Path) -> tuple[str, str]:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * MEMORY_SHARE
    memory += program.stat().st_size
    return str(memory // 1024), str((LARGEST_OUTPUT_BYTES + LARGEST_REPORT_BYTES) // 512)


def _runner(bundle: Bundle) -> tuple[str, ...]:
    folder = bundle.folder
    return (str(folder / bundle.loader), "--library-path", str(folder), str(folder / "runner"))
