"""The compilers for each ABI, their runtime libraries, and CMake."""

import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import BundleError
from harness.records import Abi
from harness.runner.bundle.contents import LIBC_FAMILY, LOADERS
from harness.runner.bundle.wheel import MACHINES, runs_natively
from harness.system.plain_paths import plain_paths
from harness.system.platforms import require_linux
from harness.system.processes import run_local

# In a definition: the folder of the runtime's package, whose path is known only while building.
PACKAGES = "{packages}"
_QUERY_TIMEOUT_S = 30
_BUILD_TIMEOUT_S = 900


@dataclass(frozen=True)
class Toolchain:
    """Compiles and strips for one ABI."""

    abi: Abi
    compiler: str
    stripper: str

    def build(self, source: Path, into: Path, packages: Path, definitions: Mapping[str, str]) -> None:
        """Build the CMake project in `source`; `{packages}` in a definition stands for that folder.

        Raises:
            BundleError: the project does not compile, or CMake or Ninja is not installed.
        """
        cmake, ninja = Path(find_build_tool("cmake")), Path(find_build_tool("ninja"))
        into.mkdir(parents=True, exist_ok=True)
        with plain_paths(source, into, packages, ninja) as (source, into, packages, ninja):
            settings = {
                "CMAKE_MAKE_PROGRAM": str(ninja),
                "CMAKE_BUILD_TYPE": "Release",
                "CMAKE_SYSTEM_NAME": "Linux",
                "CMAKE_SYSTEM_PROCESSOR": MACHINES[self.abi],
                "CMAKE_CXX_COMPILER": self.compiler,
                **{name: text.replace(PACKAGES, str(packages)) for name, text in definitions.items()},
            }
            defined = (f"-D{name}={value}" for name, value in settings.items())
            _run([str(cmake), "-G", "Ninja", "-S", str(source), "-B", str(into), *defined])
            _run([str(cmake), "--build", str(into), "--parallel", str(os.cpu_count() or 1)])

    def strip(self, program: Path) -> None:
        """Remove a program's symbols, in place.

        Raises:
            BundleError: the program cannot be read or written.
        """
        _run([self.stripper, str(program)])

    def runtime_files(self, *further: str) -> tuple[tuple[str, Path], ...]:
        """The loader, glibc with `further` libraries of it, and the compiler's runtime: names and paths.

        Raises:
            BundleError: the compiler does not find one.
        """
        return tuple((name, self._find(name)) for name in (LOADERS[self.abi], *LIBC_FAMILY, *further))

    def _find(self, name: str) -> Path:
        answer = run_local([self.compiler, f"-print-file-name={name}"], timeout_s=_QUERY_TIMEOUT_S)
        path = Path(answer.text.strip())
        # A compiler that does not find the file repeats its bare name.
        if answer.exit_code != 0 or not path.is_absolute() or not path.is_file():
            raise BundleError(f"{self.compiler} does not find {name}", hint=_packages(self.abi))
        return path.resolve()


def find_toolchain(abi: Abi) -> Toolchain:
    """The compiler for the ABI.

    Raises:
        BundleError: the compiler is not installed, or this machine does not run Linux.
    """
    require_linux(
        "building the runner",
        hint="pip install mobilenet-harness-runner, or import a bundle made on Linux",
        error=BundleError,
    )
    prefix = "" if runs_natively(abi) else f"{MACHINES[abi]}-linux-gnu-"
    for name in (f"{prefix}g++", f"{prefix}strip"):
        if shutil.which(name) is None:
            raise BundleError(
                f"the runner for {abi} needs {name}, which is not installed", hint=_packages(abi)
            )
    return Toolchain(abi, f"{prefix}g++", f"{prefix}strip")


def _packages(abi: Abi) -> str:
    package = "g++" if runs_natively(abi) else f"g++-{MACHINES[abi].replace('_', '-')}-linux-gnu"
    return (
        f"sudo apt-get install {package}, or pip install mobilenet-harness-runner, or import a bundle made on"
        " another machine"
    )


def find_build_tool(name: str) -> str:
    """The path of `cmake` or `ninja`: from its PyPI package beside this interpreter, else from the PATH.

    The package comes first: a distribution's CMake may be too old for ExecuTorch's configuration.

    Raises:
        BundleError: neither has it.
    """
    folders = (Path(sysconfig.get_path("scripts")), Path(sys.executable).parent)
    for folder in folders:
        if (folder / name).is_file():
            return str(folder / name)
    found = shutil.which(name)
    if found is None:
        raise BundleError(f"{name} is not installed", hint=f"pip install {name}")
    return found


def _run(argv: Sequence[str]) -> None:
    answer = run_local(argv, timeout_s=_BUILD_TIMEOUT_S)
    if answer.exit_code != 0:
        output = (answer.stdout + answer.stderr).decode("utf-8", "replace").strip()[-2000:]
        raise BundleError(f"building the runner failed in {' '.join(argv[:2])}:\n{output}")
