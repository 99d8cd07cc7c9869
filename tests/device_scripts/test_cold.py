"""Which files the runner drops from memory before a cold start: also the library of its runtime."""

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.analysis.runtimes import RUNTIMES
from harness.records import EXECUTORCH
from harness.runner.bundle.contents import EXECUTORCH_LIBRARIES
from harness.runner.bundle.runtimes import LIBRARIES
from harness.system.paths import DEVICE_SCRIPTS

# Prints how many files, and how many pages of them were in memory.
MAIN = """
#include <cstdio>
#include "cold.h"
extern "C" int answer();
int main(int, char** argv) {
  if (answer() != 42) return 1;
  const runner::Cold cold = runner::drop_pages(argv[1], "");
  const auto before = static_cast<long long>(cold.resident_before_pages);
  printf("%lld %lld\\n", static_cast<long long>(cold.files), before);
}
"""
LOADED = {name: library.loaded_as for name, library in LIBRARIES.items()} | {
    EXECUTORCH: EXECUTORCH_LIBRARIES[0]
}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_cold_start_drops_the_library_of_the_runtime_with_the_program(runtime: str, tmp_path: Path) -> None:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed (apt-get install g++)")
    library, program, sources = tmp_path / LOADED[runtime], tmp_path / "program", DEVICE_SCRIPTS / "runner"
    (tmp_path / "library.cpp").write_text('extern "C" int answer() { return 42; }\n')
    (tmp_path / "main.cpp").write_text(MAIN)
    (tmp_path / "model").write_bytes(b"m" * 5000)
    shared = [compiler, "-shared", "-fPIC", f"-Wl,-soname,{library.name}", "-o", str(library)]
    subprocess.run([*shared, str(tmp_path / "library.cpp")], check=True, timeout=120)
    build = [
        compiler,
        "-std=c++17",
        "-D_GNU_SOURCE",
        f"-I{sources}",
        f"-Wl,-rpath,{tmp_path}",
        "-o",
        str(program),
    ]
    units = [str(tmp_path / "main.cpp"), str(sources / "cold.cpp"), str(sources / "files.cpp"), str(library)]
    subprocess.run([*build, *units], check=True, timeout=120)
    ended = subprocess.run(
        [program, tmp_path / "model"], capture_output=True, text=True, check=True, timeout=60
    )
    files, resident_before = map(int, ended.stdout.split())
    assert files == 2
    assert resident_before > 2
