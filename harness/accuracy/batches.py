"""Evaluation images on a device: sent once, run through a program in the runner's batch mode, logits back."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.accuracy.packing import Chunk
from harness.errors import RunnerFailed, TransferFailed
from harness.runner.deploy import (
    ATTEMPTS,
    COMMAND_TIMEOUT_S,
    DeployedBundle,
    DeviceFile,
    push_missing,
    sha256_on_device,
)
from harness.runner.job import Job
from harness.runner.report import describe_end
from harness.runner.time_limits import START_ALLOWANCE_S
from harness.system.files import hash_file
from harness.transports.verified import run_verified

# Small enough for progress every few seconds, and for a phone that is nearly full.
CHUNK_BYTES = 8 * 2**20
# Twice what width 1.0 at 224 px takes on the slowest emulated core: beyond it, the runner hangs.
IMAGE_TIMEOUT_S = 15


@dataclass(frozen=True)
class Batches:
    """One program on one device; `program` is its path on the device, `scratch` a host folder for outputs.

    `logits_bytes` are those of one image. Inputs stay on the device for the next program if `keep_inputs` is
    set. `runner` is the bundle of the program's runtime, where that is not the job's.
    """

    job: Job
    program: str
    threads: int
    logits_bytes: int
    scratch: Path
    log: Callable[[str], None]
    keep_inputs: bool = True
    runner: DeployedBundle | None = None

    def run(self, chunk: Chunk) -> Path:
        """Run a chunk's images and return the file of their logits, its sha256 checked against the device's.

        Raises:
            RunnerFailed: the runner ended with an error or a signal.
            TransferFailed: the logits were damaged in every transfer.
        """
        device = self.job.device
        inputs = f"{device.folder}/inputs/{chunk.sha256}.bin"
        push_missing(device, [DeviceFile(chunk.path, inputs, chunk.sha256)], self.log)
        timeout_s = START_ALLOWANCE_S + IMAGE_TIMEOUT_S * len(chunk.indices)
        exit_code = self.job.run(self._argv(inputs, chunk), timeout_s=timeout_s)
        if exit_code != 0:
            raise RunnerFailed(describe_end(exit_code, self.job.last_output()), device=device.info.name)
        self.scratch.mkdir(parents=True, exist_ok=True)
        output = self.scratch / "logits.bin"
        self._pull(self._output, output, longest_bytes=self.logits_bytes * len(chunk.indices))
        self.job.remove()
        if not self.keep_inputs:
            run_verified(device.transport, ["rm", "-f", inputs], timeout_s=COMMAND_TIMEOUT_S)
        return output

    @property
    def _output(self) -> str:
        return f"{self.job.folder}/logits.bin"

    def _argv(self, inputs: str, chunk: Chunk) -> tuple[str, ...]:
        options = {
            "--model": self.program,
            "--report": f"{self.job.folder}/report.json",
            "--threads": str(self.threads),
            "--batch-input": inputs,
            "--batch-output": self._output,
        }
        if chunk.scale is not None:
            options |= {"--batch-scale": repr(chunk.scale), "--batch-offset": repr(chunk.offset)}
        words = (word for option in options.items() for word in option)
        runner = self.runner or self.job.bundle
        return (*runner.runner_argv(self.job.device.launcher), *words)

    def _pull(self, source: str, destination: Path, *, longest_bytes: int) -> None:
        device = self.job.device
        for _ in range(ATTEMPTS):
            device.transport.pull(source, destination, longest_bytes=longest_bytes)
            if sha256_on_device(device, [source]).get(source) == hash_file(destination):
                return
        raise TransferFailed(
            f"the logits were damaged in {ATTEMPTS} of {ATTEMPTS} transfers",
            device=device.info.name,
            hint="check the cable and the device's storage",
        )
