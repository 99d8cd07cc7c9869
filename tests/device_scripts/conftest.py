"""The runner of each ABI, ready to be called, and small programs for it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from runner_program import Programs, Runner

from harness.devices.emulator.qemu import ensure_qemu
from harness.records import Abi
from harness.runner.bundle import Bundle, ensure_bundle
from harness.runner.bundle.wheel import runs_natively

NATIVE: Abi = "x86_64" if runs_natively("x86_64") else "arm64-v8a"


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    folder = tmp_path_factory.mktemp("programs")
    script = Path(__file__).with_name("make_programs.py")
    subprocess.run([sys.executable, "-W", "ignore", str(script), str(folder)], check=True, timeout=300)
    return Programs(folder)


@pytest.fixture(scope="session")
def native_bundle() -> Bundle:
    return ensure_bundle(NATIVE)


@pytest.fixture
def runner_of(programs: Programs, tmp_path: Path) -> Callable[[Bundle], Runner]:
    """A bundle's runner, run by this machine itself."""
    return lambda bundle: Runner(bundle, (), programs, tmp_path)


@pytest.fixture
def runner(native_bundle: Bundle, runner_of: Callable[[Bundle], Runner]) -> Runner:
    """The runner of this machine's ABI, run by this machine itself."""
    return runner_of(native_bundle)


def qemu(*options: str) -> tuple[str, ...]:
    """A launcher that finds nothing of an ARM system on this machine: the bundle must hold everything."""
    if shutil.which("qemu-aarch64") is None:
        pytest.skip("qemu-aarch64 is not installed (apt-get install qemu-user)")
    return (*ensure_qemu(), "-L", "/nonexistent", "-cpu", "cortex-a76", *options)


@pytest.fixture
def make_arm_runner(programs: Programs, tmp_path: Path) -> Callable[..., Runner]:
    """The arm64 runner under user-mode QEMU, with further options for QEMU."""

    def make(*qemu_options: str, bundle: Bundle | None = None) -> Runner:
        return Runner(bundle or ensure_bundle("arm64-v8a"), qemu(*qemu_options), programs, tmp_path)

    return make


@pytest.fixture(params=["native", "arm64 under QEMU"])
def any_runner(request: pytest.FixtureRequest) -> Runner:
    """First this machine's runner, then the ARM one."""
    if request.param == "native":
        native: Runner = request.getfixturevalue("runner")
        return native
    arm: Runner = request.getfixturevalue("make_arm_runner")()
    return arm


SHELLS = {"dash": ("dash",), "busybox": ("busybox", "sh"), "mksh": ("mksh",), "bash": ("bash", "--posix")}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The shell, as the `sh` that our scripts themselves find."""
    program, *applet = SHELLS[request.param]
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    wrapper = tmp_path / "bin" / "sh"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {" ".join([path, *applet])} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    return str(wrapper)
