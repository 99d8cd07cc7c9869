"""Damaged and hostile archives end in a BundleError, soon, in little memory, and write nothing elsewhere."""

import gzip
import io
import os
import random
import resource
import tarfile
import time
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from harness.errors import BundleError, HarnessError, UsageError
from harness.records import Abi
from harness.runner.bundle import ABIS, import_bundles
from harness.runner.bundle.build import bundle_key
from harness.runner.bundle.contents import EXECUTORCH_LIBRARIES, LIBC_FAMILY, LOADERS, RUNNER, write_sums
from harness.runner.bundle.wheel import executorch_version

MAX_SECONDS = 10
MAX_GROWTH_KB = 1 << 20
Entry = tuple[tarfile.TarInfo, bytes]

NAMES = (
    "/etc/passwd",
    "../escaped",
    "x86_64/../../escaped",
    "x86_64/..",
    "x86_64/.",
    "x86_64/",
    "",
    "x86_64/new\nline",
    "x86_64/\x1b]0;title\x07\x1b[2J",
    "x86_64/\u202egnp.exe",
    "x86_64/" + "a" * 250,
    "x86_64/deep/er",
    "arm64-v8a\\runner",
    "x86_64/SHA256SUMS",
    "ORIGIN.json",
)
KINDS = (
    tarfile.REGTYPE,
    tarfile.AREGTYPE,
    tarfile.LNKTYPE,
    tarfile.SYMTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.DIRTYPE,
    tarfile.FIFOTYPE,
    tarfile.CONTTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_SPARSE,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
)
FORMATS: tuple[Literal[0, 1, 2], ...] = (0, 1, 2)  # USTAR, GNU, PAX
SIZES = (1, 511, 513, 2**20, 2**33 - 1, 2**60, -1)


def small_bundle(folder: Path, abi: Abi) -> None:
    """A bundle of tiny programs that is right in every check, for there are thousands to try."""
    folder.mkdir(parents=True)
    machine = {"arm64-v8a": 183, "x86_64": 62}[abi]
    for name in (RUNNER, LOADERS[abi], *LIBC_FAMILY, *EXECUTORCH_LIBRARIES):
        head = b"\x7fELF\x02\x01\x01" + bytes(11) + machine.to_bytes(2, "little")
        (folder / name).write_bytes(head + name.encode() + b"\0GLIBC_2.17\0" * 9)
    write_sums(folder)


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """What an export holds: the origin, then each ABI's files."""
    folder = tmp_path_factory.mktemp("small")
    origin = {"bundle_key": bundle_key(), "executorch_version": executorch_version()}
    contents = {"ORIGIN.json": msgspec.json.encode(origin)}
    for abi in ABIS:
        small_bundle(folder / abi, abi)
        contents |= {f"{abi}/{file.name}": file.read_bytes() for file in sorted((folder / abi).iterdir())}
    return [_plain(name, content) for name, content in contents.items()]


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _plain(name: str, content: bytes) -> Entry:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    return info, content


def _pack(entries: list[Entry], chance: random.Random) -> bytes:
    """A tar archive of any format; a header's size may differ from what follows it."""
    packed = io.BytesIO()
    style = chance.choice(FORMATS)
    for info, content in entries:
        try:
            header = info.tobuf(style, "utf-8", "surrogateescape")
        except (ValueError, OverflowError, UnicodeError):
            header = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "replace")
        packed.write(header + content + bytes(-len(content) % tarfile.BLOCKSIZE))
    packed.write(bytes(2 * tarfile.BLOCKSIZE))
    return packed.getvalue()


def _change_entries(entries: list[Entry], chance: random.Random) -> list[Entry]:
    changed = list(entries)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(changed))
        info, content = changed[at]
        copy = tarfile.TarInfo(info.name)
        copy.size = info.size
        match chance.randrange(8):
            case 0:
                copy.name = chance.choice(NAMES)
            case 1:
                copy.type = chance.choice(KINDS)
                copy.linkname = chance.choice(("/etc/passwd", "../../x", "x86_64/runner", ""))
            case 2:
                copy.size = chance.choice(SIZES)
            case 3:
                changed.insert(at, (copy, content))
            case 4:
                del changed[at]
                continue
            case 5:
                content = _damage(content, chance)
                copy.size = len(content)
            case 6:
                chance.shuffle(changed)
                continue
            case 7:
                copy.pax_headers = {"size": str(2**40), "path": "../escaped", "GNU.sparse.size": "-1"}
        changed[at] = copy, content
        if not changed:
            break
    return changed


def _damage(content: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(content or b"\0")
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(damaged))
        match chance.randrange(4):
            case 0:
                damaged[at] = chance.randrange(256)
            case 1:
                damaged[at : at + 8] = chance.choice((b"\xff" * 8, b"\0" * 8, b"-1", b"7" * 12))
            case 2:
                del damaged[at : at + chance.randint(1, 600)]
                damaged = damaged or bytearray(1)
            case 3:
                damaged[at:at] = damaged[at : at + chance.randint(1, 600)]
    return bytes(damaged)


def _make(entries: list[Entry], chance: random.Random) -> bytes:
    """An archive damaged in its entries, its tar bytes or its gzip bytes."""
    if chance.random() < 0.6:
        return gzip.compress(_pack(_change_entries(entries, chance), chance), 1)
    archive = _pack(entries, chance)
    if chance.random() < 0.6:
        return gzip.compress(_damage(archive, chance), 1)
    packed = gzip.compress(archive, 1)
    return _damage(packed, chance) if chance.random() < 0.7 else packed[: chance.randrange(len(packed))]


def _everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def _import(file: Path, cache: Path, refusal: type[HarnessError] = BundleError) -> str:
    """What the user reads of the error, empty when it was imported; nothing else may have been written."""
    before = _everything(cache.parent)
    message = ""
    try:
        import_bundles(file)
    except refusal as error:
        message = f"{error.what}\n{error.hint}"
    found = _everything(cache.parent) - before - {cache, cache / "bundles"}
    assert all(path.is_relative_to(cache / "bundles") for path in found)
    if message:
        assert [path for path in found if path.suffix != ".lock"] == []
    return message


def test_damaged_archives_end_in_an_error_or_in_checked_bundles(
    entries: list[Entry], own_cache: Path, tmp_path: Path, fuzz_runs: int
) -> None:
    file = tmp_path / "bundles.tar.gz"
    file.write_bytes(gzip.compress(_pack(entries, random.Random(0))))
    assert _import(file, own_cache) == ""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in range(fuzz_runs):
        file.write_bytes(_make(entries, random.Random(f"bundle {seed}")))
        start = time.monotonic()
        message = _import(file, own_cache)
        assert all(line.isprintable() for line in message.splitlines()), f"seed {seed}"
        assert time.monotonic() - start < MAX_SECONDS, f"seed {seed}"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MAX_GROWTH_KB, f"{grown} kB"


def _refused_soon(file: Path, cache: Path, message: str, refusal: type[HarnessError] = BundleError) -> None:
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert message in _import(file, cache, refusal)
    assert time.monotonic() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_GROWTH_KB


def test_200_000_empty_entries_are_refused_soon(
    entries: list[Entry], own_cache: Path, tmp_path: Path
) -> None:
    headers = (tarfile.TarInfo(f"x86_64/{number}").tobuf(tarfile.USTAR_FORMAT) for number in range(200_000))
    file = tmp_path / "many.tar.gz"
    archive = _pack(entries[:1], random.Random(0))[: -2 * tarfile.BLOCKSIZE]
    file.write_bytes(gzip.compress(archive + b"".join(headers), 1))
    _refused_soon(file, own_cache, "is not an exported bundle: more than 200 entries")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_SPARSE])
def test_a_header_that_claims_10_gb_is_refused_before_anything_is_allocated(
    own_cache: Path, tmp_path: Path, kind: bytes
) -> None:
    info = tarfile.TarInfo("ORIGIN.json")
    info.type, info.size = kind, 10 * 10**9
    file = tmp_path / "claims.tar.gz"
    file.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(4096)))
    _refused_soon(file, own_cache, "contains an entry that no exported bundle has")


def test_what_unpacks_to_gigabytes_is_refused(own_cache: Path, tmp_path: Path) -> None:
    file = tmp_path / "bomb.tar.gz"
    with gzip.open(file, "wb", compresslevel=1) as packed:
        for _ in range(1024):
            packed.write(bytes(2**20))
    _refused_soon(file, own_cache, "it unpacks to more than 128 MiB")


def test_a_chain_of_a_hundred_thousand_long_names_is_refused(own_cache: Path, tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 0
    file = tmp_path / "chain.tar.gz"
    file.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) * 100_000))
    _refused_soon(file, own_cache, "is not a file")


@pytest.mark.parametrize("instead", ["fifo", "device", "folder"])
def test_only_a_regular_file_is_read(own_cache: Path, tmp_path: Path, instead: str) -> None:
    file = tmp_path / "instead"
    if instead == "fifo":
        os.mkfifo(file)
    elif instead == "device":
        file.symlink_to("/dev/zero")
    else:
        file.mkdir()
    _refused_soon(file, own_cache, "is not a regular file", UsageError)
