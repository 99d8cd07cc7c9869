"""Export all bundles to one file and import it again, for hosts without a compiler."""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.errors import BundleError, NotABundle, UsageError
from harness.records import Abi
from harness.records.decoding import Malformed, decode_json
from harness.runner.bundle.build import bundle_folder, bundle_key, ensure_bundle, place_bundle, read_placed
from harness.runner.bundle.contents import ABIS, Bundle, file_mode, is_file_name, read_bundle
from harness.runner.bundle.wheel import executorch_version
from harness.system.entry_lock import locked
from harness.system.files import atomic_file, read_regular_file
from harness.system.folders import scratch_folder
from harness.system.os_errors import hint_for
from harness.system.text import excerpt, printable

_ORIGIN = "ORIGIN.json"
# Twice the size of all bundles, and five times their files; an archive with more is not one of ours.
_MAX_BYTES = 128 * 2**20
_MAX_ENTRIES = 200


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the bundles were built from."""

    bundle_key: str
    executorch_version: str


def export_bundles(path: Path) -> tuple[Bundle, ...]:
    """Write every ABI's bundle into one .tar.gz; missing bundles are built, and so are missing folders.

    The same bundles give the same bytes.

    Raises:
        BundleError: a bundle cannot be built or the file cannot be written.
    """
    bundles = tuple(ensure_bundle(abi) for abi in ABIS)
    origin = Origin(bundle_key(), executorch_version())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
        raise BundleError(
            f"cannot write {printable(str(path))}: {error.strerror or error}", hint=hint_for(error)
        ) from error
    return bundles


@dataclass(frozen=True)
class Imported:
    """What was installed: the digest of the exported file, what it was built from, and its bundles."""

    sha256: str
    origin: Origin
    bundles: tuple[Bundle, ...]


def import_bundles(path: Path, *, sha256: str | None = None) -> Imported:
    """Check and install the bundles of an exported file; nothing is installed unless every file is right.

    A bundle is code that runs on devices and on this machine. With `sha256` the file must have that digest
    before anything in it is read.

    Raises:
        UsageError: the file is missing, has another digest, or is not a regular file.
        NotABundle: the file is damaged, is not an export, contains entries that no export has, or was made
            from other runner sources or with another ExecuTorch.
    """
    try:
        return _import(path, sha256)
    except BundleError as error:
        hint = hint_for(error.__cause__) if isinstance(error.__cause__, OSError) else ""
        again = "copy the file again, or write it again with `harness bundle export`"
        raise NotABundle(error.what, hint=error.hint or hint or again) from error


def _import(path: Path, sha256: str | None) -> Imported:
    packed = _read(path)
    found = hashlib.sha256(packed).hexdigest()
    if sha256 is not None and found != sha256:
        raise UsageError(
            f"{path} has the SHA-256 {found}, not {sha256}",
            hint="import only a file whose digest its maker gave you: a bundle is code",
        )
    target = bundle_folder(ABIS[0]).parent
    target.mkdir(parents=True, exist_ok=True)
    with scratch_folder(target) as scratch:
        origin, abis = _unpack(packed, path, scratch)
        for abi in abis:
            read_bundle(scratch / abi, abi)
        return Imported(found, origin, tuple(_install(scratch / abi, abi) for abi in abis))


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _unpack(packed: bytes, path: Path, folder: Path) -> tuple[Origin, tuple[Abi, ...]]:
    """Check the origin, write the archive's files below the folder, and return the ABIs found."""
    abis: dict[Abi, None] = {}
    try:
        entries = _read_entries(_decompress(packed, path), path)
        origin = _check_origin(_first(entries, path), path)
        for name, content in entries:
            abi, file_name = _parse_name(name, path)
            (folder / abi).mkdir(mode=0o755, exist_ok=True)
            # "x" refuses a name that occurs twice.
            with (folder / abi / file_name).open("xb") as file:
                file.write(content)
            (folder / abi / file_name).chmod(file_mode(file_name))
            abis[abi] = None
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise BundleError(f"{path} is damaged or not an exported bundle: {error}") from error
    if not abis:
        raise BundleError(f"{path} contains no bundle")
    return origin, tuple(abis)


def _read(path: Path) -> bytes:
    if not path.is_file():
        what = f"{path} is not a regular file" if path.exists() else f"there is no file {path}"
        raise UsageError(what, hint="name a file that `harness bundle export` wrote")
    try:
        return read_regular_file(path, _MAX_BYTES)
    except OSError as error:
        raise BundleError(f"{path} is damaged or not an exported bundle: {error}") from error


def _decompress(packed: bytes, path: Path) -> bytes:
    """The whole archive, of which no more than any export has is ever in memory."""
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
        content = stream.read(_MAX_BYTES + 1)
    if not content:
        raise EOFError("it is empty")
    if len(content) > _MAX_BYTES:
        raise BundleError(f"{path} is too large: it unpacks to more than {_MAX_BYTES >> 20} MiB")
    return content


def _read_entries(archive: bytes, path: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the plain files of a tar archive, in order.

    Only the format of an export is read, whose entries each have one header: tarfile would follow chains of
    headers and believe their sizes.

    Raises:
        BundleError, tarfile.TarError: an entry is damaged or is not a plain file, or there are too many.
    """
    at = count = 0
    while header := archive[at : at + tarfile.BLOCKSIZE].rstrip(b"\0"):
        count += 1
        if count > _MAX_ENTRIES:
            raise BundleError(f"{path} is not an exported bundle: more than {_MAX_ENTRIES} entries")
        try:
            entry = tarfile.TarInfo.frombuf(header.ljust(tarfile.BLOCKSIZE, b"\0"), "utf-8", "strict")
        except ValueError as error:
            raise tarfile.ReadError("an entry has a malformed header") from error
        at += tarfile.BLOCKSIZE
        if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise BundleError(
                f"{path} contains an entry that no exported bundle has: {entry.name[:100]!r} is not a file"
            )
        if not 0 <= entry.size <= len(archive) - at:
            raise BundleError(f"{path} is not an exported bundle: an entry ends early")
        yield entry.name, archive[at : at + entry.size]
        at += -(-entry.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def _first(entries: Iterator[tuple[str, bytes]], path: Path) -> bytes:
    name, content = next(entries, ("", b""))
    if not name:
        raise BundleError(f"{path} is not an exported bundle: an entry is missing")
    if name != _ORIGIN:
        raise BundleError(f"{path} is not an exported bundle: its first entry is not {_ORIGIN}")
    return content


def _parse_name(name: str, path: Path) -> tuple[Abi, str]:
    """Accept `<abi>/<name>` and nothing else, so that no entry can leave the folder."""
    folder, _, file_name = name.partition("/")
    for abi in ABIS:
        if folder == abi and is_file_name(file_name):
            return abi, file_name
    raise BundleError(f"{path} contains an entry that no exported bundle has: {name[:100]!r}")


def _check_origin(content: bytes, path: Path) -> Origin:
    try:
        origin = decode_json(content, Origin)
    except Malformed as error:
        raise BundleError(f"{path} is not an exported bundle: {excerpt(str(error))}") from error
    if origin.executorch_version != executorch_version():
        raise BundleError(
            f"{path} was built with ExecuTorch {excerpt(origin.executorch_version)}, this machine has"
            f" {executorch_version()}",
            hint="export it again with the same version of the harness",
        )
    if origin.bundle_key != bundle_key():
        raise BundleError(
            f"{path} was built from other runner sources or device scripts than this harness has",
            hint="export it again with the same version of the harness",
        )
    return origin


def _install(unpacked: Path, abi: Abi) -> Bundle:
    """What is in place already stays: another process may be reading it."""
    folder = bundle_folder(abi)
    with locked(folder):
        with suppress(BundleError):
            placed = read_placed(folder, abi)
            if placed.sha256 == read_bundle(unpacked, abi).sha256:
                return placed
        place_bundle(unpacked, folder)
        return read_bundle(folder, abi)
