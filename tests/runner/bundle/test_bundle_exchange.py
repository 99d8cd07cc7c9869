import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from harness.errors import BundleError, UsageError
from harness.records import Abi
from harness.runner.bundle import ABIS, Bundle, ensure_bundle, export_bundles, import_bundles
from harness.runner.bundle.build import bundle_folder, bundle_key
from harness.runner.bundle.wheel import executorch_version
from harness.system.files import hash_file
from harness_command import HarnessCommand

Entry = tuple[tarfile.TarInfo, bytes]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, built_bundles: dict[Abi, Bundle]) -> Path:
    path: Path = tmp_path_factory.mktemp("exported") / "bundles.tar.gz"
    export_bundles(path)
    return path


def test_an_export_is_used_where_there_is_no_compiler(
    exported: Path, own_cache: Path, no_compilers: None, built_bundles: dict[Abi, Bundle]
) -> None:
    import_bundles(exported)
    for abi in ABIS:
        assert ensure_bundle(abi).files == built_bundles[abi].files


def test_importing_again_replaces_what_is_there(
    exported: Path, own_cache: Path, copy_bundle: Callable[[Abi], Path], built_bundles: dict[Abi, Bundle]
) -> None:
    (copy_bundle("x86_64") / "runner").write_bytes(b"")
    import_bundles(exported)
    assert [bundle.sha256 for bundle in import_bundles(exported).bundles] == [
        built_bundles[a].sha256 for a in ABIS
    ]


def test_importing_what_is_there_takes_no_file_from_under_who_reads_it(
    exported: Path, copy_bundle: Callable[[Abi], Path], built_bundles: dict[Abi, Bundle]
) -> None:
    folder = copy_bundle("x86_64")
    before = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}
    found = {bundle.abi: bundle.sha256 for bundle in import_bundles(exported).bundles}
    assert found == {abi: bundle.sha256 for abi, bundle in built_bundles.items()}
    after = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}
    assert after == before


@pytest.mark.slow
def test_the_same_bundles_export_to_the_same_bytes(exported: Path, tmp_path: Path) -> None:
    export_bundles(tmp_path / "again.tar.gz")
    assert (tmp_path / "again.tar.gz").read_bytes() == exported.read_bytes()


def test_an_export_replaces_a_link_and_does_not_follow_it(
    tmp_path: Path, built_bundles: dict[Abi, Bundle]
) -> None:
    (tmp_path / "key").write_text("a private key")
    (tmp_path / "bundles.tar.gz").symlink_to("key")
    export_bundles(tmp_path / "bundles.tar.gz")
    assert not (tmp_path / "bundles.tar.gz").is_symlink()
    assert (tmp_path / "key").read_text() == "a private key"


def test_an_export_into_a_missing_folder_makes_it(tmp_path: Path, built_bundles: dict[Abi, Bundle]) -> None:
    export_bundles(tmp_path / "nosuch" / "bundles.tar.gz")
    assert (tmp_path / "nosuch" / "bundles.tar.gz").is_file()


def test_an_export_that_cannot_be_written_is_an_error(
    tmp_path: Path, built_bundles: dict[Abi, Bundle]
) -> None:
    (tmp_path / "bundles.tar.gz").mkdir()
    with pytest.raises(BundleError, match=r"cannot write .*bundles.tar.gz") as caught:
        export_bundles(tmp_path / "bundles.tar.gz")
    assert ".partial" not in caught.value.what


# Archives that are not quite an export --------------------------------------------------------------


def origin(**changes: str) -> Entry:
    facts = {"bundle_key": bundle_key(), "executorch_version": executorch_version(), **changes}
    return plain("ORIGIN.json", msgspec.json.encode(facts))


def plain(name: str, content: bytes = b"content", **changes: object) -> Entry:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in changes.items():
        setattr(info, field, value)
    return info, content


def special(name: str, kind: bytes, target: str = "") -> Entry:
    return plain(name, b"", type=kind, linkname=target)


@pytest.fixture
def pack(tmp_path: Path) -> Callable[..., Path]:
    def write(*entries: Entry) -> Path:
        path = tmp_path / "packed.tar.gz"
        with tarfile.open(path, "w:gz", compresslevel=1) as archive:
            for info, content in entries:
                archive.addfile(info, io.BytesIO(content))
        return path

    return write


def whole(exported: Path) -> list[Entry]:
    with tarfile.open(exported) as archive:
        return [(info, archive.extractfile(info).read()) for info in archive]  # type: ignore[union-attr]


def check_refused(path: Path, own_cache: Path, message: str) -> None:
    outside = sorted(own_cache.parent.iterdir())
    with pytest.raises(BundleError, match=message) as refused:
        import_bundles(path)
    assert (refused.value.exit_code, bool(refused.value.hint)) == (2, True)
    assert list((own_cache / "bundles").glob("*")) == []
    assert [path for path in sorted(own_cache.parent.iterdir()) if path != own_cache] == [
        path for path in outside if path != own_cache
    ]


@pytest.mark.parametrize(
    "entry",
    [
        plain("/etc/passwd"),
        plain("../escaped"),
        plain("x86_64/../../escaped"),
        plain("x86_64/.."),
        plain("x86_64/"),
        plain("x86_64/deep/er"),
        plain("x86_64/back\\slash"),
        plain("riscv64/runner"),
        plain("runner"),
        special("x86_64/runner", tarfile.SYMTYPE, "/bin/sh"),
        special("x86_64/runner", tarfile.LNKTYPE, "ORIGIN.json"),
        special("x86_64/runner", tarfile.CHRTYPE),
        special("x86_64/runner", tarfile.FIFOTYPE),
        special("x86_64/runner", tarfile.DIRTYPE),
    ],
    ids=lambda entry: f"{entry[0].name} {entry[0].type.decode()}",
)
def test_entries_that_no_export_has_are_refused(
    pack: Callable[..., Path], own_cache: Path, entry: Entry
) -> None:
    check_refused(pack(origin(), entry), own_cache, "contains an entry that no exported bundle has")


def test_a_name_given_twice_is_refused(pack: Callable[..., Path], own_cache: Path) -> None:
    twice = pack(origin(), plain("x86_64/runner"), plain("x86_64/runner"))
    check_refused(twice, own_cache, "is damaged or not an exported bundle: .*File exists")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "an entry is missing"),
        ([origin()], "contains no bundle"),
        ([plain("x86_64/runner")], "is not an exported bundle"),
        ([origin(more="fields")], "is not an exported bundle.*more"),
        ([special("ORIGIN.json", tarfile.SYMTYPE, "/etc/passwd")], "is not a file"),
        ([origin(), plain("x86_64/runner")], "cannot be read: .*SHA256SUMS"),
        ([origin(), plain("x86_64/SHA256SUMS", b"\xff")], "cannot be read: .*utf-8"),
        ([origin(executorch_version="0.1")], "was built with ExecuTorch 0.1, this machine has "),
        ([origin(bundle_key="0" * 64)], "was built from other runner sources"),
    ],
)
def test_an_archive_that_is_no_export_of_these_sources_is_refused(
    pack: Callable[..., Path], own_cache: Path, entries: list[Entry], message: str
) -> None:
    check_refused(pack(*entries), own_cache, message)


def test_a_changed_file_is_refused_and_nothing_is_installed(
    pack: Callable[..., Path], exported: Path, own_cache: Path
) -> None:
    entries = [
        plain(info.name, b"changed") if info.name.endswith("x86_64/runner") else (info, content)
        for info, content in whole(exported)
    ]
    check_refused(pack(*entries), own_cache, "is damaged: runner")


def test_a_file_too_many_is_refused(pack: Callable[..., Path], exported: Path, own_cache: Path) -> None:
    check_refused(pack(*whole(exported), plain("x86_64/extra.so")), own_cache, r"is damaged: extra\.so")


def test_an_entry_larger_than_any_bundle_is_refused_unread(
    pack: Callable[..., Path], own_cache: Path
) -> None:
    huge = plain("x86_64/runner", bytes(129 * 2**20))
    check_refused(pack(origin(), huge), own_cache, "too large")


@pytest.mark.parametrize("kept", [0, 100, 2_000_000])
def test_an_archive_cut_short_is_refused(exported: Path, own_cache: Path, kept: int, tmp_path: Path) -> None:
    (tmp_path / "cut.tar.gz").write_bytes(exported.read_bytes()[:kept])
    check_refused(tmp_path / "cut.tar.gz", own_cache, "is damaged or not an exported bundle")


def test_a_missing_file_is_an_error(own_cache: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file .*nosuch\.tar\.gz"):
        import_bundles(tmp_path / "nosuch.tar.gz")


def test_the_digest_and_the_origin_of_what_is_imported_are_known(exported: Path) -> None:
    digest = hash_file(exported)
    imported = import_bundles(exported, sha256=digest)
    assert (imported.sha256, imported.origin.executorch_version) == (digest, executorch_version())


def test_a_file_of_another_digest_is_refused_before_anything_is_unpacked(exported: Path) -> None:
    before = sorted(bundle_folder(ABIS[0]).parent.iterdir())
    with pytest.raises(UsageError, match=r"has the SHA-256 .* not 0000") as caught:
        import_bundles(exported, sha256="0" * 64)
    assert "a bundle is code" in caught.value.hint
    assert sorted(bundle_folder(ABIS[0]).parent.iterdir()) == before


def test_the_command_prints_digest_and_origin_and_refuses_a_digest_of_another_length(
    exported: Path, run_harness: HarnessCommand
) -> None:
    digest = hash_file(exported)
    ended = run_harness("bundle", "import", exported, "--sha256", digest.upper(), "--json")
    assert ended.exit_code == 0, ended.stderr
    assert ended.document["sha256"] == digest
    assert ended.document["origin"]["executorch_version"] == executorch_version()
    assert f"sha256 {digest}" in run_harness("bundle", "import", exported).stdout
    short = run_harness("bundle", "import", exported, "--sha256", digest[:-1])
    assert short.exit_code == 2
    assert "it has 63 characters" in short.stderr
