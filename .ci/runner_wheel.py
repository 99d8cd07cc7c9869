"""Makes the wheel mobilenet-harness-runner: the bundles for arm64 and x86-64, for hosts without a compiler.

The same sources and Debian packages give the same bytes. Its argument is the folder to write into.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from harness.runner.bundle import export_bundles
from harness.runner.bundle.build import bundle_key
from harness.runner.bundle.installed import EXPORT, EXPORT_SHA256, KEY, PACKAGE
from harness.system.files import hash_file

PROJECT = Path(__file__).resolve().parents[1]
# The first day that a zip file can name.
_TIME = "315532800"
_TIMEOUT_S = 120

_PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "mobilenet-harness-runner"
version = "{version}"
description = "The runner of mobilenet-harness for 64-bit ARM and x86-64, as it is pushed to devices"
readme = "README.md"
license = "BSD-3-Clause AND LGPL-2.1-or-later AND GPL-3.0-or-later WITH GCC-exception-3.1"
requires-python = ">=3.11"

[tool.hatch.build.targets.wheel]
packages = ["mobilenet_harness_runner"]
"""

_README = """\
The runner of mobilenet-harness {version}, built from its sources and from ExecuTorch's wheel (BSD-3-Clause),
with glibc (LGPL-2.1-or-later) and GCC's runtime libraries (GPL-3.0-or-later with the GCC runtime library
exception) of Debian's packages, whose sources Debian publishes. `harness` finds it by itself.
"""


def main() -> None:
    """Build the wheel into the folder that the command line names."""
    into = Path(sys.argv[1])
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    with tempfile.TemporaryDirectory() as scratch:
        stage(Path(scratch), version)
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into.resolve())],
            cwd=scratch,
            env={**os.environ, "SOURCE_DATE_EPOCH": _TIME},
            check=True,
            timeout=_TIMEOUT_S,
        )


def stage(folder: Path, version: str) -> None:
    """Write the project of the wheel into a folder that is empty or not there."""
    package = folder / PACKAGE
    package.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(_PYPROJECT.format(version=version), encoding="utf-8")
    (folder / "README.md").write_text(_README.format(version=version), encoding="utf-8")
    (package / "__init__.py").write_text(
        '"""The runner of mobilenet-harness, as data."""\n', encoding="utf-8"
    )
    export_bundles(package / EXPORT)
    (package / EXPORT_SHA256).write_text(f"{hash_file(package / EXPORT)}\n", encoding="ascii")
    (package / KEY).write_text(f"{bundle_key()}\n", encoding="ascii")


if __name__ == "__main__":
    main()
