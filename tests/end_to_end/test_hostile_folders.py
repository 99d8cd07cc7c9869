"""Folders whose names mean something to CMake, Ninja, QEMU, flatc, a shell or a loader: they are quoted."""

import shutil
from pathlib import Path

import pytest

from harness.devices.arm_vm.building import build_machine
from harness.devices.arm_vm.machine import boot
from harness.records import Abi
from harness.runner.bundle import Bundle, ensure_bundle
from harness.runner.bundle.wheel import runs_natively
from harness_command import HarnessCommand

# All but what the runner's loader takes for separators.
NAME = "a, b'\"%$x#\u00e9\\c[d]*&=(e)~"
NATIVE: Abi = "x86_64" if runs_natively("x86_64") else "arm64-v8a"


@pytest.mark.slow
def test_the_runner_is_built_to_the_same_bytes_under_a_hostile_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = ensure_bundle(NATIVE)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / f"{NAME};:"))
    built = ensure_bundle(NATIVE)
    assert built.folder.is_relative_to(tmp_path)
    assert built.sha256 == usual.sha256


@pytest.mark.slow
def test_a_run_measures_with_hostile_folders_for_cache_run_and_temporary_files(
    tmp_path: Path, run_harness: HarnessCommand
) -> None:
    cache, temporary = tmp_path / NAME, tmp_path / f"{NAME} tmp"
    temporary.mkdir()
    bundles: tuple[Bundle, ...] = (ensure_bundle("x86_64"), ensure_bundle("arm64-v8a"))
    for bundle in bundles:
        shutil.copytree(bundle.folder, cache / "bundles" / bundle.folder.name)
    environment = {"HARNESS_CACHE": str(cache), "TMPDIR": str(temporary)}
    out = f"{NAME};: run"
    options = ("-w", "0.25", "-r", "32", "-p", "fp32", "--processes", "2", "--out", out)
    run = run_harness("run", "-d", "host,emulator", *options, env=environment)
    assert run.exit_code == 0, run.stderr
    assert (tmp_path / out / "report" / "index.html").is_file()
    for words in (
        ("report", out),
        ("pick", out),
        ("lower", "-w", "0.25", "-r", "32", "-p", "fp32", "-o", NAME),
    ):
        ended = run_harness(*words, env=environment)
        assert ended.exit_code == 0, ended.stderr
    assert run_harness("compare", "--markdown", out, out, env=environment).exit_code in (0, 3)


@pytest.mark.slow
def test_a_cache_that_the_loader_cannot_name_is_refused_with_a_hint(
    tmp_path: Path, run_harness: HarnessCommand
) -> None:
    cache = tmp_path / "a:b"
    usual = ensure_bundle(NATIVE)
    shutil.copytree(usual.folder, cache / "bundles" / usual.folder.name)
    options = ("-w", "0.25", "-r", "32", "-p", "fp32", "--processes", "2")
    ended = run_harness("run", "-d", "host", *options, env={"HARNESS_CACHE": str(cache)})
    assert ended.exit_code == 4
    assert "HARNESS_CACHE" in ended.stderr


@pytest.mark.device
def test_the_arm_machine_boots_from_a_hostile_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Path(shutil.copytree(build_machine(), tmp_path / f"{NAME};:"))
    monkeypatch.setattr("tempfile.tempdir", str(machine))
    with boot(machine=machine) as running:
        assert running.console_log.is_relative_to(machine)
