"""The package mobilenet-harness-runner: used where the cache has no bundle, and checked before."""

import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import runner_wheel

from harness.errors import UsageError
from harness.records import Abi
from harness.runner.bundle import ABIS, Bundle, ensure_bundle
from harness.runner.bundle.installed import EXPORT, EXPORT_SHA256, KEY, PACKAGE, find_packed
from harness.system.paths import PROJECT
from harness_command import HarnessCommand

VERSION = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]


@pytest.fixture
def package(tmp_path: Path, built_bundles: dict[Abi, Bundle], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The installed package; made before the cache of the test replaces the one that has the bundles."""
    runner_wheel.stage(tmp_path / "staged", VERSION)
    monkeypatch.syspath_prepend(tmp_path / "staged")
    sys.modules.pop(PACKAGE, None)
    return tmp_path / "staged" / PACKAGE


def test_it_is_used_where_there_is_no_compiler(
    package: Path, own_cache: Path, no_compilers: None, built_bundles: dict[Abi, Bundle]
) -> None:
    for abi in ABIS:
        assert ensure_bundle(abi).files == built_bundles[abi].files


def test_a_damaged_one_is_refused_with_how_to_install_it_again(
    package: Path, own_cache: Path, no_compilers: None
) -> None:
    content = bytearray((package / EXPORT).read_bytes())
    content[len(content) // 2] ^= 1
    (package / EXPORT).write_bytes(content)
    with pytest.raises(UsageError, match="mobilenet-harness-runner is damaged") as refused:
        ensure_bundle("x86_64")
    assert refused.value.hint == "pip install --force-reinstall mobilenet-harness-runner"


@pytest.mark.parametrize("name", [EXPORT, EXPORT_SHA256, KEY])
def test_one_without_a_file_is_damaged(package: Path, own_cache: Path, no_compilers: None, name: str) -> None:
    (package / name).unlink()
    with pytest.raises(UsageError, match="is damaged"):
        ensure_bundle("x86_64")


def test_one_of_another_version_is_passed_over(package: Path) -> None:
    (package / KEY).write_text("0" * 64)
    assert find_packed() is None


def test_doctor_says_that_it_is_there(
    package: Path, own_cache: Path, no_compilers: None, run_harness: HarnessCommand
) -> None:
    said = run_harness("doctor", "host", env={"PYTHONPATH": f"{package.parent}:{PROJECT}"}).stdout
    assert said.count("in the package mobilenet-harness-runner") == 2


@pytest.mark.slow
def test_the_same_bundles_make_the_same_wheel(
    tmp_path: Path, built_bundles: dict[Abi, Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for name in ("one", "two"):
        monkeypatch.setattr(sys, "argv", ["runner_wheel.py", str(tmp_path / name)])
        runner_wheel.main()
        (wheel,) = (tmp_path / name).iterdir()
        made.append(wheel.read_bytes())
    assert made[0] == made[1]
    with zipfile.ZipFile(wheel) as archive:
        assert {f"{PACKAGE}/{each}" for each in (EXPORT, EXPORT_SHA256, KEY)} <= set(archive.namelist())
