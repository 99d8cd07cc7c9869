"""Export all bundles to one file and import it again, for hosts without a compiler."""

import gzip
import io
import shutil
import tarfile
import tempfile
from pathlib import Path

import msgspec

from harness.errors import BundleError
from harness.records import Abi
from harness.runner.bundle.build import bundle_folder, bundle_key, ensure_bundle
from harness.runner.bundle.contents import ABIS, Bundle, file_mode, read_bundle
from harness.runner.bundle.wheel import executorch_version
from harness.system.entry_lock import locked
from harness.system.files import atomic_file

_ORIGIN = "ORIGIN.json"
# Twice the size of all bundles; an archive that unpacks to more is not one of ours.
_MAX_BYTES = 128 * 2**20


class _Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the bundles were built from."""

    bundle_key: str
    executorch_version: str


def export_bundles(path: Path) -> tuple[Bundle, ...]:
    """Write every ABI's bundle into one .tar.gz; missing bundles are built.

    The same bundles give the same bytes.

    Raises:
        BundleError: a bundle cannot be built or the file cannot be written.
    """
    bundles = tuple(ensure_bundle(abi) for abi in ABIS)
    origin = _Origin(bundle_key(), executorch_version())
    try:
        with (
            atomic_file(path) as temporary,
            temporary.open("wb") as file,
            gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
        ):
            _add(archive, _ORIGIN, msgspec.json.encode(origin), 0o644)
            for bundle in bundles:
                for each in bundle.files:
                    content = (bundle.folder / each.name).read_bytes()
                    _add(archive, f"{bundle.abi}/{each.name}", content, each.mode)
    except OSError as error:
        raise BundleError(f"cannot write {path}: {error}") from error
    return bundles


def import_bundles(path: Path) -> tuple[Bundle, ...]:
    """Check and install the bundles of an exported file; nothing is installed unless every file is right.

    Raises:
        BundleError: the file is damaged, is not an export, contains entries that no export has, or was made
            from other runner sources or with another ExecuTorch.
    """
    target = bundle_folder(ABIS[0]).parent
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        abis = _unpack(path, Path(scratch))
        for abi in abis:
            read_bundle(Path(scratch) / abi, abi)
        return tuple(_install(Path(scratch) / abi, abi) for abi in abis)


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _unpack(path: Path, folder: Path) -> tuple[Abi, ...]:
    """Check the origin, write the archive's files below the folder, and return the ABIs found."""
    abis: dict[Abi, None] = {}
    budget = _MAX_BYTES
    try:
        with tarfile.open(path, "r:gz") as archive:
            _check_origin(_read(archive, archive.next(), budget), path)
            while entry := archive.next():
                abi, name = _parse_name(entry, path)
                content = _read(archive, entry, budget)
                budget -= len(content)
                (folder / abi).mkdir(exist_ok=True)
                # "x" refuses a name that occurs twice.
                with (folder / abi / name).open("xb") as file:
                    file.write(content)
                (folder / abi / name).chmod(file_mode(name))
                abis[abi] = None
    except (OSError, EOFError, tarfile.TarError) as error:
        raise BundleError(f"{path} is damaged or not an exported bundle: {error}") from error
    if not abis:
        raise BundleError(f"{path} contains no bundle")
    return tuple(abis)


def _parse_name(entry: tarfile.TarInfo, path: Path) -> tuple[Abi, str]:
    """Accept `<abi>/<name>` of a plain file and nothing else, so that no entry can leave the folder."""
    folder, _, name = entry.name.partition("/")
    for abi in ABIS:
        if folder == abi and entry.isreg() and name not in ("", ".", "..") and not {"/", "\\"} & set(name):
            return abi, name
    raise BundleError(f"{path} contains an entry that no exported bundle has: {entry.name[:100]!r}")


def _read(archive: tarfile.TarFile, entry: tarfile.TarInfo | None, budget: int) -> bytes:
    if entry is None or not entry.isreg() or entry.size > budget:
        raise BundleError("not an exported bundle: an entry is missing, is not a file, or is too large")
    file = archive.extractfile(entry)
    content = file.read() if file else b""
    if len(content) != entry.size:
        raise BundleError("not an exported bundle: an entry ends early")
    return content


def _check_origin(content: bytes, path: Path) -> None:
    try:
        origin = msgspec.json.decode(content, type=_Origin)
    except msgspec.DecodeError as error:
        raise BundleError(f"{path} is not an exported bundle: {error}") from error
    if origin.executorch_version != executorch_version():
        raise BundleError(
            f"{path} was built with ExecuTorch {origin.executorch_version}, this machine has"
            f" {executorch_version()}",
            hint="export it again with the same version of the harness",
        )
    if origin.bundle_key != bundle_key():
        raise BundleError(
            f"{path} was built from other runner sources or device scripts than this harness has",
            hint="export it again with the same version of the harness",
        )


def _install(unpacked: Path, abi: Abi) -> Bundle:
    folder = bundle_folder(abi)
    with locked(folder):
        if folder.is_dir():
            shutil.rmtree(folder)
        unpacked.rename(folder)
        return read_bundle(folder, abi)
