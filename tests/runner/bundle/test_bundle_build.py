import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import BundleError
from harness.records import Abi
from harness.runner.bundle import ABIS, Bundle, ensure_bench_bundle, ensure_bundle
from harness.runner.bundle.build import bundle_folder, place_bundle
from harness.runner.bundle.contents import LOADERS
from harness.runner.bundle.toolchain import find_toolchain
from harness.runner.bundle.wheel import (
    WHEEL_DIGESTS,
    check_digest,
    find_executorch,
    install_unpacked,
    is_intact,
    locked_digests,
    runs_natively,
)
from harness.system.files import hash_file
from harness.system.paths import PROJECT

ELF_MACHINES = {"x86_64": 62, "arm64-v8a": 183}
NATIVE: Abi = "x86_64" if runs_natively("x86_64") else "arm64-v8a"
FOREIGN: Abi = "arm64-v8a" if NATIVE == "x86_64" else "x86_64"


@pytest.mark.parametrize("abi", ABIS)
def test_every_program_is_of_its_abi_and_every_library_it_needs_is_there(
    built_bundles: dict[Abi, Bundle], abi: Abi
) -> None:
    bundle = built_bundles[abi]
    programs = [file for file in bundle.files if not file.name.endswith(".sh") and file.name != "SHA256SUMS"]
    names = {file.name for file in bundle.files}
    assert bundle.loader in names
    assert all(file.mode == 0o755 for file in programs)
    for file in programs:
        head = (bundle.folder / file.name).read_bytes()[:20]
        assert (head[:4], head[18]) == (b"\x7fELF", ELF_MACHINES[abi]), file.name
        assert needed_libraries(bundle.folder / file.name) <= names, file.name


def needed_libraries(program: Path) -> set[str]:
    answer = subprocess.run(["readelf", "-dW", str(program)], capture_output=True, text=True, check=True)
    return {line.split("[")[1].rstrip("]") for line in answer.stdout.splitlines() if "(NEEDED)" in line}


@pytest.mark.parametrize("abi", ABIS)
def test_sums_are_what_sha256sum_reads(built_bundles: dict[Abi, Bundle], abi: Abi) -> None:
    folder = built_bundles[abi].folder
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)


@pytest.mark.parametrize("abi", ABIS)
def test_the_runner_carries_no_path_of_this_machine(built_bundles: dict[Abi, Bundle], abi: Abi) -> None:
    content = (built_bundles[abi].folder / "runner").read_bytes()
    for path in (PROJECT, find_executorch(abi).parent):
        assert str(path).encode() not in content


def test_a_bundle_in_the_cache_needs_no_compiler(
    copy_bundle: Callable[[Abi], Path], built_bundles: dict[Abi, Bundle], no_compilers: None
) -> None:
    copy_bundle(NATIVE)
    assert ensure_bundle(NATIVE).sha256 == built_bundles[NATIVE].sha256


def test_a_bench_bundle_is_another_one_and_does_not_take_the_ordinary_ones_place(
    built_bundles: dict[Abi, Bundle],
) -> None:
    bench = ensure_bench_bundle(NATIVE, slow_down_operations=1)
    assert bench.sha256 != built_bundles[NATIVE].sha256
    assert ensure_bundle(NATIVE) == built_bundles[NATIVE]


@pytest.mark.slow
def test_a_damaged_bundle_is_built_again_to_the_same_bytes(
    copy_bundle: Callable[[Abi], Path], built_bundles: dict[Abi, Bundle]
) -> None:
    with (copy_bundle(NATIVE) / "libc.so.6").open("r+b") as file:
        file.write(b"not ELF")
    assert ensure_bundle(NATIVE).files == built_bundles[NATIVE].files


def test_a_bundle_of_another_abi_in_the_cache_is_not_used(
    copy_bundle: Callable[[Abi], Path], no_compilers: None
) -> None:
    own, foreign = copy_bundle(NATIVE), copy_bundle(FOREIGN)
    shutil.rmtree(own)
    foreign.rename(own)
    with pytest.raises(BundleError, match="needs"):  # built again, which needs a compiler
        ensure_bundle(NATIVE)


@pytest.mark.parametrize("linked", [False, True])
def test_a_bench_bundle_in_the_place_of_an_ordinary_one_is_not_used(
    own_cache: Path, built_bundles: dict[Abi, Bundle], no_compilers: None, tmp_path: Path, linked: bool
) -> None:
    folder = bundle_folder(NATIVE)
    folder.parent.mkdir(parents=True)
    place_bundle(Path(shutil.copytree(built_bundles[NATIVE].folder, tmp_path / "copy")), folder)
    assert ensure_bundle(NATIVE).sha256 == built_bundles[NATIVE].sha256
    shutil.rmtree(folder)
    bench = built_bundles[NATIVE].folder.with_name(f"bench-{folder.name}")
    if linked:
        folder.symlink_to(bench)
    else:
        shutil.copytree(bench, folder)
    with pytest.raises(BundleError, match="needs"):
        ensure_bundle(NATIVE)
    assert bench.is_dir()


@pytest.mark.parametrize("abi", ABIS)
def test_a_missing_compiler_is_an_error_that_names_its_package(
    own_cache: Path, no_compilers: None, abi: Abi
) -> None:
    package = (
        "g++" if abi == NATIVE else {"arm64-v8a": "g++-aarch64-linux-gnu"}.get(abi, "g++-x86-64-linux-gnu")
    )
    with pytest.raises(BundleError) as raised:
        ensure_bundle(abi)
    assert "needs" in raised.value.what
    assert f"apt-get install {package}," in raised.value.hint
    assert "import a bundle" in raised.value.hint


def test_the_loader_comes_from_the_path_that_the_compiler_names() -> None:
    files = dict(find_toolchain(NATIVE).runtime_files())
    assert files[LOADERS[NATIVE]].is_file()


def test_a_wheel_that_cannot_be_downloaded_is_an_error(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(BundleError, match=r"wheel for .* could not be downloaded") as raised:
        find_executorch(FOREIGN)
    assert "network" in raised.value.hint
    assert not [path for path in (own_cache / "wheels").iterdir() if path.suffix != ".lock"]


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file"))
    with pytest.raises(BundleError, match=r"cannot be made: .*Not a directory") as raised:
        ensure_bundle(NATIVE)
    assert "HARNESS_CACHE" in raised.value.hint


def test_a_wheel_that_is_not_a_locked_one_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    wheel = tmp_path / "executorch-1.5.1-cp311-cp311-manylinux_2_28_aarch64.whl"
    wheel.write_bytes(b"forged")
    with pytest.raises(BundleError, match=f"has the SHA-256 {hash_file(wheel)}, which is none of") as caught:
        check_digest(wheel, locked_digests())
    assert WHEEL_DIGESTS.read_text().split()[0][:12] in caught.value.what
    assert "pip's configuration" in caught.value.hint


def _unpacked(folder: Path) -> Path:
    (folder / "executorch/lib").mkdir(parents=True)
    (folder / "executorch/lib/libexecutorch.a").write_bytes(b"library")
    return folder


def _add(folder: Path) -> None:
    (folder / "executorch/more.h").touch()


def _change(folder: Path) -> None:
    (folder / "executorch/lib/libexecutorch.a").write_bytes(b"Library")


def _remove(folder: Path) -> None:
    (folder / "executorch/lib/libexecutorch.a").unlink()


def _link(folder: Path) -> None:
    (folder / "executorch/more.h").symlink_to("/dev/null")


def _replace(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to(folder.with_name("elsewhere"))


@pytest.mark.parametrize("harm", [_add, _change, _remove, _link, _replace])
def test_an_unpacked_wheel_is_checked_on_each_use(harm: Callable[[Path], None], tmp_path: Path) -> None:
    folder = tmp_path / "wheel"
    install_unpacked(_unpacked(tmp_path / "made"), folder, wheel_digest=WHEEL_DIGESTS.read_text().split()[0])
    assert is_intact(folder, locked_digests())
    harm(folder)
    assert not is_intact(folder, locked_digests())


def test_an_unpacked_wheel_that_is_no_longer_a_locked_one_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "wheel"
    install_unpacked(_unpacked(tmp_path / "made"), folder, wheel_digest="0" * 64)
    assert not is_intact(folder, locked_digests())


def test_a_wheel_that_was_unpacked_without_a_record_is_unpacked_again(tmp_path: Path) -> None:
    """Nobody knows what it was made of: one version recorded it as it lay there, with `-` for its wheel."""
    folder = tmp_path / "wheel"
    install_unpacked(_unpacked(tmp_path / "made"), folder, wheel_digest=WHEEL_DIGESTS.read_text().split()[0])
    record = folder.with_name("wheel.sha256")
    listed = record.read_text().partition("\n")[2]
    record.write_text(f"-\n{listed}")
    assert not is_intact(folder, locked_digests())
    record.unlink()
    assert not is_intact(folder, locked_digests())
    assert not record.exists()


def test_a_wheel_with_a_locked_digest_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "a.whl"
    wheel.write_bytes(b"published")
    monkeypatch.setattr("harness.runner.bundle.wheel.WHEEL_DIGESTS", tmp_path / "digests")
    (tmp_path / "digests").write_text(f"{'0' * 64}\n{hash_file(wheel)}\n")
    check_digest(wheel, locked_digests())
