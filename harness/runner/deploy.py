"""Pushing the runner bundle and artifacts to a device; files that it has already are not pushed again."""

import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.analysis.runtimes import file_suffix
from harness.devices.device import Device
from harness.errors import DeviceUnfit, TransferFailed
from harness.lowering.artifact_store import StoredArtifact
from harness.records import DEFAULT_METHOD, EXECUTORCH, RuntimeName
from harness.runner.bundle import Bundle, ensure_runtime_bundle
from harness.runner.bundle.contents import SYSTEM_LOADERS
from harness.system.text import excerpt
from harness.transports.verified import run_verified

COMMAND_TIMEOUT_S = 60
HASHING_TIMEOUT_S = 300
# Neither TCP's checksum nor adb finds every damaged byte; sha256 does.
ATTEMPTS = 3
# Reports, job folders and the file system's own overhead.
SPARE_BYTES = 16 * 2**20

# $1 a folder inside that of the files, then their names.
_LINK = 'mkdir -p "$1" && cd "$1" && shift && for name; do ln -sf "../$name" "$name" || exit; done'
# ld.so(8): separators of --library-path, and its dynamic string tokens.
_OF_THE_LOADER = re.compile(r"[:;]|\$\{?(ORIGIN|LIB|PLATFORM)")
_SUM_LINE = re.compile(r"(?P<escaped>\\?)(?P<sha256>[0-9a-f]{64}) [ *](?P<path>.+)")


@dataclass(frozen=True)
class DeviceFile:
    """A file of this machine and where it belongs on the device."""

    source: Path
    destination: str
    sha256: str
    mode: int = 0o644


@dataclass(frozen=True)
class DeployedBundle:
    """The runner on the device; with the device's own glibc, loader and libraries are not in its folder."""

    folder: str
    loader: str
    runner_options: tuple[str, ...] = ()
    libraries: str = ""

    @property
    def launch_script(self) -> str:
        """Starts jobs so that they survive the connection."""
        return f"{self.folder}/launch.sh"

    @property
    def probe_script(self) -> str:
        """Reads conditions."""
        return f"{self.folder}/probe.sh"

    @property
    def profile_script(self) -> str:
        """Starts a program with one of Android's task profiles."""
        return f"{self.folder}/task_profile.sh"

    def runner_argv(self, launcher: Sequence[str]) -> tuple[str, ...]:
        """The runner through the loader of its glibc (no other version would do), behind a launcher."""
        loader = posixpath.join(self.folder, self.loader)
        libraries = self.libraries or self.folder
        runner = f"{self.folder}/runner"
        return (*launcher, loader, "--library-path", libraries, runner, *self.runner_options)


@dataclass(frozen=True)
class DeployedArtifact:
    """A program and its reference input on the device.

    The `method` is None for `forward`; with `outputs_apart` its outputs go to a file of the job. `runner` is
    the bundle of a runtime beside ExecuTorch, None for that of the job.
    """

    program: str
    reference_input: str
    method: str | None = None
    outputs_apart: bool = False
    runner: DeployedBundle | None = None


def deploy_bundle(device: Device, bundle: Bundle, log: Callable[[str], None]) -> DeployedBundle:
    """Push the missing files of the bundle and check that the device may execute them.

    Raises:
        DeviceUnfit: no space, the folder cannot be named to the loader or does not allow execution, or the
            device's own glibc is too old.
    """
    if found := _OF_THE_LOADER.search(device.folder):
        raise DeviceUnfit(
            f"the folder {device.folder!r} cannot be used: {found[0]!r} has a meaning in the loader's list of"
            " library folders",
            device=device.info.name,
            hint='name another as folder = "…" in devices.toml; for host and emulator in HARNESS_CACHE',
        )
    folder = f"{device.folder}/bundle-{bundle.sha256[:12]}"
    files = [DeviceFile(bundle.folder / f.name, f"{folder}/{f.name}", f.sha256, f.mode) for f in bundle.files]
    pushed = push_missing(device, files, log)
    deployed = DeployedBundle(folder, bundle.loader, bundle.runner_options)
    if pushed:
        _check_executable(device, deployed)
    return _with_system_glibc(device, bundle, deployed) if device.system_glibc else deployed


def deploy_runtime(device: Device, runtime: RuntimeName, log: Callable[[str], None]) -> DeployedBundle | None:
    """The bundle of a runtime beside ExecuTorch on the device; None for ExecuTorch, whose bundle a job has.

    Raises as `deploy_bundle` and `ensure_runtime_bundle` do.
    """
    if runtime == EXECUTORCH:
        return None
    return deploy_bundle(device, ensure_runtime_bundle(device.info.abi, runtime), log)


def _with_system_glibc(device: Device, bundle: Bundle, deployed: DeployedBundle) -> DeployedBundle:
    """The same runner on the device's own glibc, which must not find the bundled one beside it."""
    needed = bundle.needed_glibc()
    if device.system_glibc and device.system_glibc < needed:
        raise DeviceUnfit(
            f"the device's {device.info.libc} is older than {needed[0]}.{needed[1]}, which the runner needs",
            device=device.info.name,
            hint='leave libc = "system" out of devices.toml',
        )
    libraries = f"{deployed.folder}/beside-glibc"
    argv = ("sh", "-c", _LINK, "sh", libraries, *bundle.beside_glibc)
    run_verified(device.transport, argv, timeout_s=COMMAND_TIMEOUT_S).check(device.info.name)
    return replace(deployed, loader=SYSTEM_LOADERS[bundle.abi], libraries=libraries)


def deploy_artifact(device: Device, stored: StoredArtifact, log: Callable[[str], None]) -> DeployedArtifact:
    """Push a program and its reference input, each named by its sha256, unless the device has them."""
    artifact = stored.artifact
    program = f"{device.folder}/artifacts/{artifact.sha256}{file_suffix(artifact.variant.runtime)}"
    reference_input = f"{device.folder}/artifacts/{artifact.reference_input_sha256}.bin"
    push_missing(
        device,
        [
            DeviceFile(stored.program, program, artifact.sha256),
            DeviceFile(stored.reference_input, reference_input, artifact.reference_input_sha256),
        ],
        log,
    )
    method = artifact.variant.method
    return DeployedArtifact(
        program,
        reference_input,
        method=None if method == DEFAULT_METHOD else method,
        outputs_apart=artifact.outputs_are_apart,
    )


def push_missing(
    device: Device, files: Sequence[DeviceFile], log: Callable[[str], None]
) -> tuple[DeviceFile, ...]:
    """Push the files the device does not have with the right content, and log it; return those pushed.

    A file that arrives damaged is pushed again.

    Raises:
        DeviceUnfit: the device has too little space.
        TransferFailed: the device refused a file, or a file arrived damaged every time.
    """
    missing = _missing(device, files)
    if not missing:
        return ()
    size_bytes = sum(file.source.stat().st_size for file in missing)
    _check_space(device, size_bytes)
    what = "1 file" if len(missing) == 1 else f"{len(missing)} files"
    log(f"pushing {what}, {size_bytes / 1e6:.1f} MB")
    folders = sorted({file.destination.rpartition("/")[0] for file in missing})
    argv = ("mkdir", "-p", *folders)
    run_verified(device.transport, argv, timeout_s=COMMAND_TIMEOUT_S).check(device.info.name)
    damaged = missing
    for _ in range(ATTEMPTS):
        damaged = _push(device, damaged)
        if not damaged:
            break
    else:
        raise TransferFailed(
            f"{damaged[0].source.name} arrived damaged {ATTEMPTS} times",
            device=device.info.name,
            hint="check the cable and the device's storage",
        )
    return missing


def _push(device: Device, files: Sequence[DeviceFile]) -> tuple[DeviceFile, ...]:
    """Push and return those that arrived damaged."""
    for file in files:
        device.transport.push(file.source, file.destination, mode=file.mode)
    return _missing(device, files)


def _missing(device: Device, files: Sequence[DeviceFile]) -> tuple[DeviceFile, ...]:
    paths = [file.destination for file in files]
    present = sha256_on_device(device, paths)
    return tuple(file for file in files if present.get(file.destination) != file.sha256)


def sha256_on_device(device: Device, paths: Sequence[str]) -> dict[str, str]:
    """The sha256 of those files that exist on the device, by path."""
    answer = run_verified(device.transport, ["sha256sum", *paths], timeout_s=HASHING_TIMEOUT_S)
    matches = (_SUM_LINE.fullmatch(line) for line in answer.text.split("\n"))
    return {_path(match): match["sha256"] for match in matches if match}


def _path(line: re.Match[str]) -> str:
    """GNU's sha256sum marks lines in which it escaped the path; paths here have no line breaks."""
    return line["path"].replace(r"\\", "\\") if line["escaped"] else line["path"]


def _check_space(device: Device, size_bytes: int) -> None:
    needed = size_bytes + SPARE_BYTES
    if device.free_bytes is not None and device.free_bytes < needed:
        raise DeviceUnfit(
            f"{device.folder} has {device.free_bytes / 1e6:.0f} MB free, {needed / 1e6:.0f} MB are needed",
            device=device.info.name,
            hint="free space on the device, or set another folder in devices.toml",
        )


def _check_executable(device: Device, bundle: DeployedBundle) -> None:
    if device.launcher:
        return
    loader = f"{bundle.folder}/{bundle.loader}"
    answer = device.transport.run([loader, "--version"], timeout_s=COMMAND_TIMEOUT_S)
    if answer.exit_code != 0:
        raise DeviceUnfit(
            f"{loader} cannot be executed on the device: {excerpt(answer.stderr)}",
            device=device.info.name,
            hint='if the file system is mounted noexec, set another folder = "…" in devices.toml',
        )
